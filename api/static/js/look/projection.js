// A box in three dimensions as a picture: turned, moved nearer, and without perspective, so that lengths compare.

const STEEPEST = Math.PI / 2;

/** The view on a box from -1 to 1 in its longest direction; x to the right, y down, z away. */
export class Projection {
  constructor() {
    this.reset();
  }

  reset() {
    this.yaw = -0.62;
    this.pitch = 0.42;
    this.zoom = 1.3;
  }

  /** @param {number} right @param {number} down Radians. */
  turn(right, down) {
    this.yaw += right;
    this.pitch = Math.min(STEEPEST, Math.max(-STEEPEST, this.pitch + down));
  }

  magnify(by) {
    this.zoom = Math.min(8, Math.max(0.5, this.zoom * by));
  }

  /** Fits the box, in any turn, into a place in pixels. */
  place(width, height, radius) {
    this._middle = [width / 2, height / 2];
    this._scale = (this.zoom * Math.min(width / 1.35, height)) / (2 * radius);
    this._turns = [Math.cos(this.yaw), Math.sin(this.yaw), Math.cos(this.pitch), Math.sin(this.pitch)];
  }

  /** @returns {[number, number, number]} x, y in pixels; and how far away. */
  point(x, y, z) {
    const [cosYaw, sinYaw, cosPitch, sinPitch] = this._turns;
    const across = x * cosYaw + z * sinYaw;
    const away = z * cosYaw - x * sinYaw;
    const down = y * cosPitch - away * sinPitch;
    const depth = away * cosPitch + y * sinPitch;
    return [this._middle[0] + across * this._scale, this._middle[1] + down * this._scale, depth];
  }
}
