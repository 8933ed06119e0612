// The timeline: area and confidence of each object over the frames, with the doubtful ones marked. It seeks.

import { h, icon } from "../dom.js";
import { css, readable } from "./colors.js";
import { drawCurve } from "./curves.js";
import { palette, sharp } from "./surface.js";

const LEFT = 8;
const RIGHT = 8;
const GAP = 18;
const BAND = 12;

/**
 * @param {object} given
 * @param {import("./track.js").Track} given.track
 * @param {import("./doubt.js").Doubts} given.doubts
 * @param {import("./colors.js").Color[]} given.colors
 * @param {number[]} given.annotated Frames that were drawn by a person.
 * @param {import("./track.js").Track | null} given.before Of the job that this one corrects.
 * @param {{frame: number, show: (frame: number) => void, step: (frames: number) => void} & EventTarget} given.player
 * @param {AbortSignal} given.signal
 */
export class Timeline {
  constructor({ track, doubts, colors, annotated, before, player, signal }) {
    Object.assign(this, { track, doubts, colors, annotated, before, player });
    this._canvas = h("canvas", { class: "timeline-canvas", "aria-hidden": "true" });
    this._still = document.createElement("canvas");
    /** A curve more, 0 to 1 a frame, with its name: how far before and after agree. */
    this.agreement = null;
    this._slider = h(
      "div",
      {
        class: "timeline-slider", role: "slider", tabindex: "0", "aria-label": "Frame",
        "aria-valuemin": "0", "aria-valuemax": String(track.frames - 1), "aria-valuenow": "0",
      },
      this._canvas,
    );
    this._why = h("span", { class: "timeline-why" });
    this.element = h("div", { class: "timeline" }, this._head(), this._slider);
    this._draw = sharp(this._canvas, (context, width, height) => this._paint(context, width, height), signal);
    this._listen(signal);
    this._tell();
  }

  /** Adds the curve of agreement between before and after. */
  compare(values, name) {
    this.agreement = { values, name };
    this._forget();
  }

  /** Goes to the doubtful frame before (-1) or after (1) the one on show. */
  doubtful(direction) {
    const found = direction > 0 ? this.doubts.next(this.player.frame) : this.doubts.previous(this.player.frame);
    if (found !== null) this.player.show(found);
  }

  _head() {
    const count = this.doubts.runs.length;
    const jump = (name, label, direction) => h("button", {
      class: "icon", type: "button", "aria-label": label, title: label, disabled: count === 0,
      on: { click: () => this.doubtful(direction) },
    }, icon(name));
    return h(
      "div", { class: "timeline-head" },
      h("h2", {}, "Timeline"),
      h("span", { class: "timeline-doubts" },
        count ? [icon("warning"), `${count} doubtful ${count === 1 ? "place" : "places"}`] : [icon("check"), "Nothing doubtful"]),
      jump("previous", "Previous doubtful frame", -1),
      jump("next", "Next doubtful frame", 1),
      this._why,
    );
  }

