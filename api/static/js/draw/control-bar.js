// Above the frame: the brush's size, how strong the colours are, and masks from and to files.

import { h, icon, toast } from "../dom.js";
import { NotAMask, readMask } from "./mask-file.js";

// Sizes lie on a curve, so that small ones can be chosen exactly.
const CURVE = 2;
const LARGEST = 400;

export class ControlBar {
  /** @param {import("./editor.js").MaskEditor} editor */
  constructor(editor) {
    this.editor = editor;
    this.size = h("input", { type: "range", min: "0", max: "100", step: "1", id: "draw-size", on: { input: () => this.#resize() } });
    this.sizeText = h("output", { for: "draw-size", class: "numbers" });
    this.sizeGroup = h("div", { class: "draw-control" }, h("label", { for: "draw-size" }, "Size"), this.size, this.sizeText);
    this.opacity = h("input", { type: "range", min: "0", max: "100", value: "50", id: "draw-opacity", on: { input: () => editor.setOpacity(this.opacity.value / 100) } });
    this.file = h("input", { type: "file", accept: "image/*", hidden: true, "aria-label": "Mask file", on: { change: () => this.#pick() } });
    this.problem = h("p", { class: "error draw-problem", role: "alert" });
    this.element = h("div", { class: "draw-controls" },
      this.sizeGroup,
      h("div", { class: "draw-control" }, h("label", { for: "draw-opacity" }, "Opacity"), this.opacity),
      h("div", { class: "draw-files" }, this.file,
        h("button", { type: "button", class: "button quiet", title: "Load a mask from a picture file", on: { click: () => this.file.click() } }, icon("upload"), "Load"),
        h("button", { type: "button", class: "button quiet", title: "Save this mask as a PNG", on: { click: () => this.#save() } }, icon("download"), "Save")),
      this.problem);
  }

  show() {
    const { size } = this.editor.bench;
    const hasSize = ["brush", "eraser"].includes(this.editor.tool.name);
    this.sizeGroup.classList.toggle("is-off", !hasSize);
    this.size.disabled = !hasSize;
    const place = Math.round(100 * (size / LARGEST) ** (1 / CURVE));
    if (document.activeElement !== this.size) this.size.value = String(place);
    this.size.setAttribute("aria-valuetext", `${size} pixels`);
    this.sizeText.textContent = `${size} px`;
  }

  #resize() {
    this.editor.setSize(LARGEST * (this.size.value / 100) ** CURVE);
  }

  /** What was wrong with a file no longer matters. */
  forget() {
    this.problem.textContent = "";
  }

  #pick() {
    const [file] = this.file.files;
    this.file.value = "";
    if (file && this.editor.isReady) this.load(file);
  }

  /** @param {File} file */
  async load(file) {
    this.problem.textContent = "";
    const { drawing } = this.editor;
    try {
      const { labels, objects } = await readMask(file, drawing.map.width, drawing.map.height);
      if (drawing !== this.editor.drawing) return; // another frame is shown by now
      this.editor.tools.box.clear(); // else its next stroke would bring back what was under it
      drawing.replace(labels, objects);
      toast(`The mask has ${objects} ${objects === 1 ? "object" : "objects"}.`, "ok");
    } catch (error) {
      if (!(error instanceof NotAMask)) throw error;
      this.problem.textContent = `${file.name}: ${error.message}`;
    }
  }

  async #save() {
    if (!this.editor.isReady) return;
    if (this.editor.isEmpty()) {
      this.problem.textContent = "There is nothing to save: draw the object first.";
      return;
    }
    this.problem.textContent = "";
    const address = URL.createObjectURL(await this.editor.toPng());
    const link = h("a", { href: address, download: this.editor.fileName ?? "mask.png" });
    link.click();
    setTimeout(() => URL.revokeObjectURL(address), 10_000);
  }
}
