// The searchable list of bones by group.

import { spoken } from "./manifest.js";

const element = (tag, properties = {}, ...children) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
};

export class BoneList {
  /**
   * @param layers of the manifest
   * @param actions {show(), goTo(bone), lookAt(ids or null for all)}: what a click does
   */
  constructor(root, layers, actions) {
    this.root = root;
    this.layers = layers;
    this.actions = actions;
    this.bones = new Map(); // id -> bone, of any layer
    for (const layer of layers) for (const bone of layer.bones) if (!this.bones.has(bone.id)) this.bones.set(bone.id, bone);
    this.visible = new Set(this.bones.keys());
    this.rows = new Map();
    this.key = layers[0].key;
    this.build();
  }

  build() {
    const byId = [...this.bones.values()].sort((a, b) => a.id - b.id);
    const groups = Map.groupBy ? Map.groupBy(byId, (bone) => bone.group) : grouped(byId);
    for (const [group, bones] of groups) {
      const ids = bones.map((bone) => bone.id);
      const box = element("input", { type: "checkbox", checked: true, ariaLabel: `Show ${group}` });
      box.onchange = () => this.set(ids, box.checked);
      const only = element("button", { type: "button", className: "only", textContent: "only", title: `Show ${group} alone` });
      only.onclick = () => this.isolate(ids);
      const section = element("section", { className: "group" });
      section.append(element("h2", {}, box, element("span", { textContent: spoken(group) }), only));
      section.append(...bones.map((bone) => this.row(bone)));
      section.dataset.group = group;
      this.root.append(section);
    }
    this.refresh();
  }

  row(bone) {
    const name = spoken(bone.name);
    const box = element("input", { type: "checkbox", checked: true, ariaLabel: `Show ${name}` });
    box.onchange = () => this.set([bone.id], box.checked);
    const chip = element("i");
    chip.style.background = bone.color;
    const go = element("button", { type: "button", className: "name", textContent: name, title: `Go to ${name}` });
    go.onclick = () => this.flyTo(bone.id);
    const only = element("button", { type: "button", className: "only", textContent: "only", title: `Show ${name} alone` });
    only.onclick = () => this.isolate([bone.id]);
    const stl = element("a", { className: "button stl", textContent: "STL", title: `Download the surface of ${name}`, hidden: true });
    const row = element("div", { className: "bone" }, box, chip, go, element("span", { className: "ml" }), only, stl);
    row.dataset.bone = bone.name;
    this.rows.set(bone.id, row);
    return row;
  }

  /** The bone in the layer that is shown, or undefined. */
  of(id) {
    return this.layers.find((layer) => layer.key === this.key).bones.find((bone) => bone.id === id);
  }

  set(ids, on) {
    for (const id of ids) this.visible[on ? "add" : "delete"](id);
    this.changed();
  }

  isolate(ids) {
    this.visible = new Set(ids);
    this.changed();
    if (ids.length === 1) this.flyTo(ids[0]);
    else this.actions.lookAt(ids);
  }

  flyTo(id) {
    this.actions.goTo(this.of(id) ?? this.bones.get(id));
    this.actions.lookAt([id]);
  }

  setAll(on) {
    this.set(this.found(), on);
    if (on) this.actions.lookAt(null);
  }

  changed() {
    this.refresh();
    this.actions.show();
  }

  /** Ids of the rows that the search leaves. */
  found() {
    return [...this.rows].filter(([, row]) => !row.hidden).map(([id]) => id);
  }

  search(text) {
    const words = text.toLowerCase().replaceAll("_", " ").split(/\s+/).filter(Boolean);
    for (const [id, row] of this.rows) {
      const bone = this.bones.get(id);
      const said = ` ${spoken(bone.name)} ${spoken(bone.group)}`.toLowerCase();
      row.hidden = !words.every((word) => said.includes(/^\d+$/.test(word) ? ` ${word} ` : word) || said.endsWith(` ${word}`));
    }
    for (const section of this.root.children) section.hidden = !section.querySelector(".bone:not([hidden])");
    this.refresh();
  }

  /** Write what changed into the rows. */
  refresh() {
    for (const [id, row] of this.rows) {
      const on = this.visible.has(id);
      row.querySelector("input").checked = on;
      row.classList.toggle("off", !on);
      const bone = this.of(id);
      const ml = row.querySelector(".ml");
      const other = this.layers.find((layer) => layer.key !== this.key);
      ml.textContent = bone ? `${bone.volume_ml.toFixed(bone.volume_ml < 10 ? 1 : 0)} ml` : `only in ${other.title.toLowerCase()}`;
      ml.classList.toggle("alone", !bone);
      ml.title = bone?.touches_edge ? "The scan ends within this bone" : "";
      if (bone?.touches_edge) ml.textContent += " (cut)";
      const stl = row.querySelector(".stl");
      stl.hidden = !bone?.stl;
      if (bone?.stl) Object.assign(stl, { href: bone.stl, download: `${bone.name}.stl` });
    }
    for (const section of this.root.children) {
      const boxes = [...section.querySelectorAll(".bone input")];
      const on = boxes.filter((box) => box.checked).length;
      const head = section.querySelector("h2 input");
      head.checked = on === boxes.length;
      head.indeterminate = on > 0 && on < boxes.length;
    }
  }

  /** Mark the bone at the crosshair. */
  mark(id) {
    for (const [each, row] of this.rows) row.setAttribute("aria-current", each === id);
    this.rows.get(id)?.scrollIntoView({ block: "nearest" });
  }
}

function grouped(bones) {
  const groups = new Map();
  for (const bone of bones) groups.set(bone.group, [...(groups.get(bone.group) ?? []), bone]);
  return groups;
}
