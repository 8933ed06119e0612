// The mask as it is drawn: one byte a pixel, 0 for background, and how many pixels each label has.

import { intersection, rect, union } from "./rect.js";

/** Labels of one frame. Whoever changes them says so with `touch`, so that only what changed is painted again. */
export class LabelMap {
  /** @param {Uint8Array | null} data row by row; kept, not copied */
  constructor(width, height, data = null) {
    this.width = width;
    this.height = height;
    this.data = data ?? new Uint8Array(width * height);
    this.counts = new Uint32Array(256);
    for (const label of this.data) this.counts[label]++;
    this.unpainted = this.all;
    this.uncommitted = null;
  }

  get all() {
    return rect(0, 0, this.width, this.height);
  }

  /** The label at a pixel, or -1 outside. */
  at(x, y) {
    return x >= 0 && y >= 0 && x < this.width && y < this.height ? this.data[y * this.width + x] : -1;
  }

  /** Give pixels `from` up to, not including, `to` of row `y` a label. Outside the picture nothing happens. */
  fillRun(y, from, to, label) {
    if (y < 0 || y >= this.height) return;
    const row = y * this.width;
    const end = row + Math.min(to, this.width);
    let changed = 0;
    for (let index = row + Math.max(from, 0); index < end; index++) {
      const old = this.data[index];
      if (old !== label) {
        this.counts[old]--;
        this.data[index] = label;
        changed++;
      }
    }
    this.counts[label] += changed;
  }

  /** Give one pixel a label. */
  set(index, label) {
    this.counts[this.data[index]]--;
    this.counts[label]++;
    this.data[index] = label;
  }

  /** Say that pixels in this rectangle may have changed. */
  touch(area) {
    const inside = intersection(area, this.all);
    if (!inside) return;
    this.unpainted = union(this.unpainted, inside);
    this.uncommitted = union(this.uncommitted, inside);
  }
}
