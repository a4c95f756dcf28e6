// A row of buttons of which one is pressed.

export class Choice {
  /** @param options {value: text} */
  constructor(root, options, { value, onChange }) {
    this.root = root;
    this.onChange = onChange;
    for (const [key, text] of Object.entries(options)) {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: text });
      button.setAttribute("role", "radio");
      button.dataset.value = key;
      button.onclick = () => this.choose(key);
      root.append(button);
    }
    this.mark(value);
  }

  choose(value) {
    this.mark(value);
    this.onChange(value);
  }

  mark(value) {
    this.value = value;
    for (const button of this.root.children) button.setAttribute("aria-checked", button.dataset.value === value);
  }
}
