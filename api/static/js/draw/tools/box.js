// The box that fits itself: a box around the object, the service's mask for it, and strokes that correct it.

import { around, height, intersection, spanned, union, width } from "../rect.js";
import { fromRuns, toRuns } from "../runs.js";
import { Suggestion } from "../suggestion.js";
import { crosshair, crosshairBounds, outlined } from "./marks.js";

const CLICK_PIXELS = 5;
const LEAST_PIXELS = 4;
const STROKE_PIXELS = 7; // half the width of a correcting stroke, on the screen

/** @typedef {"box" | "keep" | "leave"} Mode what the pointer does: a new box, or a stroke */

export class Box {
  /** @param {import("../bench.js").Bench} bench */
  constructor(bench) {
    this.bench = bench;
    this.name = "box";
    this.onChange = () => {};
    this.clear();
  }

  /** Forget the box; what it has found stays. */
  clear() {
    this.asking?.abort();
    this.asking = null;
    this.corner = null; // where a box begins
    this.opposite = null;
    this.wasDragged = false;
    this.found = null; // the suggestion, and what was there before it
    this.problem = "";
    /** @type {Mode} */
    this.mode = "box";
    this.lines = [];
    this.#changed();
  }

  get isBusy() {
    return this.asking !== null;
  }

  /** The box that is shown. */
  get area() {
    if (this.corner && this.opposite) return spanned(this.corner, this.opposite);
    return this.found?.suggestion.box ?? null;
  }

  setMode(mode) {
    this.mode = mode;
    this.#changed();
  }

  begin(point) {
    if (this.isBusy) return;
    if (this.mode !== "box") return this.#beginLine(point);
    if (!this.corner) {
      this.clear();
      this.corner = point;
    }
    this.opposite = point;
    this.pressedAt = point;
    this.wasDragged = false;
    this.bench.request();
  }

  move(points) {
    const point = points.at(-1);
    if (this.line) return this.#extendLine(points);
    if (!this.corner || !this.pressedAt) return;
    this.opposite = point;
    this.wasDragged ||= this.#apart(point, this.pressedAt) > CLICK_PIXELS;
    this.bench.request();
  }

  end(point) {
    if (this.line) return this.#endLine();
    if (!this.corner || this.isBusy) return;
    const isSecondClick = this.#apart(this.corner, point) > CLICK_PIXELS;
    this.pressedAt = null;
    if (this.wasDragged || isSecondClick) return this.#finish(point);
    this.opposite = point;
    this.bench.say("One corner is set. Click the opposite corner.");
    this.#changed();
  }

  /** The keyboard's press: first corner, opposite corner; or the ends of a correcting stroke. */
  press(point) {
    if (this.isBusy) return;
    if (this.mode !== "box") return this.line ? this.#endLine() : this.#beginLine(point);
    if (this.corner) return this.#finish(point);
    this.clear();
    this.corner = point;
    this.opposite = point;
    this.bench.say("One corner is set. Move to the opposite corner and press Space.");
  }

  cursorMoved(point) {
    if (this.line) this.#extendLine([point]);
    else this.hover(point);
  }

  hover(point) {
    if (this.corner && !this.pressedAt) this.opposite = point;
    this.bench.request();
  }

  cancel() {
    this.line = null;
    this.lines = this.lines.filter((line) => line.isSent);
    if (!this.isBusy) {
      this.corner = null;
      this.opposite = null;
    }
    this.pressedAt = null;
    this.#changed();
  }

  leave() {
    this.line = null;
    this.clear();
  }

  key(event) {
    if (event.key !== "Escape" || !(this.isBusy || this.corner || this.found || this.problem)) return false;
    this.line = null;
    this.clear();
    this.bench.say("The box is gone.");
    return true;
  }

  /** Ask the service, and draw what it says. */
  async fit() {
    const { drawing } = this.bench;
    const asking = new AbortController();
    this.asking?.abort();
    this.asking = asking;
    this.problem = "";
    this.#changed();
    this.bench.say("Fitting the box to the object.");
    try {
      const inside = await this.found.suggestion.fetch(asking.signal);
      if (asking.signal.aborted || drawing !== this.bench.drawing) return;
      this.asking = null;
      this.#apply(inside);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.asking = null;
      this.problem = error.message;
      this.bench.say(this.problem);
    }
    this.#changed();
  }

