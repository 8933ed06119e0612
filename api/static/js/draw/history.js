// Undo and redo: of each step only the rectangle that changed is kept, as runs, up to so many bytes in all.

import { fromRuns, toRuns } from "./runs.js";

const MOST_BYTES = 48 * 1024 * 1024;

/** The steps of one label map. A step also keeps which objects there were, as `extra`. */
export class History {
  /** @param {import("./label-map.js").LabelMap} map */
  constructor(map, mostBytes = MOST_BYTES) {
    this.map = map;
    this.mostBytes = mostBytes;
    this.past = [];
    this.future = [];
    // The labels as they were at the last commit: a stroke changes the map many times before it is one step.
    this.committed = map.data.slice();
  }

  get canUndo() {
    return this.past.length > 0;
  }

  get canRedo() {
    return this.future.length > 0;
  }

  get bytes() {
    return [...this.past, ...this.future].reduce((sum, step) => sum + (step.runs?.byteLength ?? 0) + 64, 0);
  }

  /** Make one step of all that changed since the last. @param extra what was true before it */
  commit(extra) {
    const area = this.map.uncommitted;
    this.map.uncommitted = null;
    const runs = area && this.#differs(area) ? toRuns(this.committed, this.map.width, area) : null;
    if (runs) this.#keep(area);
    this.past.push({ area: runs && area, runs, extra });
    this.future = [];
    while (this.bytes > this.mostBytes && this.past.length > 1) this.past.shift();
  }

  /** Whether anything has changed since the last step. */
  get hasChanges() {
    return Boolean(this.map.uncommitted && this.#differs(this.map.uncommitted));
  }

  /** Put back what has changed since the last step. */
  revert() {
    const area = this.map.uncommitted;
    if (!area) return;
    fromRuns(toRuns(this.committed, this.map.width, area), area, (...run) => this.map.fillRun(...run));
    this.map.touch(area);
    this.map.uncommitted = null;
  }

  /** One step back. @returns the `extra` that was true then */
  undo(extra) {
    return this.#move(this.past, this.future, extra);
  }

  /** One step forward again. */
  redo(extra) {
    return this.#move(this.future, this.past, extra);
  }

  #move(from, to, extra) {
    this.revert();
    const step = from.pop();
    if (!step) return null;
    to.push({ area: step.area, runs: step.runs && toRuns(this.committed, this.map.width, step.area), extra });
    if (step.runs) {
      fromRuns(step.runs, step.area, (...run) => this.map.fillRun(...run));
      this.#keep(step.area);
      this.map.touch(step.area);
      this.map.uncommitted = null;
    }
    return step.extra;
  }

  #keep(area) {
    const { width, data } = this.map;
    for (let y = area.y0; y < area.y1; y++) {
      const row = y * width;
      this.committed.set(data.subarray(row + area.x0, row + area.x1), row + area.x0);
    }
  }

  #differs(area) {
    const { width, data } = this.map;
    for (let y = area.y0; y < area.y1; y++) {
      for (let index = y * width + area.x0; index < y * width + area.x1; index++) {
        if (data[index] !== this.committed[index]) return true;
      }
    }
    return false;
  }
}