  _listen(signal) {
    this.player.addEventListener("frame", () => { this._draw(); this._tell(); }, { signal });
    document.addEventListener("themechange", () => this._forget(), { signal });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this._forget(), { signal });
    const seek = (event) => {
      const { left, width } = this._canvas.getBoundingClientRect();
      const share = (event.clientX - left - LEFT) / (width - LEFT - RIGHT);
      this.player.show(Math.floor(Math.min(0.999999, Math.max(0, share)) * this.track.frames));
    };
    this._slider.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      this._slider.setPointerCapture(event.pointerId);
      seek(event);
    }, { signal });
    this._slider.addEventListener("pointermove", (event) => {
      if (this._slider.hasPointerCapture(event.pointerId)) seek(event);
    }, { signal });
    this._slider.addEventListener("keydown", (event) => {
      const leap = Math.max(10, Math.round(this.track.frames / 20));
      const steps = { ArrowUp: 1, ArrowDown: -1, PageUp: leap, PageDown: -leap }[event.key];
      if (!steps) return;
      event.preventDefault();
      this.player.step(steps);
    }, { signal });
  }

  _tell() {
    const { frame } = this.player;
    const reasons = this.doubts.reasons(frame);
    const why = reasons.length ? `Doubtful: ${reasons.join(", ")}` : "";
    const drawn = this.annotated.includes(frame) ? "Drawn by hand" : "";
    this._why.textContent = why || drawn;
    this._why.classList.toggle("warn", Boolean(why));
    this._slider.setAttribute("aria-valuenow", String(frame));
    this._slider.setAttribute("aria-valuetext",
      [`Frame ${frame} of ${this.track.frames - 1}, ${this.track.time(frame).toFixed(2)} s`, why || drawn].filter(Boolean).join(". "));
  }

  _forget() {
    this._still.width = 0;
    this._draw();
  }

  _paint(context, width, height) {
    const { canvas } = context;
    if (this._still.width !== canvas.width || this._still.height !== canvas.height) {
      this._still.width = canvas.width;
      this._still.height = canvas.height;
      const still = this._still.getContext("2d");
      still.setTransform(context.getTransform());
      this._paintStill(still, width, height);
    }
    context.drawImage(this._still, 0, 0, width, height);
    const inner = width - LEFT - RIGHT;
    const x = LEFT + ((this.player.frame + 0.5) * inner) / this.track.frames;
    const theme = palette(this._canvas);
    const { text, surface } = theme;
    context.fillStyle = surface;
    context.fillRect(x - 2.5, 0, 5, height);
    context.fillStyle = text;
    context.fillRect(x - 1, 0, 2, height);
    this._paintNames(context, theme, height);
    context.fillStyle = text;
    context.beginPath();
    context.arc(x, height - 6, 5, 0, 2 * Math.PI);
    context.fill();
  }

  _paintStill(context, width, height) {
    const theme = palette(this._canvas);
    const lanes = this._lanes();
    this._names = lanes.map(({ name }) => name);
    const each = (height - BAND - 4) / lanes.length;
    const inner = width - LEFT - RIGHT;
    this._paintDoubts(context, theme, inner, height);
    lanes.forEach(({ curves, most }, index) => {
      const place = { left: LEFT, top: index * each + GAP, width: inner, height: each - GAP - 4, most };
      context.strokeStyle = theme.line;
      context.lineWidth = 1;
      context.setLineDash([]);
      context.strokeRect(LEFT + 0.5, place.top + 0.5, inner - 1, place.height - 1);
      for (const { values, color, dashed } of curves) {
        context.strokeStyle = color ? css(readable(color, theme.onDark), dashed ? 0.75 : 1) : theme.text;
        context.lineWidth = dashed ? 1.25 : 1.75;
        context.setLineDash(dashed ? [4, 3] : []);
        drawCurve(context, values, place);
      }
    });
    context.setLineDash([]);
    this._paintDrawn(context, theme, inner, height);
  }

  _paintNames(context, theme, height) {
    const each = (height - BAND - 4) / this._names.length;
    context.font = theme.font;
    this._names.forEach((name, index) => {
      context.fillStyle = theme.surface;
      context.fillRect(LEFT, index * each, context.measureText(name).width + 6, GAP - 3);
      context.fillStyle = theme.muted;
      context.fillText(name, LEFT, index * each + 12);
    });
  }

  _lanes() {
    const curves = (track, name, dashed) => this.colors.slice(0, track.objects).map((color, index) =>
      ({ values: track.of(index + 1)[name], color, dashed }));
    const both = (name) => [...(this.before ? curves(this.before, name, true) : []), ...curves(this.track, name, false)];
    const areas = both("area");
    const most = Math.max(1, ...areas.map(({ values }) => values.reduce((a, b) => Math.max(a, b), 0))) * 1.05;
    const versus = this.before ? " (dashed: before)" : "";
    const lanes = [
      { name: `Area, up to ${Math.round(most / 1.05).toLocaleString("en")} px${versus}`, curves: areas, most },
      { name: `Confidence, 0 to 1${versus}`, curves: both("confidence"), most: 1 },
    ];
    if (this.agreement) lanes.push({ name: this.agreement.name, curves: [{ values: this.agreement.values }], most: 1 });
    return lanes;
  }

  _paintDoubts(context, theme, inner, height) {
    const scale = inner / this.track.frames;
    for (const run of this.doubts.runs) {
      const left = LEFT + run.first * scale;
      const width = Math.max(2, (run.last - run.first + 1) * scale);
      context.fillStyle = theme.warn;
      context.globalAlpha = 0.16;
      context.fillRect(left, 0, width, height - BAND);
      context.globalAlpha = 1;
      context.fillRect(left, height - BAND, width, BAND - 4);
    }
  }

  _paintDrawn(context, theme, inner, height) {
    context.fillStyle = theme.accent;
    for (const frame of this.annotated) {
      const x = LEFT + ((frame + 0.5) * inner) / this.track.frames;
      context.beginPath();
      context.moveTo(x, height - BAND - 1);
      context.lineTo(x + 5, height - 2);
      context.lineTo(x - 5, height - 2);
      context.fill();
    }
  }
}
