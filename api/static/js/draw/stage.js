// What is seen of the drawing: frame, mask and tool on one canvas, painted again only where something changed.

import { h } from "../dom.js";
import { grown, height, intersection, rect, union, width } from "./rect.js";
import { Tint } from "./tint.js";
import { View } from "./view.js";

const MOST_RATIO = 2; // a denser screen shows no more of a mask, and costs more to paint
const GROUND = "#14181f";

/** The canvas, and the one loop that paints it. */
export class Stage {
  /** @param {HTMLElement} element @param {AbortSignal} signal */
  constructor(element, signal) {
    this.element = element;
    this.view = new View();
    this.tint = new Tint();
    this.frame = null;
    this.map = null;
    /** @type {{draw: (context: any, view: View) => void, bounds: (view: View) => import("./rect.js").Rect | null}} */
    this.tool = { draw: () => {}, bounds: () => null };
    this.onPaint = () => {};
    this.canvas = h("canvas", { class: "draw-layer", "aria-hidden": "true" });
    this.context = this.canvas.getContext("2d", { alpha: false });
    // The frame as large as it is seen: copying from it costs next to nothing, scaling it each time would not.
    this.scaled = document.createElement("canvas");
    this.scaledContext = this.scaled.getContext("2d", { alpha: false });
    element.append(this.canvas);
    this.isStale = true;
    this.toolArea = null; // what the tool covered when it was painted last
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

  /** The view has changed, or the frame: everything is painted anew. */
  moved() {
    this.isStale = true;
    this.request();
  }

  /** Something has changed that the next frame should show. */
  request() {
    if (!this.requested) this.requested = requestAnimationFrame((now) => this.#paint(now));
  }

  /** A point of the window, in pixels of the frame. */
  pointOf(event) {
    return this.view.toFrame(event.clientX - this.bounds.left, event.clientY - this.bounds.top);
  }

  /** Where the stage lies in the window; read once a gesture. */
  measure() {
    const { left, top } = this.element.getBoundingClientRect();
    const { clientLeft, clientTop, clientWidth, clientHeight } = this.element;
    this.bounds = { left: left + clientLeft, top: top + clientTop, width: clientWidth, height: clientHeight };
    return this.bounds;
  }

  #resize() {
    const bounds = this.measure();
    this.ratio = Math.min(MOST_RATIO, globalThis.devicePixelRatio || 1);
    for (const canvas of [this.canvas, this.scaled]) {
      canvas.width = Math.max(1, Math.round(bounds.width * this.ratio));
      canvas.height = Math.max(1, Math.round(bounds.height * this.ratio));
    }
    this.context.fillStyle = GROUND;
    this.context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.view.setStage(bounds.width, bounds.height);
    this.isStale = true;
    if (this.frame) this.#paint(performance.now()); // at once: a resized canvas is empty until it is painted
  }

  #paint(now) {
    if (this.requested < 0) return;
    this.requested = 0;
    if (!this.frame) return;
    const changed = this.tint.paint(this.map);
    const covered = this.tool.bounds(this.view);
    const all = rect(0, 0, this.canvas.width, this.canvas.height);
    if (this.isStale) this.#scaleFrame();
    const area = this.isStale ? all : this.#dirty(changed, covered, all);
    if (area) this.#draw(area);
    this.isStale = false;
    this.toolArea = covered;
    this.onPaint(now);
  }

  /** The part of the canvas that is no longer right, or null. */
  #dirty(changed, covered, all) {
    const { scale, x, y } = this.view;
    const seen = changed && rect(changed.x0 * scale + x, changed.y0 * scale + y, changed.x1 * scale + x, changed.y1 * scale + y);
    const area = union(union(seen, covered), this.toolArea);
    if (!area) return null;
    const { ratio } = this;
    const whole = rect(Math.floor(area.x0 * ratio), Math.floor(area.y0 * ratio), Math.ceil(area.x1 * ratio), Math.ceil(area.y1 * ratio));
    return intersection(grown(whole, 2), all);
  }

  #scaleFrame() {
    const context = this.scaledContext;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.fillStyle = GROUND;
    context.fillRect(0, 0, this.scaled.width, this.scaled.height);
    this.#show(context);
    context.imageSmoothingQuality = "medium";
    context.drawImage(this.frame, 0, 0, this.map.width, this.map.height);
  }

  #draw(area) {
    const { context, ratio } = this;
    const size = [width(area), height(area)];
    context.save();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.beginPath();
    context.rect(area.x0, area.y0, ...size);
    context.clip();
    context.drawImage(this.scaled, area.x0, area.y0, ...size, area.x0, area.y0, ...size);
    this.#show(context);
    this.#drawTint(area);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.tool.draw(context, this.view);
    context.restore();
  }

  #drawTint(area) {
    const { ratio, map } = this;
    const from = this.view.toFrame(area.x0 / ratio, area.y0 / ratio);
    const to = this.view.toFrame(area.x1 / ratio, area.y1 / ratio);
    // A little more than is seen, so that smoothing has the same neighbours as when all is painted.
    const part = intersection(grown(rect(Math.floor(from.x), Math.floor(from.y), Math.ceil(to.x), Math.ceil(to.y)), 3), map.all);
    if (!part) return;
    const place = [part.x0, part.y0, width(part), height(part)];
    this.context.drawImage(this.tint.canvas, ...place, ...place);
  }

  /** From here on, pixels of the frame are drawn where the view has them. */
  #show(context) {
    const { scale, x, y } = this.view;
    context.setTransform(scale * this.ratio, 0, 0, scale * this.ratio, x * this.ratio, y * this.ratio);
    context.imageSmoothingEnabled = scale * this.ratio < 2; // larger, and its pixels shall be seen
    context.imageSmoothingQuality = "low";
  }
}