  bounds(view, cursor) {
    const { area } = this;
    const lines = this.line ? [...this.lines, this.line] : this.lines;
    const corners = area ? [{ x: area.x0, y: area.y0 }, { x: area.x1, y: area.y1 }] : [];
    const points = [...corners, ...lines.flatMap((line) => line.points)].map(({ x, y }) => view.toStage(x, y));
    return union(around(points, STROKE_PIXELS + 4), crosshairBounds(view, cursor));
  }

  draw(context, view, cursor) {
    const { area } = this;
    if (area) {
      const from = view.toStage(area.x0, area.y0);
      if (this.isBusy) context.setLineDash([6, 5]);
      outlined(context, 1.75, () => context.rect(from.x, from.y, width(area) * view.scale, height(area) * view.scale));
      context.setLineDash([]);
    }
    for (const line of this.line ? [...this.lines, this.line] : this.lines) this.#drawLine(context, view, line);
    crosshair(context, view, cursor);
  }

  #finish(point) {
    const { drawing, frame } = this.bench;
    const box = intersection(spanned(this.corner, point), drawing.map.all);
    this.clear();
    if (!box || width(box) < LEAST_PIXELS || height(box) < LEAST_PIXELS) {
      return this.bench.warn("This box is too small. Drag it around the whole object.");
    }
    const suggestion = new Suggestion(frame, box, drawing.map.all);
    const { region } = suggestion;
    this.found = { suggestion, label: drawing.label, before: toRuns(drawing.map.data, drawing.map.width, region) };
    this.fit();
  }

  #apply(inside) {
    const { map } = this.bench.drawing;
    const { suggestion, label, before } = this.found;
    const { region, box } = suggestion;
    fromRuns(before, region, (...run) => map.fillRun(...run));
    let at = 0;
    let pixels = 0;
    for (let y = region.y0; y < region.y1; y++) {
      for (let x = region.x0; x < region.x1; x++, at++) {
        const index = y * map.width + x;
        if (inside[at]) {
          map.set(index, label);
          pixels++;
        } else if (map.data[index] === label && x >= box.x0 && x < box.x1 && y >= box.y0 && y < box.y1) {
          map.set(index, 0);
        }
      }
    }
    map.touch(region);
    this.bench.drawing.commit();
    if (pixels) this.bench.say("The box is fitted. Keep or leave out more with strokes, or draw another box.");
    else this.problem = "Nothing was found in this box. Draw it a little larger, or use the brush.";
  }

  #beginLine(point) {
    this.line = { keeps: this.mode === "keep", points: [point], radius: STROKE_PIXELS / this.bench.view.scale };
    this.bench.request();
  }

  #extendLine(points) {
    this.line.points.push(...points);
    this.bench.request();
  }

  #endLine() {
    const { points, radius, keeps } = this.line;
    points.forEach((point, at) => this.found.suggestion.stroke(points[Math.max(0, at - 1)], point, radius, keeps));
    this.lines.push({ ...this.line, isSent: true });
    this.line = null;
    this.fit();
  }

  #drawLine(context, view, { points, radius, keeps, isSent }) {
    context.globalAlpha = isSent ? 0.6 : 1; // what came of it shall be seen through it
    context.lineCap = "round";
    context.lineJoin = "round";
    const [first] = points;
    for (const [style, size] of [["rgb(0 0 0 / 65%)", radius * 2 * view.scale + 3], [keeps ? "#5be08a" : "#ff6b5e", radius * 2 * view.scale]]) {
      context.strokeStyle = style;
      context.lineWidth = size;
      context.beginPath();
      for (const point of points.length > 1 ? points : [first, first]) {
        const { x, y } = view.toStage(point.x, point.y);
        context.lineTo(x, y);
      }
      context.stroke();
    }
    context.globalAlpha = 1;
  }

  #apart(one, other) {
    return Math.hypot(one.x - other.x, one.y - other.y) * this.bench.view.scale;
  }

  #changed() {
    this.onChange();
    this.bench.request();
  }
}
