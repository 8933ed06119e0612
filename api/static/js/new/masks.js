// The masks of all frames that were drawn on, kept small; the editor holds the one that is shown.

import { packed, unpacked } from "../draw/runs.js";

export class Masks {
  constructor() {
    /** @type {Map<number, Uint32Array>} */
    this.runs = new Map();
    this.size = null;
  }

  /** Keep what the editor shows as the mask of a frame. @param {import("../draw/drawing.js").Drawing} drawing */
  keep(frame, drawing) {
    const { map, ids } = drawing;
    this.size = { width: map.width, height: map.height };
    if (ids.some((id) => !drawing.isEmpty(id))) this.runs.set(frame, packed(map.data, map.width, map.height));
    else this.runs.delete(frame);
  }

  /** The labels of a frame as the editor had them, or null. */
  labels(frame) {
    const runs = this.runs.get(frame);
    return runs ? unpacked(runs, this.size.width, this.size.height) : null;
  }

  /** Leave out what is left of objects that were removed: a new one may get the same label. @param {number[]} ids that stay */
  only(ids) {
    for (const [frame, runs] of this.runs) {
      const kept = runs.map((run) => (ids.includes(run >>> 24) ? run : run & 0xffffff));
      if (kept.some((run) => run >>> 24)) this.runs.set(frame, kept);
      else this.runs.delete(frame);
    }
  }

  /** Frames with something drawn, in order. */
  get frames() {
    return [...this.runs.keys()].sort((one, other) => one - other);
  }

  /** All masks as labels 1 … N of the objects there are; those that show none of them are left out. */
  numbered(ids) {
    const numbers = new Uint8Array(256);
    ids.forEach((id, at) => {
      numbers[id] = at + 1;
    });
    const found = new Map();
    for (const frame of this.frames) {
      const labels = this.labels(frame).map((label) => numbers[label]);
      if (labels.some((label) => label)) found.set(frame, labels);
    }
    return found;
  }

  /** The same masks for a picture of another size. */
  resize(width, height) {
    const from = this.size;
    if (!from || (from.width === width && from.height === height)) return;
    for (const frame of this.frames) {
      const labels = this.labels(frame);
      const scaled = new Uint8Array(width * height);
      for (let y = 0; y < height; y++) {
        const row = Math.floor((y * from.height) / height) * from.width;
        for (let x = 0; x < width; x++) scaled[y * width + x] = labels[row + Math.floor((x * from.width) / width)];
      }
      this.runs.set(frame, packed(scaled, width, height));
    }
    this.size = { width, height };
  }

  clear() {
    this.runs.clear();
    this.size = null;
  }
}
