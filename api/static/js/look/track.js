// The track of a job as arrays by object and frame: quick to draw, quick to look up.

import { FrameClock } from "./clock.js";

/**
 * @typedef {object} Point One object in one frame.
 * @property {boolean} present
 * @property {[number, number] | null} centroid Pixels from the top left.
 * @property {[number, number, number, number] | null} box x, y, width, height.
 * @property {number} area Pixels.
 * @property {number} confidence 0 to 1.
 */

/** What `track.json` says, in typed arrays. Objects count from 1, frames from 0. */
export class Track {
  /** @param {object} json The parsed `track.json`. */
  constructor(json) {
    this.width = json.width;
    this.height = json.height;
    this.objects = json.objects;
    this.frames = json.frames;
    const times = new Float64Array(this.frames);
    this._series = Array.from({ length: this.objects }, () => new Series(this.frames));
    for (const point of json.points) {
      times[point.frame] = point.time_seconds;
      this._series[point.object - 1].take(point);
    }
    this.clock = new FrameClock(rising(times));
  }

  /** Seconds from the clip's start at which a frame is shown. */
  time(frame) {
    return this.clock.times[frame];
  }

  /** The arrays of an object: area, confidence, present, x, y, box. */
  of(object) {
    return this._series[object - 1];
  }

  /** @returns {Point} */
  at(frame, object) {
    return this.of(object).at(frame);
  }
}

/** Times as they must be: jobs of earlier versions have none for a clip's last frames. */
function rising(times) {
  for (let frame = 1; frame < times.length; frame++) {
    const step = frame > 1 ? times[frame - 1] - times[frame - 2] : 0.04;
    if (!(times[frame] > times[frame - 1])) times[frame] = times[frame - 1] + step;
  }
  return times;
}

class Series {
  constructor(frames) {
    this.area = new Float32Array(frames);
    this.confidence = new Float32Array(frames);
    this.present = new Uint8Array(frames);
    this.x = new Float32Array(frames).fill(NaN);
    this.y = new Float32Array(frames).fill(NaN);
    this.box = new Float32Array(4 * frames);
  }

  take(point) {
    const frame = point.frame;
    this.area[frame] = point.area;
    this.confidence[frame] = point.confidence;
    this.present[frame] = point.present ? 1 : 0;
    if (!point.present) return;
    [this.x[frame], this.y[frame]] = point.centroid;
    this.box.set(point.box, 4 * frame);
  }

  at(frame) {
    const present = this.present[frame] === 1;
    return {
      present,
      centroid: present ? [this.x[frame], this.y[frame]] : null,
      box: present ? [...this.box.subarray(4 * frame, 4 * frame + 4)] : null,
      area: this.area[frame],
      confidence: this.confidence[frame],
    };
  }
}
