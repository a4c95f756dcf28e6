// The page: its parts, and what each tells the others.

import { BoneList } from "./bone_list.js";
import { Choice } from "./choice.js";
import { watchContexts } from "./lost_context.js";
import { manifestAddress, readManifest, spoken } from "./manifest.js";
import { Slices } from "./slices.js";
import { Surfaces } from "./surfaces.js";

const $ = (id) => document.getElementById(id);
const WINDOWS = { bone: [-500, 1300], soft: [-160, 240], lung: [-1350, 150], full: null };
const BOTH = "both";
const POLL_MS = 1000;

class Page {
  constructor(manifest, address) {
    this.manifest = manifest;
    this.address = address;
    this.layers = manifest.layers;
    this.slices = new Slices($("slices"));
    this.compared = null;
    this.surfaces = new Surfaces($("surfaces"));
    this.images = new Map(); // layer's key -> promise of its image in `slices`
    this.layer = new Choice($("layers"), { ...Object.fromEntries(this.layers.map((l) => [l.key, l.title])), [BOTH]: "Side by side" }, {
      value: this.layers[0]?.key, onChange: () => this.showLayer(),
    });
    $("layers").hidden = this.layers.length < 2;
    this.layout = new Choice($("layouts"), { all: "All", axial: "Axial", coronal: "Coronal", sagittal: "Sagittal", space: "3D" }, {
      value: "all", onChange: () => this.arrange(),
    });
    this.window = new Choice($("windows"), { bone: "Bone", soft: "Soft tissue", lung: "Lung", full: "Full" }, {
      value: "bone", onChange: (name) => this.setWindow(WINDOWS[name] ?? manifest.scan.hu),
    });
    this.list = this.layers.length
      ? new BoneList($("groups"), this.layers, {
        show: () => this.show(), goTo: (bone) => this.goTo(bone.focus_mm), lookAt: (ids) => this.lookAt(ids),
      })
      : null;
    watchContexts(document.querySelectorAll("canvas"), $("lost"));
  }

  async open() {
    document.title = `${this.manifest.title} · SneakyNet`;
    $("title").textContent = $("title").title = this.manifest.title;
    document.body.dataset.labels = this.layers.length ? "yes" : "no";
    for (const notice of this.manifest.notices) this.notice(notice);
    if (!this.layers.length) $("layouts").querySelector("[data-value=space]").remove();
    this.arrange();
    await this.slices.open();
    await this.slices.addScan(this.manifest.scan.url);
    if (this.layers.length) await this.load(this.layers[0]);
    this.listen(this.slices);
    this.wire();
    this.show();
    this.arrange();
    this.said(this.slices.window);
    this.goTo(this.layers[0]?.bones[0] ? middle(this.layers[0].bones) : this.slices.place);
    document.body.dataset.state = "ready";
    if (this.layers.length) await this.openSurfaces();
  }

  wire() {
    $("search").oninput = () => { this.list.search($("search").value); this.count(); };
    $("all").onclick = () => this.list.setAll(true);
    $("none").onclick = () => this.list.setAll(false);
    $("opacity").oninput = () => this.show();
    $("outline").onchange = () => this.show();
    $("whole").onclick = () => this.lookAt(null);
    document.addEventListener("keydown", (event) => {
      if (event.key === "/" && event.target.tagName !== "INPUT") { event.preventDefault(); $("search").focus(); }
    });
  }

  listen(slices) {
    slices.onMove = (mm) => this.moved(mm, slices);
    slices.onWindow = (window) => { this.setWindow(window); this.window.mark(null); };
    slices.canvas.addEventListener("mousemove", (event) => this.hover(event, slices));
    slices.canvas.addEventListener("mouseleave", () => { $("tip").hidden = true; });
    this.surfaces.onMove = (mm) => this.moved(mm, this.surfaces);
  }

  /** The label map that is listed, drawn in 3D, and shown where there is one canvas. */
  get key() {
    return this.layer.value === BOTH ? this.layers[0].key : this.layer.value;
  }

  get both() {
    return this.layer.value === BOTH;
  }

  load(layer) {
    if (!this.images.has(layer.key)) this.images.set(layer.key, this.slices.addLayer(layer));
    return this.images.get(layer.key);
  }

