// Which part of the frame is seen, and how large: from pixels of the frame to pixels of the screen and back.

const MOST_SCALE = 40;
// Of the stage, what the frame keeps covered however far it is moved.
const LEAST_SHOWN = 0.25;

/** Where a frame lies on a stage. `scale` is CSS pixels for a pixel of the frame. */
export class View {
  constructor() {
    this.frame = { width: 1, height: 1 };
    this.stage = { width: 1, height: 1 };
    this.scale = 1;
    this.x = 0;
    this.y = 0;
    this.isFitted = true;
  }

  get fittingScale() {
    return Math.min(this.stage.width / this.frame.width, this.stage.height / this.frame.height);
  }

  setFrame(width, height) {
    this.frame = { width, height };
    this.fit();
  }

  setStage(width, height) {
    const middle = this.toFrame(this.stage.width / 2, this.stage.height / 2);
    this.stage = { width: Math.max(1, width), height: Math.max(1, height) };
    if (this.isFitted) this.fit();
    else this.#place(middle, this.stage.width / 2, this.stage.height / 2);
  }

  /** Show the whole frame. */
  fit() {
    this.scale = this.fittingScale;
    this.x = (this.stage.width - this.frame.width * this.scale) / 2;
    this.y = (this.stage.height - this.frame.height * this.scale) / 2;
    this.isFitted = true;
  }

  /** Change the size around a point of the stage. */
  zoom(factor, x = this.stage.width / 2, y = this.stage.height / 2) {
    const kept = this.toFrame(x, y);
    const least = Math.min(1, this.fittingScale * 0.5);
    this.scale = Math.min(MOST_SCALE, Math.max(least, this.scale * factor));
    this.isFitted = false;
    this.#place(kept, x, y);
  }

  move(x, y) {
    this.x += x;
    this.y += y;
    this.isFitted = false;
    this.#hold();
  }

  /** Bring a point of the frame into sight. */
  reveal(point, margin = 40) {
    const { x, y } = this.toStage(point.x, point.y);
    const by = (at, size) => Math.max(0, margin - at) - Math.max(0, at - (size - margin));
    const [dx, dy] = [by(x, this.stage.width), by(y, this.stage.height)];
    if (!this.isFitted && (dx || dy)) this.move(dx, dy);
  }

  toFrame(x, y) {
    return { x: (x - this.x) / this.scale, y: (y - this.y) / this.scale };
  }

  toStage(x, y) {
    return { x: x * this.scale + this.x, y: y * this.scale + this.y };
  }

  #place(point, x, y) {
    this.x = x - point.x * this.scale;
    this.y = y - point.y * this.scale;
    this.#hold();
  }

  #hold() {
    const hold = (at, size, room) => {
      const shown = Math.min(size, room) * LEAST_SHOWN;
      return Math.min(room - shown, Math.max(shown - size, at));
    };
    this.x = hold(this.x, this.frame.width * this.scale, this.stage.width);
    this.y = hold(this.y, this.frame.height * this.scale, this.stage.height);
  }
}
