// What tools work with: the drawing, how it is seen, the size of the brush, and words for the person.

/** @typedef {import("./drawing.js").Drawing} Drawing */

export class Bench {
  /**
   * @param {import("./stage.js").Stage} stage
   * @param {{say: (text: string) => void, warn: (text: string) => void}} words
   */
  constructor(stage, { say, warn }) {
    this.stage = stage;
    /** @type {Drawing | null} */
    this.drawing = null;
    this.size = 32; // of the brush: its diameter in pixels of the frame
    this.say = say;
    this.warn = warn;
  }

  get view() {
    return this.stage.view;
  }

  get frame() {
    return this.stage.frame;
  }

  request() {
    this.stage.request();
  }
}