  async showLayer() {
    this.list.key = this.key;
    for (const layer of this.layers) if (this.both || layer.key === this.key) await this.load(layer);
    if (this.both && !this.compared) await this.openCompared();
    this.arrange();
    this.show();
    this.list.refresh();
    this.goTo(this.slices.place);
    await this.loadSurfaces();
  }

  /** A second canvas; it shares the voxels with the first. */
  async openCompared() {
    $("stage").classList.add(BOTH); // a canvas without a size cannot be drawn on
    this.compared = new Slices($("compared"));
    await this.compared.open();
    this.compared.addImage(this.slices.view.volumes[0].clone());
    const { layer } = this.slices.layers.find((each) => each.layer.key === this.layers[1].key);
    await this.compared.addLayer(layer);
    this.listen(this.compared);
    $("first").querySelector(".caption").textContent = `${this.layers[0].title}: ${this.layers[0].name}`;
    $("second").querySelector(".caption").textContent = `${layer.title}: ${layer.name}`;
    const [scan, shown] = [this.compared.view.volumes[0], this.slices.view.volumes[0]];
    [scan.cal_min, scan.cal_max] = [shown.cal_min, shown.cal_max];
  }

  show() {
    if (!this.list) {
      this.slices.show();
      return;
    }
    const how = { visible: this.list.visible, opacity: Number($("opacity").value), outline: $("outline").checked };
    this.slices.show({ ...how, key: this.key });
    if (this.both) this.compared.show({ ...how, key: this.layers[1].key });
    this.surfaces.show({ ...how, key: this.key });
    this.count();
    this.offer();
  }

  arrange() {
    const stage = $("stage");
    stage.dataset.layout = this.layout.value;
    stage.classList.toggle(BOTH, this.both && this.layers.length > 1);
    stage.classList.toggle("no-space", !this.layers.length);
    const name = this.layout.value === "all" && this.both ? "beside" : this.layout.value;
    for (const part of [this.slices, this.compared]) if (part?.isOpen && name !== "space") part.layout(name);
    for (const part of [this.slices, this.compared, this.surfaces]) if (part?.isOpen) part.view.resizeListener();
  }

  goTo(mm) {
    for (const part of [this.slices, this.compared, this.surfaces]) if (part?.isOpen) part.goTo(mm);
    this.tell(mm);
  }

  /** In 3D, these bones large and in the middle; all for null. */
  lookAt(ids) {
    this.surfaces.lookAt(ids);
    $("whole").hidden = ids === null;
  }

  moved(mm, from) {
    for (const part of [this.slices, this.compared, this.surfaces]) if (part && part !== from && part.isOpen) part.goTo(mm);
    this.tell(mm);
  }

  tell(mm) {
    const { hu, bone } = this.found(mm, this.key);
    $("here").replaceChildren();
    if (bone) {
      const chip = document.createElement("i");
      chip.style.background = bone.color;
      $("here").append(chip, `${spoken(bone.name)} · `);
    }
    const [x, y, z] = mm;
    const side = (value, positive, negative) => `${value >= 0 ? positive : negative} ${Math.abs(value).toFixed(1)}`;
    $("here").append(`${hu === null ? "" : `${Math.round(hu)} HU · `}${side(x, "R", "L")} · ${side(y, "A", "P")} · ${side(z, "S", "I")} mm`);
    this.list?.mark(bone?.id);
  }

  found(mm, key) {
    const { hu, id } = this.slices.at(mm, key);
    const layer = this.layers.find((each) => each.key === key);
    return { hu, bone: id ? layer?.bones.find((bone) => bone.id === id) : undefined };
  }

  hover(event, slices) {
    const mm = slices.under(event);
    $("tip").hidden = mm === null;
    if (mm === null) return;
    const { hu, bone } = this.found(mm, slices === this.compared ? this.layers[1].key : this.key);
    const [chip, name, value] = $("tip").children;
    chip.hidden = name.hidden = !bone;
    if (bone) {
      chip.style.background = bone.color;
      name.textContent = spoken(bone.name);
    }
    value.textContent = hu === null ? "outside of the scan" : `${Math.round(hu)} HU`;
    const { clientX: x, clientY: y } = event;
    const { offsetWidth: wide, offsetHeight: high } = $("tip");
    $("tip").style.left = `${Math.min(x + 14, innerWidth - wide - 4)}px`;
    $("tip").style.top = `${Math.min(y + 14, innerHeight - high - 4)}px`;
  }

