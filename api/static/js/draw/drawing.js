// The drawing of one frame: its labels, the objects they stand for, which one is drawn, and what can be undone.

import { objectColors } from "../look/colors.js";
import { History } from "./history.js";
import { LabelMap } from "./label-map.js";

export const MOST_OBJECTS = 20;
const HIGHEST_LABEL = 250;

/**
 * What tools draw on. Objects are counted from 1 for the person; each has a label of its own that it keeps, so that
 * taking one away leaves the others' pixels, here and in other frames, as they are.
 */
export class Drawing extends EventTarget {
  /** @param {number} width @param {number} height @param {{labels?: Uint8Array | null, objects?: number | number[]}} [given] */
  constructor(width, height, { labels = null, objects = 1 } = {}) {
    super();
    this.map = new LabelMap(width, height, labels && labels.slice());
    this.ids = Array.isArray(objects) ? [...objects] : Array.from({ length: Math.max(1, objects) }, (_, at) => at + 1);
    this.history = new History(this.map);
    this.active = this.ids[0];
    this.firstColor = "#1e90ff";
    /** The highest label that was taken away, where other frames may still have its pixels; null where none has. @type {number | null} */
    this.retired = null;
  }

  /** A label that no object has had. */
  get #next() {
    return Math.max(this.retired ?? 0, ...this.ids) + 1;
  }

  /** The label that is drawn with. */
  get label() {
    return this.active;
  }

  /** Colours of the labels, as the overlay will have them. @returns {Map<number, [number, number, number]>} */
  get colors() {
    const colors = objectColors({ options: { overlay_color: this.firstColor }, objects: this.ids.length });
    return new Map(this.ids.map((id, at) => [id, colors[at]]));
  }

  /** What a step of the history keeps beside the pixels. */
  get state() {
    return { ids: [...this.ids], active: this.active };
  }

  /** Labels 1 … N in the order of the objects; pixels of objects that are gone are background. */
  compact() {
    const numbers = new Uint8Array(256);
    this.ids.forEach((id, at) => {
      numbers[id] = at + 1;
    });
    return this.map.data.map((label) => numbers[label]);
  }

  isEmpty(id) {
    return this.map.counts[id] === 0;
  }

  choose(id) {
    if (!this.ids.includes(id) || id === this.active) return;
    this.active = id;
    this.#tell("objects");
  }

  /** One more object, chosen; nothing where there are as many as may be. */
  add() {
    if (this.ids.length >= MOST_OBJECTS) return false;
    const before = this.state;
    const next = this.#next;
    const free = next <= HIGHEST_LABEL ? next : Array.from({ length: HIGHEST_LABEL }, (_, at) => at + 1).find((id) => !this.ids.includes(id));
    this.ids = [...this.ids, free];
    this.active = free;
    this.history.commit(before);
    this.#tell("objects");
    return true;
  }

  /** Take an object away with its pixels. The last one only loses its pixels. */
  remove(id) {
    const before = this.state;
    const at = this.ids.indexOf(id);
    this.erase(id);
    if (this.ids.length > 1) {
      this.ids = this.ids.filter((other) => other !== id);
      if (this.retired !== null) this.retired = Math.max(this.retired, id);
      if (this.active === id) this.active = this.ids[Math.min(at, this.ids.length - 1)];
    }
    this.history.commit(before);
    this.#tell("objects");
    this.#tell("pixels");
  }

  /** Make an object's pixels background, as part of the next step. */
  erase(id) {
    const { data } = this.map;
    for (let index = 0; index < data.length; index++) if (data[index] === id) this.map.set(index, 0);
    this.map.touch(this.map.all);
  }

  /** Another mask instead of this one. @param {Uint8Array} labels 1 … objects */
  replace(labels, objects) {
    const before = this.state;
    while (this.ids.length < objects) this.ids.push(this.#next);
    const ids = [0, ...this.ids];
    const { data } = this.map;
    for (let index = 0; index < data.length; index++) {
      const label = ids[labels[index]] ?? 0;
      if (data[index] !== label) this.map.set(index, label);
    }
    this.map.touch(this.map.all);
    this.history.commit(before);
    this.#tell("objects");
    this.#tell("pixels");
  }

  /** The pixels as they are now are one step. */
  commit() {
    if (!this.history.hasChanges) return;
    this.history.commit(this.state);
    this.#tell("pixels");
  }

  revert() {
    this.history.revert();
  }

  undo() {
    return this.#restore(this.history.undo(this.state));
  }

  redo() {
    return this.#restore(this.history.redo(this.state));
  }

  #restore(state) {
    if (!state) return false;
    this.ids = [...state.ids];
    this.active = this.ids.includes(this.active) ? this.active : state.active;
    this.#tell("objects");
    this.#tell("pixels");
    return true;
  }

  #tell(kind) {
    this.dispatchEvent(new Event(kind));
  }
}
