// A polygon: a corner for each click, filled when it is closed.

import { fillPolygon } from "../shapes.js";

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

  draw(context, view, cursor) {
    if (!this.points.length) return crosshair(context, view, cursor);
    const corners = this.points.map((point) => view.toStage(point.x, point.y));
    const end = this.pointer && view.toStage(this.pointer.x, this.pointer.y);
    for (const [style, width] of [["rgb(0 0 0 / 75%)", 4], ["#fff", 2]]) {
      context.strokeStyle = style;
      context.lineWidth = width;
      context.beginPath();
      corners.forEach(({ x, y }, at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
      if (end) context.lineTo(end.x, end.y);
      context.stroke();
    }
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

/** A cross where the pointer or the keyboard's cursor is. */
export function crosshair(context, view, cursor) {
  if (!cursor) return;
  const { x, y } = view.toStage(cursor.x, cursor.y);
  for (const [style, width] of [["rgb(0 0 0 / 75%)", 3.5], ["#fff", 1.5]]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * 3, y + dy * 3);
      context.lineTo(x + dx * 11, y + dy * 11);
    }
    context.stroke();
  }
}
