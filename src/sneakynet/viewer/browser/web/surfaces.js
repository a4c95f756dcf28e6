// One canvas with the bones' surfaces in 3D.

import { Niivue, SLICE_TYPE } from "./niivue.js";
import { rgb } from "./manifest.js";

export class Surfaces {
  constructor(canvas) {
    this.canvas = canvas;
    this.isOpen = false;
    this.onMove = () => {};
    this.onTurn = () => {};
    this.loaded = new Map(); // layer's key -> [{ id, mesh }]
    this.view = new Niivue({
      backColor: [0.043, 0.051, 0.063, 1],
      crosshairColor: [0.35, 0.66, 0.9, 0.9],
      dragAndDropEnabled: false,
      isDepthPickMesh: true,
      isOrientCube: true,
      isOrientationTextVisible: false,
      loadingText: "",
      logLevel: "warn",
      show3Dcrosshair: true,
      sliceType: SLICE_TYPE.RENDER,
      showLegend: false,
    });
    this.view.onAzimuthElevationChange = () => this.onTurn(this.sides);
    // When it is turned by hand, NiiVue does not say so.
    canvas.addEventListener("mousemove", () => requestAnimationFrame(() => this.onTurn(this.sides)));
    this.view.onLocationChange = (place) => this.onMove([...place.mm].slice(0, 3));
  }

  async open() {
    await this.view.attachToCanvas(this.canvas);
    this.isOpen = true;
    this.view.setSliceType(SLICE_TYPE.RENDER);
    this.view.setRenderAzimuthElevation(180, 5); // from the front
    this.onTurn(this.sides);
  }

  /** Letters of the patient's sides that lie at the left and the right edge, or nearest to them. */
  get sides() {
    const quarter = Math.round(this.view.scene.renderAzimuth / 90) & 3;
    return ["LR", "AP", "RL", "PA"][quarter];
  }

  async addLayer(layer) {
    const bones = layer.bones.filter((bone) => bone.mesh);
    const before = this.view.meshes.length;
    await this.view.addMeshesFromUrl(bones.map((bone) => ({ url: bone.mesh, rgba255: [...rgb(bone.color), 255] })));
    const meshes = this.view.meshes.slice(before);
    this.loaded.set(layer.key, bones.map((bone, n) => ({ id: bone.id, mesh: meshes[n] })));
  }

  show({ visible, key }) {
    for (const [layer, bones] of this.loaded) {
      for (const { id, mesh } of bones) mesh.visible = layer === key && visible.has(id);
    }
    if (this.isOpen) this.view.drawScene();
  }

  goTo(mm) {
    if (!this.loaded.size) return;
    this.view.scene.crosshairPos = this.view.mm2frac(mm);
    this.view.drawScene();
  }
}
