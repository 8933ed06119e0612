// How evenly frames come while a stroke is drawn; left in the browser's performance timeline as "rotomill-stroke".

const LEAST_FRAMES = 10;

export class Pace {
  begin() {
    this.startedAt = performance.now();
    this.frames = [];
  }

  /** A frame has been painted. */
  tick(now) {
    this.frames?.push(now);
  }

  end() {
    const { frames, startedAt } = this;
    this.frames = null;
    if (!frames || frames.length < LEAST_FRAMES) return;
    const gaps = frames.slice(1).map((now, at) => now - frames[at]);
    const milliseconds = gaps.reduce((sum, gap) => sum + gap, 0);
    const detail = { frames: frames.length, fps: (1000 * gaps.length) / milliseconds, worst: Math.max(...gaps) };
    performance.clearMeasures("rotomill-stroke");
    performance.measure("rotomill-stroke", { start: startedAt, end: performance.now(), detail });
  }
}
