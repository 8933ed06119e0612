// Where the objects go: x, y and time as a box that one can turn, with the frame on show standing in it.

import { h, icon } from "../dom.js";
import { css, readable } from "./colors.js";
import { Projection } from "./projection.js";
import { palette, sharp } from "./surface.js";
import { turning } from "./turning.js";

// A path of more points looks the same.
const MOST_POINTS = 1500;
const DEPTH = 1.5;

/**
 * @param {object} given
 * @param {import("./track.js").Track} given.track
 * @param {import("./colors.js").Color[]} given.colors
 * @param {{frame: number, canvas?: HTMLCanvasElement} & EventTarget} given.player
 * @param {AbortSignal} given.signal
 */
export class Trajectory {
  constructor({ track, colors, player, signal }) {
    Object.assign(this, { track, colors, player });
    this.projection = new Projection();
    this._canvas = h("canvas", { class: "trajectory-canvas", "aria-hidden": "true" });
    this._stage = h("div", {
      class: "trajectory-stage", tabindex: "0", role: "application",
      "aria-roledescription": "three-dimensional plot",
      "aria-label": "Path of the objects in x, y and time. The arrow keys turn it, plus and minus zoom.",
      "aria-describedby": "trajectory-words",
    }, this._canvas);
    this.element = h("section", { class: "card trajectory", "aria-labelledby": "trajectory-title" },
      this._head(), this._stage, h("div", { id: "trajectory-words", class: "trajectory-words" }, describe(track)));
    this._measure();
    this._draw = sharp(this._canvas, (context, width, height) => this._paint(context, width, height), signal);
    turning(this._stage, this.projection, this._draw, signal);
    for (const name of ["frame", "picture"]) player.addEventListener(name, this._draw, { signal });
  }

  _head() {
    const button = (name, label, act) => h("button", {
      class: "icon", type: "button", "aria-label": label, title: label,
      on: { click: () => { act(); this._draw(); } },
    }, icon(name));
    return h("div", { class: "spread" }, h("h2", { id: "trajectory-title" }, "Path in x, y and time"),
      h("div", { class: "row" },
        button("minus", "Zoom out", () => this.projection.magnify(1 / 1.25)),
        button("plus", "Zoom in", () => this.projection.magnify(1.25)),
        button("again", "Back to the first view", () => this.projection.reset())));
  }

  _measure() {
    const { width, height } = this.track;
    const long = Math.max(width, height);
    this._half = [width / long, height / long, DEPTH];
    this._radius = Math.hypot(...this._half) * 0.92;
    const first = this.track.time(0);
    const length = this.track.time(this.track.frames - 1) - first || 1;
    this._z = (frame) => (2 * (this.track.time(frame) - first) / length - 1) * DEPTH;
    this._xy = (x, y) => [(2 * (x + 0.5) - width) / long, (2 * (y + 0.5) - height) / long];
  }

  _paint(context, width, height) {
    const theme = palette(this._canvas);
    this.projection.place(width, height, this._radius);
    context.font = theme.font;
    this._box(context, theme);
    const now = this._z(this.player.frame);
    const nearFirst = this.projection.point(0, 0, 1)[2] < this.projection.point(0, 0, -1)[2];
    const [past, future] = [[0, this.player.frame], [this.player.frame, this.track.frames - 1]];
    this._paths(context, theme, nearFirst ? past : future);
    this._plane(context, theme, now);
    this._paths(context, theme, nearFirst ? future : past);
    this._heads(context, theme, now);
    this._names(context, theme);
  }

  _box(context, theme) {
    const [x, y, z] = this._half;
    const corner = (a, b, c) => this.projection.point(a * x, b * y, c * z);
    context.strokeStyle = theme.line;
    context.lineWidth = 1;
    for (const [a, b] of [[-1, -1], [-1, 1], [1, -1], [1, 1]]) {
      segment(context, corner(a, b, -1), corner(a, b, 1));
      segment(context, corner(-1, a, b), corner(1, a, b));
      segment(context, corner(a, -1, b), corner(a, 1, b));
    }
  }

