// A polygon: a corner for each click, filled when it is closed.

import { around } from "../rect.js";
import { fillPolygon } from "../shapes.js";
import { crosshair, crosshairBounds, outlined } from "./marks.js";

const CLOSE_PIXELS = 11;
const CORNER_PIXELS = 4.5;

export class Polygon {
  /** @param {import("../bench.js").Bench} bench */
  constructor(bench) {
    this.bench = bench;
    this.name = "polygon";
    this.points = [];
    this.pointer = null;
    this.onChange = () => {};
  }

  begin(point) {
    this.pointer = point;
    this.bench.request();
  }

  move(points) {
    this.pointer = points.at(-1);
    this.bench.request();
  }

  end(point) {
    this.#add(point);
  }

  press(point) {
    const count = this.points.length;
    this.#add(point);
    if (this.points.length > count) this.bench.say(`Corner ${this.points.length}. Enter closes the shape from the third on.`);
  }

  cursorMoved(point) {
    this.pointer = point;
    this.bench.request();
  }

  hover(point) {
    this.cursorMoved(point);
  }

  cancel() {
    this.pointer = null; // corners that were set before a pinch stay
    this.bench.request();
  }

  leave() {
    this.clear();
  }

  key(event) {
    if (!this.points.length) return false;
    if (event.key === "Escape") this.clear();
    else if (event.key === "Backspace" || event.key === "Delete") this.removeLast();
    else if (event.key === "Enter" && this.points.length > 2) this.close();
    else return false;
    return true;
  }

  clear() {
    this.points = [];
    this.#changed();
  }

  removeLast() {
    this.points.pop();
    this.#changed();
    this.bench.say(`${this.points.length} corners left.`);
  }

  /** Fill the shape. */
  close() {
    if (this.points.length > 2) {
      const { drawing } = this.bench;
      fillPolygon(drawing.map, this.points, drawing.label);
      drawing.commit();
    }
    this.clear();
  }

  bounds(view, cursor) {
    if (!this.points.length) return crosshairBounds(view, cursor);
    const points = [...this.points, this.pointer, cursor].filter(Boolean);
    return around(points.map(({ x, y }) => view.toStage(x, y)), 14);
  }

  draw(context, view, cursor) {
    if (!this.points.length) return crosshair(context, view, cursor);
    const corners = this.points.map((point) => view.toStage(point.x, point.y));
    const end = this.pointer && view.toStage(this.pointer.x, this.pointer.y);
    outlined(context, 2, () => {
      corners.forEach(({ x, y }, at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
      if (end) context.lineTo(end.x, end.y);
    });
    corners.forEach((corner, at) => dot(context, corner, at === 0 && corners.length > 2));
    crosshair(context, view, cursor);
  }

  #add(point) {
    const { view } = this.bench;
    const near = (other) => Math.hypot(point.x - other.x, point.y - other.y) * view.scale <= CLOSE_PIXELS;
    if (this.points.length > 2 && near(this.points[0])) return this.close();
    // The second click of a double click closes too.
    if (this.points.length && near(this.points.at(-1))) return this.points.length > 2 ? this.close() : undefined;
    this.points.push(point);
    this.#changed();
  }

  #changed() {
    this.onChange();
    this.bench.request();
  }
}

function dot(context, { x, y }, closes) {
  context.beginPath();
  context.arc(x, y, closes ? CORNER_PIXELS + 2.5 : CORNER_PIXELS, 0, Math.PI * 2);
  context.fillStyle = closes ? "#ffd54a" : "#fff";
  context.fill();
  context.strokeStyle = "#000";
  context.lineWidth = 1.5;
  context.stroke();
}
