// What is seen of the drawing: three canvases on each other (frame, mask, tool), each painted only when it must be.

import { h } from "../dom.js";
import { grown } from "./rect.js";
import { Tint } from "./tint.js";
import { View } from "./view.js";

const MOST_RATIO = 2; // a denser screen shows no more of a mask, and costs more to paint

/** The three layers, and the one loop that paints them. */
export class Stage {
  /** @param {HTMLElement} element @param {AbortSignal} signal */
  constructor(element, signal) {
    this.element = element;
    this.view = new View();
    this.tint = new Tint();
    this.frame = null;
    this.map = null;
    this.drawTool = () => {};
    this.onPaint = () => {};
    this.layers = ["picture", "mask", "tool"].map((name) => {
      const canvas = h("canvas", { class: `draw-layer draw-${name}`, "aria-hidden": "true" });
      element.append(canvas);
      return { canvas, context: canvas.getContext("2d"), isStale: true };
    });
    this.requested = 0;
    const observer = new ResizeObserver(() => this.#resize());
    observer.observe(element);
    signal.addEventListener("abort", () => {
      observer.disconnect();
      cancelAnimationFrame(this.requested);
      this.requested = -1;
    });
    this.#resize();
  }

  /** @param {ImageBitmap | HTMLCanvasElement} bitmap @param {import("./label-map.js").LabelMap} map */
  show(bitmap, map) {
    const isNewSize = !this.map || this.map.width !== map.width || this.map.height !== map.height;
    this.frame = bitmap;
    this.map = map;
    map.unpainted = map.all;
    this.tint.setSize(map.width, map.height);
    if (isNewSize) this.view.setFrame(map.width, map.height);
    this.moved();
  }

  /** The view has changed: all layers are painted anew. */
  moved() {
    for (const layer of this.layers) layer.isStale = true;
    this.request();
  }

  /** Something has changed that the next frame should show. */
  request() {
    if (!this.requested) this.requested = requestAnimationFrame((now) => this.#paint(now));
  }

  /** A point of the window, in pixels of the frame. */
  pointOf(event) {
    const bounds = this.bounds;
    return this.view.toFrame(event.clientX - bounds.left, event.clientY - bounds.top);
  }

  /** Where the stage lies in the window; read once a gesture. */
  measure() {
    this.bounds = this.element.getBoundingClientRect();
    return this.bounds;
  }

  #resize() {
    const { width, height } = this.measure();
    this.ratio = Math.min(MOST_RATIO, globalThis.devicePixelRatio || 1);
    for (const { canvas } of this.layers) {
      canvas.width = Math.max(1, Math.round(width * this.ratio));
      canvas.height = Math.max(1, Math.round(height * this.ratio));
    }
    this.view.setStage(width, height);
    for (const layer of this.layers) layer.isStale = true;
    if (this.frame) this.#paint(performance.now()); // at once: a resized canvas is empty until it is painted
  }

  #paint(now) {
    if (this.requested < 0) return;
    this.requested = 0;
    if (!this.frame) return;
    const [picture, mask, tool] = this.layers;
    const changed = this.tint.paint(this.map);
    if (picture.isStale) this.#draw(picture, this.frame, null);
    if (mask.isStale) this.#draw(mask, this.tint.canvas, null);
    else if (changed) this.#draw(mask, this.tint.canvas, changed);
    for (const layer of this.layers) layer.isStale = false;
    this.#clear(tool);
    this.#transform(tool.context, 1, 0, 0);
    this.drawTool(tool.context, this.view);
    this.onPaint(now);
  }

  /** A picture of the frame's size on a layer; only a part of it where `area` says so. */
  #draw(layer, source, area) {
    const { context } = layer;
    const { scale, x, y } = this.view;
    context.save();
    if (area) this.#clip(context, area);
    this.#clear(layer);
    this.#transform(context, scale, x, y);
    context.imageSmoothingEnabled = scale * this.ratio < 2; // larger, and its pixels shall be seen
    context.imageSmoothingQuality = "medium";
    if (area) {
      const part = grown(area, Math.ceil(2 / scale) + 1);
      const [x0, y0] = [Math.max(0, part.x0), Math.max(0, part.y0)];
      const [w, h] = [Math.min(this.map.width, part.x1) - x0, Math.min(this.map.height, part.y1) - y0];
      context.drawImage(source, x0, y0, w, h, x0, y0, w, h);
    } else {
      context.drawImage(source, 0, 0, this.map.width, this.map.height);
    }
    context.restore();
  }

  #clip(context, area) {
    const { scale, x, y } = this.view;
    const from = { x: Math.floor((area.x0 * scale + x) * this.ratio) - 1, y: Math.floor((area.y0 * scale + y) * this.ratio) - 1 };
    const to = { x: Math.ceil((area.x1 * scale + x) * this.ratio) + 1, y: Math.ceil((area.y1 * scale + y) * this.ratio) + 1 };
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath();
    context.rect(from.x, from.y, to.x - from.x, to.y - from.y);
    context.clip();
  }

  #clear({ context, canvas }) {
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
  }

  #transform(context, scale, x, y) {
    const { ratio } = this;
    context.setTransform(scale * ratio, 0, 0, scale * ratio, x * ratio, y * ratio);
  }
}
