// The editor in words: a line of help or a warning under the stage, and what a screen reader hears of the drawing.

import { announce, h } from "../dom.js";
import { HELP } from "./help.js";

const WARNING_MILLISECONDS = 6000;

export class Caption {
  /** @param {HTMLElement} stageElement is named after what is drawn on it */
  constructor(stageElement) {
    this.stageElement = stageElement;
    this.element = h("p", { class: "draw-help", id: "draw-help" });
    this.warning = "";
    this.tool = "box";
  }

  /** The help for a tool; a warning stays until its time is over. */
  show(tool = this.tool) {
    this.tool = tool;
    this.element.textContent = this.warning || HELP[tool];
    this.element.classList.toggle("error", Boolean(this.warning));
  }

  warn(text) {
    this.warning = text;
    announce(text);
    this.show();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.calm(), WARNING_MILLISECONDS);
  }

  /** No warning any longer. */
  calm() {
    this.warning = "";
    this.show();
  }

  /** Name the stage after its frame and how much of it each object covers. @param {import("./drawing.js").Drawing} drawing */
  describe({ map, ids }) {
    const parts = ids.map((id, at) => {
      const share = (100 * map.counts[id]) / map.data.length;
      return `object ${at + 1}: ${share ? `${share < 0.1 ? "under 0.1" : share.toFixed(1)} %` : "nothing drawn"}`;
    });
    this.stageElement.setAttribute("aria-label", `Drawing area, frame of ${map.width} by ${map.height} pixels; ${parts.join(", ")}`);
  }

  /** Where the keyboard's cursor is. */
  sayPoint({ map, ids }, { x, y }) {
    const object = ids.indexOf(map.at(Math.floor(x), Math.floor(y))) + 1;
    announce(`${Math.round(x)}, ${Math.round(y)}, ${object ? `on object ${object}` : "background"}`);
  }
}
