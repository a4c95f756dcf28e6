// One canvas with the bones' surfaces in 3D.

import { Niivue, SLICE_TYPE } from "./niivue.js";
import { rgb } from "./manifest.js";
import { firstHit, rayAt } from "./ray.js";

// Half of the picture's shorter edge, in radii of what is looked at, and at least in mm.
const ALONE = 1.05;
const AMONG_OTHERS = 2;
const NEAREST_MM = 25;
const BENEATH_MM = 1.5; // a surface lies beside the bone's voxels as often as in them
const TURNED_PX = 4; // a pointer that went so far between down and up has turned the picture
const NIIVUES_MARGIN = 0.8; // half of its picture's shorter edge, in radii of all

export class Surfaces {
  constructor(canvas) {
    this.canvas = canvas;
    this.isOpen = false;
    this.onMove = () => {};
    this.onTurn = () => {};
    this.loaded = new Map(); // layer's key -> [{ id, mesh }]
    this.shown = { visible: new Set(), key: null };
    this.focus = null; // ids of what is looked at, and its room
    this.view = new Niivue({
      backColor: [0.043, 0.051, 0.063, 1],
      crosshairColor: [0.35, 0.66, 0.9, 0.9],
      dragAndDropEnabled: false,
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
    let pressed = null;
    canvas.addEventListener("pointerdown", (event) => { pressed = [event.clientX, event.clientY]; });
    canvas.addEventListener("click", (event) => {
      const way = pressed && Math.hypot(event.clientX - pressed[0], event.clientY - pressed[1]);
      if (way !== null && way < TURNED_PX) this.pick(event);
    });
    // NiiVue would move the crosshair here alone, and less exactly.
    canvas.addEventListener("dblclick", (event) => event.stopImmediatePropagation());
    this.steer();
  }

  /** NiiVue turns the picture around the middle of all bones; here it turns around those that are looked at. */
  steer() {
    const { view } = this;
    const [pivot, project] = [view.setPivot3D.bind(view), view.calculateMvpMatrix.bind(view)];
    let zoom = 1;
    view.setPivot3D = () => {
      pivot();
      zoom = 1;
      const ball = this.focus && this.ball(this.focus.ids);
      if (!ball) return;
      const whole = NIIVUES_MARGIN * view.furthestFromPivot;
      view.furthestFromPivot += Math.hypot(...ball.middle.map((x, axis) => x - view.pivot3D[axis])); // it still holds all
      view.pivot3D = ball.middle;
      const half = Math.min(whole, Math.max(NEAREST_MM, this.focus.room * ball.radius));
      zoom = (NIIVUES_MARGIN * view.furthestFromPivot) / half;
    };
    view.calculateMvpMatrix = (...given) => {
      const [projection, ...others] = project(...given);
      // Not by NiiVue's own scale, which also cuts off what lies before.
      for (const column of [0, 4, 8, 12]) for (const row of [0, 1]) projection[column + row] *= zoom;
      return [projection, ...others];
    };
  }

  /** Tell the place on a surface under the pointer; NiiVue does so for volumes alone. */
  pick(event) {
    const { view, canvas } = this;
    const box = canvas.getBoundingClientRect();
    const point = [(2 * (event.clientX - box.left)) / box.width - 1, 1 - (2 * (event.clientY - box.top)) / box.height];
    const { renderAzimuth, renderElevation } = view.scene;
    const [projection, model] = view.calculateMvpMatrix(null, undefined, renderAzimuth, renderElevation);
    const seen = (this.loaded.get(this.shown.key) ?? []).map(({ mesh }) => mesh).filter((mesh) => mesh.visible);
    const place = firstHit(seen, rayAt(point, projection, model), BENEATH_MM);
    if (!place) return;
    this.goTo(place);
    this.onMove(place);
  }

  /** That holds the surfaces of these bones, or null. */
  ball(ids) {
    const meshes = (this.loaded.get(this.shown.key) ?? []).filter(({ id }) => ids.includes(id)).map(({ mesh }) => mesh);
    if (!meshes.length) return null;
    const low = [0, 1, 2].map((axis) => Math.min(...meshes.map((mesh) => mesh.extentsMin[axis])));
    const high = [0, 1, 2].map((axis) => Math.max(...meshes.map((mesh) => mesh.extentsMax[axis])));
    return {
      middle: low.map((x, axis) => (x + high[axis]) / 2),
      radius: Math.hypot(...low.map((x, axis) => high[axis] - x)) / 2,
    };
  }

  /** Bring these bones into the middle, as large as fits; all for null. */
  lookAt(ids) {
    const alone = ids && [...this.shown.visible].every((id) => ids.includes(id));
    this.focus = ids && { ids, room: alone ? ALONE : AMONG_OTHERS };
    this.view.scene.volScaleMultiplier = 1; // what the wheel made of it
    if (this.isOpen) this.view.drawScene();
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
    this.shown = { visible, key };
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
