// The small bar beside a box or a polygon: what may be done with it next.

import { h, icon } from "../dom.js";

const GAP = 10;
const EDGE = 8;
const ZOOM_BAR = 48; // at the bottom of the stage

export class FloatBar {
  /**
   * @param {HTMLElement} stageElement @param {import("./tools/box.js").Box} box
   * @param {import("./tools/polygon.js").Polygon} polygon @param {() => void} onChange
   */
  constructor(stageElement, box, polygon, onChange) {
    this.onChange = onChange;
    this.box = box;
    this.polygon = polygon;
    this.element = h("div", { class: "draw-float draw-near", hidden: true, role: "group", "aria-label": "This shape" });
    stageElement.append(this.element);
    this.shown = "";
    box.onChange = () => this.show();
    polygon.onChange = () => this.show();
  }

  /** Show what fits the state of the tools; the same state again changes nothing, so that the focus stays. */
  show() {
    const { box, polygon } = this;
    const state = box.isBusy ? "busy" : box.problem ? `problem ${box.problem}` : box.found ? `found ${box.mode}`
      : polygon.points.length ? `polygon ${polygon.points.length > 2}` : "";
    if (state === this.shown) return;
    const had = this.element.contains(document.activeElement) ? document.activeElement.dataset.does : null;
    this.shown = state;
    this.onChange();
    this.element.hidden = !state;
    this.element.replaceChildren(...this.#contents(state.split(" ")[0]));
    if (had) (this.element.querySelector(`[data-does="${had}"]`) ?? this.element.closest(".draw-stage"))?.focus();
  }

  /** Stay beside a box; for a polygon, whose next corner may be anywhere, in the corner that it leaves free. @param {import("./view.js").View} view */
  place(view) {
    if (this.element.hidden) return;
    const { offsetWidth: width, offsetHeight: height } = this.element;
    const most = { x: Math.max(EDGE, view.stage.width - width - EDGE), y: Math.max(EDGE, view.stage.height - height - EDGE) };
    const at = this.box.area ? this.#besideBox(view, height, most) : this.#freeCorner(view, most);
    const x = Math.min(Math.max(EDGE, at.x), most.x);
    this.element.style.transform = `translate(${Math.round(x)}px, ${Math.round(at.y)}px)`;
  }

  /** Below the box, or above it; at an edge where there is room for neither. */
  #besideBox(view, height, most) {
    const { area } = this.box;
    const from = view.toStage(area.x0, area.y0);
    const below = view.toStage(area.x1, area.y1).y + GAP;
    const above = from.y - GAP - height;
    if (below >= EDGE && below <= most.y - ZOOM_BAR) return { x: from.x, y: below };
    if (above >= EDGE && above <= most.y) return { x: from.x, y: above };
    return { x: EDGE, y: EDGE };
  }

  #freeCorner(view, most) {
    const ys = this.polygon.points.map(({ x, y }) => view.toStage(x, y).y);
    const middle = ys.reduce((sum, y) => sum + y, 0) / Math.max(1, ys.length);
    return { x: EDGE, y: middle > view.stage.height / 2 ? EDGE : most.y };
  }

  #contents(kind) {
    const { box, polygon } = this;
    const button = (does, words, picture, onClick, props = {}) =>
      h("button", { type: "button", class: "button", dataset: { does }, on: { click: onClick }, ...props }, picture && icon(picture), words);
    const mode = (name, words, picture) =>
      button(name, words, picture, () => box.setMode(box.mode === name ? "box" : name), { "aria-pressed": String(box.mode === name), class: `button draw-${name}` });
    if (kind === "busy") {
      return [h("span", { class: "draw-spinner", "aria-hidden": "true" }), h("span", {}, "Fitting …"), button("cancel", "Cancel", "", () => box.clear())];
    }
    if (kind === "problem") {
      return [h("span", { class: "error", role: "alert" }, box.problem),
        ...(box.found ? [button("again", "Try again", "again", () => box.fit())] : []), button("close", "Close", "", () => box.clear())];
    }
    if (kind === "found") {
      return [mode("keep", "Keep", "plus"), mode("leave", "Leave out", "minus"), button("done", "Done", "check", () => box.clear())];
    }
    if (kind === "polygon") {
      return [button("close", "Close shape", "check", () => polygon.close(), { disabled: polygon.points.length < 3 }),
        button("back", "Last corner", "undo", () => polygon.removeLast()), button("drop", "Drop", "close", () => polygon.clear())];
    }
    return [];
  }
}
