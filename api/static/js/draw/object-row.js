// The objects as coloured buttons: choose, add, remove.

import { css } from "../look/colors.js";
import { h, icon } from "../dom.js";
import { MOST_OBJECTS } from "./drawing.js";

export class ObjectRow {
  /** @param {{onChoose: (id: number) => void, onAdd: () => void, onRemove: (id: number) => void}} given */
  constructor({ onChoose, onAdd, onRemove }) {
    this.given = { onChoose };
    this.list = h("div", { class: "draw-chips", role: "group", "aria-label": "Objects" });
    this.add = h("button", { type: "button", class: "draw-add", title: "Add another object", on: { click: onAdd } },
      icon("plus"), h("span", {}, "Object"));
    this.remove = h("button", { type: "button", class: "button icon quiet", on: { click: () => onRemove(this.active) } }, icon("trash"));
    this.element = h("div", { class: "draw-objects" }, this.list, this.add, this.remove);
  }

  /** @param {import("./drawing.js").Drawing} drawing */
  show(drawing) {
    this.active = drawing.active;
    const { colors } = drawing;
    while (this.list.children.length > drawing.ids.length) this.list.lastChild.remove();
    drawing.ids.forEach((id, at) => {
      const chip = this.list.children[at] ?? this.list.appendChild(this.#chip());
      this.#update(chip, drawing, id, at + 1, css(colors.get(id)));
    });
    const number = drawing.ids.indexOf(drawing.active) + 1;
    const words = drawing.ids.length > 1 ? `Remove object ${number}` : "Clear the drawing";
    this.remove.title = words;
    this.remove.setAttribute("aria-label", words);
    this.remove.disabled = drawing.ids.length === 1 && drawing.isEmpty(drawing.active);
    this.add.disabled = drawing.ids.length >= MOST_OBJECTS;
  }

  #chip() {
    const chip = h("button", { type: "button", class: "draw-chip" }, h("span", { class: "draw-swatch", "aria-hidden": "true" }), h("span", {}));
    chip.addEventListener("click", () => this.given.onChoose(Number(chip.dataset.id)));
    return chip;
  }

  #update(chip, drawing, id, number, color) {
    const isEmpty = drawing.isEmpty(id);
    chip.dataset.id = String(id);
    chip.dataset.object = String(number);
    chip.firstChild.style.setProperty("--color", color);
    chip.lastChild.textContent = String(number);
    chip.classList.toggle("is-empty", isEmpty);
    chip.setAttribute("aria-pressed", String(id === drawing.active));
    chip.setAttribute("aria-label", `Object ${number}${isEmpty ? ", nothing drawn here" : ""}`);
    chip.title = `Object ${number}${number < 10 ? ` (${number})` : ""}${isEmpty ? ": nothing drawn here" : ""}`;
  }
}
