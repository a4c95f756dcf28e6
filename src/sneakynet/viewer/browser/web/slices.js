// One canvas with an axial, a coronal and a sagittal slice: the scan, and the label maps over it.

import { Niivue, NVImage, SLICE_TYPE, DRAG_MODE } from "./niivue.js";
import { rgb, spoken } from "./manifest.js";

const { AXIAL, CORONAL, SAGITTAL } = SLICE_TYPE;
const LAYOUTS = {
  all: [[AXIAL, 0, 0, 0.495, 0.495], [CORONAL, 0.505, 0, 0.495, 0.495], [SAGITTAL, 0, 0.505, 0.495, 0.495]],
  beside: [[AXIAL, 0, 0, 1, 0.5], [CORONAL, 0, 0.5, 0.49, 0.5], [SAGITTAL, 0.51, 0.5, 0.49, 0.5]],
  axial: [[AXIAL, 0, 0, 1, 1]],
  coronal: [[CORONAL, 0, 0, 1, 1]],
  sagittal: [[SAGITTAL, 0, 0, 1, 1]],
};

const LABELS_INTENT = 1002; // NIfTI's; images with it are the only ones that NiiVue draws outlines of

/** Not by its address: NiiVue asks twice for what it loads. */
async function image(url, options) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${new URL(url).pathname} cannot be read (${answer.status})`);
  return NVImage.loadFromUrl({ ...options, url: await answer.arrayBuffer(), name: url.split("/").at(-1) });
}

export class Slices {
  constructor(canvas) {
    this.canvas = canvas;
    this.isOpen = false;
    this.layers = [];
    this.onMove = () => {};
    this.onWindow = () => {};
    this.view = new Niivue({
      backColor: [0, 0, 0, 1],
      crosshairColor: [0.35, 0.66, 0.9, 0.75],
      crosshairWidthUnit: "percent",
      crosshairWidth: 0.3,
      crosshairGap: 4,
      dragAndDropEnabled: false,
      dragMode: DRAG_MODE.windowing,
      fontColor: [0.95, 0.8, 0.3, 1],
      isRadiologicalConvention: true, // the patient's right on the left, as everywhere in radiology
      sagittalNoseLeft: true,
      showAllOrientationMarkers: true,
      isOrientationTextVisible: true,
      tileMargin: 0,
      loadingText: "",
      logLevel: "warn",
    });
    this.view.onLocationChange = (place) => this.onMove([...place.mm].slice(0, 3));
    this.view.onIntensityChange = () => this.onWindow(this.window);
  }

  async open() {
    await this.view.attachToCanvas(this.canvas);
    this.isOpen = true;
  }

  /** The first image; nothing is drawn before `show`. */
  async addScan(url) {
    this.addImage(await image(url, { colormap: "gray", cal_min: -500, cal_max: 1300 }));
  }

  /** One over the scan; nothing is drawn before `show`. */
  async addLayer(layer) {
    const labels = await image(layer.url, { opacity: 0 });
    this.layers.push({ layer, image: labels, voxels: labels.img });
    this.colour(labels, layer, null);
    this.addImage(labels);
  }

  addImage(added) {
    // With every image that is added, NiiVue would send all of them to the graphics card again.
    this.view.updateGLVolume = () => {};
    this.view.addVolume(added);
    delete this.view.updateGLVolume;
  }

  colour(image, layer, visible) {
    // All of them, hidden ones clear: ids above the last one that is listed would be drawn in its colour.
    const { bones } = layer;
    const colors = bones.map((bone) => rgb(bone.color));
    image.setColormapLabel({
      R: [0, ...colors.map((c) => c[0])],
      G: [0, ...colors.map((c) => c[1])],
      B: [0, ...colors.map((c) => c[2])],
      A: [0, ...bones.map((bone) => (visible === null || visible.has(bone.id) ? 255 : 0))],
      I: [0, ...bones.map((bone) => bone.id)],
      labels: ["", ...bones.map((bone) => spoken(bone.name))],
    });
  }

  /** Outlines would be drawn of hidden bones, too: NiiVue is given labels without them. */
  outline({ layer, image, voxels }, visible, on) {
    image.hdr.intent_code = on ? LABELS_INTENT : 0;
    image.img = voxels;
    const hidden = layer.bones.filter((bone) => !visible.has(bone.id));
    if (!on || !hidden.length) return;
    const seen = Array.from({ length: Math.max(...layer.bones.map((bone) => bone.id)) + 1 }, (_, id) => id);
    for (const { id } of hidden) seen[id] = 0;
    image.img = voxels.map((id) => seen[id]);
  }

  /** Draw the scan, of the layer with this key the visible bones, and nothing of the others. */
  show({ visible = null, key = null, opacity = 1, outline = false } = {}) {
    for (const each of this.layers) {
      this.colour(each.image, each.layer, visible);
      this.outline(each, visible, outline && each.layer.key === key);
      each.image.opacity = each.layer.key === key ? opacity : 0;
    }
    this.view.opts.atlasOutline = outline ? 1 : 0;
    this.view.updateGLVolume();
  }

  get window() {
    const scan = this.view.volumes[0];
    return [scan.cal_min, scan.cal_max];
  }

  set window([low, high]) {
    const scan = this.view.volumes[0];
    [scan.cal_min, scan.cal_max] = [low, high];
    this.view.updateGLVolume();
  }

  layout(name) {
    this.view.setCustomLayout(
      LAYOUTS[name].map(([sliceType, ...position]) => ({ sliceType, position })),
    );
  }

  get place() {
    return [...this.view.frac2mm(this.view.scene.crosshairPos)].slice(0, 3);
  }

  goTo(mm) {
    this.view.scene.crosshairPos = this.view.mm2frac(mm);
    this.view.drawScene();
  }

  /** World mm under the pointer, or null. */
  under(event) {
    const box = this.canvas.getBoundingClientRect();
    const scale = this.canvas.width / box.width;
    const frac = this.view.canvasPos2frac([(event.clientX - box.left) * scale, (event.clientY - box.top) * scale]);
    return frac[0] < 0 ? null : [...this.view.frac2mm(frac)].slice(0, 3);
  }

  /** HU, and the bone's id of a layer, at a place in world mm. */
  at(mm, key) {
    const value = (image) => {
      const [i, j, k] = image.mm2vox(mm);
      const [, ni, nj, nk] = image.dimsRAS;
      return i >= 0 && j >= 0 && k >= 0 && i < ni && j < nj && k < nk ? image.getValue(i, j, k) : null;
    };
    const found = this.layers.find(({ layer }) => layer.key === key);
    return { hu: value(this.view.volumes[0]), id: found ? value(Object.assign(Object.create(found.image), { img: found.voxels })) : null };
  }
}
