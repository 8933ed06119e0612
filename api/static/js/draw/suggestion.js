// What the service makes of a box: the frame around it is sent, with what to keep and to leave out, and a mask comes back.

import { call } from "../api.js";
import { LabelMap } from "./label-map.js";
import { grayPng } from "./png.js";
import { grown, height, intersection, rect, width } from "./rect.js";
import { fillStroke } from "./shapes.js";

const LONG_SIDE = 1024;
const MARGIN_SHARE = 0.3;
const LEAST_MARGIN = 24;
const KEEP = 255;
const LEAVE = 128;

/** One box on one frame, with its strokes. */
export class Suggestion {
  /** @param {CanvasImageSource} frame @param {import("./rect.js").Rect} box @param {import("./rect.js").Rect} all the frame */
  constructor(frame, box, all) {
    this.box = box;
    const margin = Math.max(LEAST_MARGIN, Math.round(Math.max(width(box), height(box)) * MARGIN_SHARE));
    this.region = intersection(grown(box, margin), all);
    this.scale = Math.min(1, LONG_SIDE / Math.max(width(this.region), height(this.region)));
    this.size = { width: this.#scaled(width(this.region)), height: this.#scaled(height(this.region)) };
    this.strokes = null;
    this.image = this.#cut(frame);
  }

  /** Keep, or leave out, what a line of the frame covers. */
  stroke(from, to, radius, keeps) {
    this.strokes ??= new LabelMap(this.size.width, this.size.height);
    fillStroke(this.strokes, this.#inside(from), this.#inside(to), Math.max(1, radius * this.scale), keeps ? KEEP : LEAVE);
  }

  /** Ask. @returns {Promise<Uint8Array>} 0 or 1 for each pixel of `region` */
  async fetch(signal) {
    const form = new FormData();
    form.append("image", await this.image, "frame.jpg");
    form.append("box", this.#boxInside().join(","));
    if (this.strokes) {
      form.append("strokes", await grayPng(this.strokes.data, this.size.width, this.size.height), "strokes.png");
    }
    const answer = await call("POST", "/v1/masks/suggest", { form, signal });
    return this.#read(await createImageBitmap(answer));
  }

  #scaled(length) {
    return Math.max(1, Math.round(length * this.scale));
  }

  #inside({ x, y }) {
    return { x: (x - this.region.x0) * this.scale, y: (y - this.region.y0) * this.scale };
  }

  #boxInside() {
    const from = this.#inside({ x: this.box.x0, y: this.box.y0 });
    const to = this.#inside({ x: this.box.x1, y: this.box.y1 });
    const [x0, y0] = [Math.max(0, Math.floor(from.x)), Math.max(0, Math.floor(from.y))];
    const whole = rect(x0, y0, Math.max(x0 + 1, Math.ceil(to.x)), Math.max(y0 + 1, Math.ceil(to.y)));
    return [whole.x0, whole.y0, Math.min(whole.x1, this.size.width), Math.min(whole.y1, this.size.height)];
  }

  #cut(frame) {
    const { region, size } = this;
    const canvas = document.createElement("canvas");
    canvas.width = size.width;
    canvas.height = size.height;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(frame, region.x0, region.y0, width(region), height(region), 0, 0, size.width, size.height);
    return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.94));
  }

  #read(bitmap) {
    const canvas = document.createElement("canvas");
    canvas.width = width(this.region);
    canvas.height = height(this.region);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height); // smoothed, so that a scaled edge is no staircase
    bitmap.close();
    const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data;
    return Uint8Array.from({ length: canvas.width * canvas.height }, (_, at) => (pixels[at * 4] >= 128 ? 1 : 0));
  }
}
