// When each frame of a clip is shown, and which frame is shown at a time; rates may vary.

/** Frame numbers and seconds, each from the other. */
export class FrameClock {
  /** @param {Float64Array | number[]} times Seconds at which each frame begins, rising. */
  constructor(times) {
    this.times = times;
    this.frames = times.length;
  }

  /** A clock for a clip whose times nobody has written down: a steady rate, such as "24000/1001". */
  static steady(frames, rate) {
    const [above, below = "1"] = String(rate || "25").split("/");
    const seconds = Number(below) / Number(above) || 0.04;
    return new FrameClock(Float64Array.from({ length: Math.max(1, frames) }, (_, index) => index * seconds));
  }

  /** The frame whose beginning is nearest: for times that a decoder gives with a picture. */
  nearest(time) {
    const before = this.at(time);
    const after = Math.min(before + 1, this.frames - 1);
    return Math.abs(this.times[after] - time) < Math.abs(time - this.times[before]) ? after : before;
  }

  /** The frame on show at a time: the last that has begun. */
  at(time) {
    let low = 0;
    let high = this.frames - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.times[middle] <= time + 1e-6) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** The middle of a frame's time: a seek there shows this frame however the player rounds. */
  middle(frame, duration = NaN) {
    const begins = this.times[frame];
    if (frame + 1 < this.frames) return (begins + this.times[frame + 1]) / 2;
    const usual = frame > 0 ? begins - this.times[frame - 1] : 0.04;
    const ends = duration > begins ? Math.min(duration, begins + usual) : begins + usual;
    return (begins + ends) / 2;
  }
}