  setWindow(window) {
    this.slices.window = window;
    if (this.compared) this.compared.window = window;
    this.said(window);
  }

  said([low, high]) {
    $("window").textContent = `${Math.round(low)} to ${Math.round(high)} HU`;
  }

  count() {
    const found = this.list.found();
    const shown = found.filter((id) => this.list.visible.has(id)).length;
    $("count").textContent = `${shown} of ${found.length} bone${found.length === 1 ? "" : "s"} shown`;
  }

  /** The file of all surfaces. */
  offer() {
    const layer = this.layers.find((each) => each.key === this.key);
    $("glb").hidden = !layer.glb;
    if (layer.glb) Object.assign($("glb"), { href: layer.glb, download: `${layer.name.replace(/\.(nii|nrrd|mh[ad])(\.gz)?$/, "")}.glb` });
  }

  async openSurfaces() {
    const letters = document.querySelectorAll(".side");
    this.surfaces.onTurn = (sides) => letters.forEach((letter, n) => { letter.textContent = sides[n]; });
    await this.surfaces.open();
    await this.loadSurfaces();
  }

  /** Load those of the layer that is shown, as soon as they are made. */
  async loadSurfaces() {
    const key = this.key;
    if (this.surfaces.loaded.has(key)) return this.progress(null);
    for (;;) {
      const layer = this.layers.find((each) => each.key === key);
      const { state, why, done, total } = layer.meshes;
      if (this.key !== key) return undefined;
      if (state === "ready") break;
      if (state === "none") return this.progress("No surfaces were asked for.");
      if (state === "failed") return this.progress(`The surfaces could not be made: ${why}`);
      this.progress(state === "making" ? `Making surfaces: ${done} of ${total} bone${total === 1 ? "" : "s"}` : "Surfaces are being made …");
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      this.renew(await readManifest(this.address));
    }
    this.progress("Loading surfaces …");
    this.surfaces.loaded.set(key, []); // once only
    await this.surfaces.addLayer(this.layers.find((each) => each.key === key));
    this.progress(null);
    this.list.refresh();
    this.surfaces.show({ visible: this.list.visible, key: this.key });
    this.offer();
    this.surfaces.goTo(this.slices.place);
    document.body.dataset.surfaces = key;
    return undefined;
  }

  /** Take over what a newer `view.json` says of surfaces. */
  renew(manifest) {
    for (const [n, layer] of manifest.layers.entries()) {
      Object.assign(this.layers[n], { meshes: layer.meshes, glb: layer.glb });
      for (const [m, bone] of layer.bones.entries()) Object.assign(this.layers[n].bones[m], { mesh: bone.mesh, stl: bone.stl });
    }
    this.list.refresh();
  }

  progress(text) {
    $("making").textContent = text ?? "";
  }

  notice(text) {
    const line = Object.assign(document.createElement("p"), { textContent: text });
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: "×", ariaLabel: "Close" });
    button.onclick = () => line.remove();
    line.append(button);
    $("notices").append(line);
  }
}

/** The focus of the bone nearest to the middle of all. */
function middle(bones) {
  const mean = [0, 1, 2].map((axis) => bones.reduce((sum, bone) => sum + bone.centroid_mm[axis], 0) / bones.length);
  const distance = (bone) => Math.hypot(...bone.centroid_mm.map((x, axis) => x - mean[axis]));
  return bones.reduce((best, bone) => (distance(bone) < distance(best) ? bone : best)).focus_mm;
}

try {
  if (window.parent !== window) document.body.dataset.framed = "yes"; // the page around it has the title
  const address = manifestAddress();
  window.page = new Page(await readManifest(address), address);
  await window.page.open();
} catch (error) {
  document.body.dataset.state = "failed";
  document.querySelector("#loading p").textContent = `The scan cannot be shown: ${error.message ?? error}`;
  throw error;
}
