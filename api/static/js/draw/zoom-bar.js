// How large the frame is seen, and buttons to change that.

import { h, icon } from "../dom.js";

export class ZoomBar {
  /** @param {import("./editor.js").MaskEditor} editor */
  constructor(editor) {
    this.editor = editor;
    const button = (words, picture, onClick) =>
      h("button", { type: "button", class: "button icon quiet", title: words, "aria-label": words, on: { click: onClick } }, icon(picture));
    this.size = h("button", { type: "button", class: "button quiet numbers", title: "Actual size", on: { click: () => this.showActualSize() } }, "100 %");
    this.element = h("div", { class: "draw-float draw-zoom", role: "group", "aria-label": "Zoom" },
      button("Smaller (-)", "minus", () => this.zoom(0.8)), this.size,
      button("Larger (+)", "plus", () => this.zoom(1.25)), button("Whole picture (0)", "fit", () => this.fit()));
  }

  zoom(factor) {
    this.editor.view.zoom(factor);
    this.#moved();
  }

  /** The whole picture. */
  fit() {
    this.editor.view.fit();
    this.#moved();
  }

  /** One pixel of the frame is one of the screen. */
  showActualSize() {
    this.zoom(1 / this.editor.stage.ratio / this.editor.view.scale);
  }

  pan(x, y) {
    this.editor.view.move(x, y);
    this.#moved();
  }

  /** The view is another: show it, and how large it is. */
  #moved() {
    this.show();
    this.editor.stage.moved();
  }

  show() {
    const { view, stage } = this.editor;
    const percent = Math.round(view.scale * (stage.ratio ?? 1) * 100);
    this.size.textContent = `${percent} %`;
    this.size.setAttribute("aria-label", `${percent} percent; show the actual size`);
  }
}
