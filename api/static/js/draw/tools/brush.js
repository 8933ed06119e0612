// Brush and eraser: a round point that follows the pointer, or the keyboard's cursor while it is down.

import { around } from "../rect.js";
import { fillStroke } from "../shapes.js";
import { outlined } from "./marks.js";

/** @typedef {import("../bench.js").Bench} Bench */

export class Brush {
  /** @param {Bench} bench @param {{erases?: boolean}} [options] */
  constructor(bench, { erases = false } = {}) {
    this.bench = bench;
    this.erases = erases;
    this.last = null;
    this.isDown = false; // by the keyboard
  }

  get name() {
    return this.erases ? "eraser" : "brush";
  }

  begin(point) {
    this.last = point;
    this.#paint(point, point);
  }

  move(points) {
    for (const point of points) {
      this.#paint(this.last, point);
      this.last = point;
    }
  }

  end() {
    this.last = null;
    this.bench.drawing.commit();
  }

  cancel() {
    this.last = null;
    this.isDown = false;
    this.bench.drawing.revert();
  }

  leave() {
    if (this.isDown) this.#lift();
  }

  /** The keyboard's press: the brush goes down, or is lifted. */
  press(point) {
    if (this.isDown) return this.#lift();
    this.isDown = true;
    this.begin(point);
    this.bench.say(`${this.erases ? "Eraser" : "Brush"} is down. Arrow keys ${this.erases ? "erase" : "paint"}; Space lifts it.`);
  }

  cursorMoved(point) {
    if (this.isDown) this.move([point]);
  }

  key(event) {
    if (event.key !== "Escape" || !this.isDown) return false;
    this.cancel();
    this.bench.say("The stroke is taken back.");
    return true;
  }

  draw(context, view, cursor) {
    if (!cursor) return;
    const at = view.toStage(cursor.x, cursor.y);
    const radius = this.#radius(view);
    outlined(context, 1.25, () => {
      context.arc(at.x, at.y, radius, 0, Math.PI * 2);
      if (radius < 5 || this.erases) cross(context, at, radius < 5 ? radius + 5 : 4);
    });
  }

  bounds(view, cursor) {
    return cursor ? around([view.toStage(cursor.x, cursor.y)], this.#radius(view) + 14) : null;
  }

  #radius(view) {
    return Math.max(1, (this.bench.size / 2) * view.scale);
  }

  #paint(from, to) {
    const { drawing, size } = this.bench;
    fillStroke(drawing.map, from, to, size / 2, this.erases ? 0 : drawing.label);
    this.bench.request();
  }

  #lift() {
    this.isDown = false;
    this.end();
    this.bench.say(`${this.erases ? "Eraser" : "Brush"} is lifted.`);
  }
}

function cross(context, { x, y }, reach) {
  context.moveTo(x - reach, y);
  context.lineTo(x + reach, y);
  context.moveTo(x, y - reach);
  context.lineTo(x, y + reach);
}