  /** The axes' names, each at that edge of the box which is outermost just now. */
  _names(context, theme) {
    const [x, y, z] = this._half;
    const seconds = this.track.time(this.track.frames - 1) - this.track.time(0);
    const signs = [[-1, -1], [-1, 1], [1, -1], [1, 1]];
    const lowest = ([, top]) => top;
    const leftmost = ([left]) => -left;
    const edges = [
      [`x → ${this.track.width} px`, signs.map(([a, b]) => [0, a * y, b * z]), lowest, [0, 18]],
      [`y ↓ ${this.track.height} px`, signs.map(([a, b]) => [a * x, 0, b * z]), leftmost, [-44, 4]],
      [`time → ${seconds.toFixed(1)} s`, signs.map(([a, b]) => [a * x, b * y, 0]), lowest, [0, 18]],
    ];
    context.textAlign = "center";
    context.lineWidth = 4;
    context.lineJoin = "round";
    const within = (left) => Math.min(this._canvas.clientWidth - 40, Math.max(40, left));
    for (const [text, middles, outermost, [right, down]] of edges) {
      const places = middles.map((middle) => this.projection.point(...middle));
      const [left, top] = places.reduce((best, place) => (outermost(place) > outermost(best) ? place : best));
      context.strokeStyle = theme.ground;
      context.strokeText(text, within(left + right), top + down);
      context.fillStyle = theme.text;
      context.fillText(text, within(left + right), top + down);
    }
    context.textAlign = "left";
  }

  _paths(context, theme, [first, last]) {
    const step = Math.max(1, Math.ceil(this.track.frames / MOST_POINTS));
    for (let object = 1; object <= this.track.objects; object++) {
      const series = this.track.of(object);
      context.strokeStyle = css(readable(this.colors[object - 1], theme.onDark));
      context.lineWidth = 2.5;
      context.lineJoin = "round";
      context.beginPath();
      let drawing = false;
      const add = (frame) => {
        if (!series.present[frame]) {
          drawing = false;
          return;
        }
        const [left, top] = this.projection.point(...this._xy(series.x[frame], series.y[frame]), this._z(frame));
        if (drawing) context.lineTo(left, top);
        else context.moveTo(left, top);
        drawing = true;
      };
      for (let frame = first; frame < last; frame += step) add(frame);
      add(last);
      context.stroke();
    }
  }

  _plane(context, theme, now) {
    const [x, y] = this._half;
    const [a, b, c, d] = [[-x, -y], [x, -y], [x, y], [-x, y]].map(([p, q]) => this.projection.point(p, q, now));
    this._picture(context, a, b, d);
    context.strokeStyle = theme.text;
    context.lineWidth = 1.5;
    context.beginPath();
    for (const [left, top] of [a, b, c, d]) context.lineTo(left, top);
    context.closePath();
    context.stroke();
  }

  /** The frame on show, leaning as the box does: without perspective that is a matter of one matrix. */
  _picture(context, origin, right, down) {
    const { canvas } = this.player;
    if (!canvas?.width || canvas.dataset.frame === undefined) return;
    const double = canvas.width / canvas.height > 1.5 * (this.track.width / this.track.height);
    const width = double ? canvas.width / 2 : canvas.width;
    context.save();
    context.globalAlpha = 0.72;
    context.transform(
      (right[0] - origin[0]) / width, (right[1] - origin[1]) / width,
      (down[0] - origin[0]) / canvas.height, (down[1] - origin[1]) / canvas.height, origin[0], origin[1],
    );
    context.drawImage(canvas, canvas.width - width, 0, width, canvas.height, 0, 0, width, canvas.height);
    context.restore();
  }

  _heads(context, theme, now) {
    for (let object = 1; object <= this.track.objects; object++) {
      const { centroid } = this.track.at(this.player.frame, object);
      if (!centroid) continue;
      const [left, top] = this.projection.point(...this._xy(...centroid), now);
      context.beginPath();
      context.arc(left, top, 6, 0, 2 * Math.PI);
      context.fillStyle = css(readable(this.colors[object - 1], theme.onDark));
      context.fill();
      context.lineWidth = 2;
      context.strokeStyle = theme.surface;
      context.stroke();
    }
  }
}

function segment(context, from, to) {
  context.beginPath();
  context.moveTo(from[0], from[1]);
  context.lineTo(to[0], to[1]);
  context.stroke();
}

function describe(track) {
  return Array.from({ length: track.objects }, (_, index) => h("p", { class: "muted" }, story(track, index + 1)));
}

function story(track, object) {
  const name = track.objects > 1 ? `Object ${object}` : "The object";
  const seen = Array.from(track.of(object).present.keys()).filter((frame) => track.of(object).present[frame]);
  if (!seen.length) return `${name} is in no frame.`;
  const at = (frame) => track.at(frame, object).centroid.map(Math.round);
  const way = seen.slice(1).reduce((sum, frame, index) => sum + distance(at(seen[index]), at(frame)), 0);
  const [x0, y0] = at(seen[0]);
  const [x1, y1] = at(seen.at(-1));
  return `${name} goes from x ${x0}, y ${y0} in frame ${seen[0]} to x ${x1}, y ${y1} in frame ${seen.at(-1)}: `
    + `${Math.round(way).toLocaleString("en")} px in all, and it is there in ${seen.length} of ${track.frames} frames.`;
}

function distance([x0, y0], [x1, y1]) {
  return Math.hypot(x1 - x0, y1 - y0);
}
