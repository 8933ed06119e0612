// Frames in which a mask may be wrong: an object is absent, its confidence is low, or its area jumps.

const LOW_CONFIDENCE = 0.6;
// below what is usual in this clip, where that is low already
const FAR_BELOW_USUAL = 0.25;
// between two frames; a ball that comes nearer, or a limb that appears, changes less
const AREA_JUMP = 1.5;
// parts of the picture: what is smaller changes by a few pixels from noise alone
const SMALL_AREA = 0.0004;

/** @typedef {{first: number, last: number, reasons: string[]}} Run Doubtful frames in a row, and why. */

/** The doubtful frames of a track. */
export class Doubts {
  /**
   * @param {import("./track.js").Track} track
   * @param {number[]} annotated Frames that a person has drawn: never doubtful.
   */
  constructor(track, annotated = []) {
    this._track = track;
    this._drawn = new Set(annotated);
    /** 1 for each frame in doubt. */
    this.marks = new Uint8Array(track.frames);
    this._limits = Array.from({ length: track.objects }, (_, index) => confidenceLimit(track.of(index + 1)));
    for (let frame = 0; frame < track.frames; frame++) {
      this.marks[frame] = this.reasons(frame).length ? 1 : 0;
    }
    /** @type {Run[]} */
    this.runs = this._runs();
  }

  /** Why a frame is in doubt, a sentence for each reason; empty where it is not. */
  reasons(frame) {
    if (this._drawn.has(frame)) return [];
    const found = [];
    for (let object = 1; object <= this._track.objects; object++) {
      const why = this._reason(this._track.of(object), frame, this._limits[object - 1]);
      if (why) found.push(this._track.objects > 1 ? `object ${object} ${why}` : why);
    }
    return found;
  }

  _reason(series, frame, limit) {
    if (!series.present[frame]) return "absent";
    if (series.confidence[frame] < limit) return "low confidence";
    if (frame === 0 || !series.present[frame - 1]) return "";
    const ratio = series.area[frame] / series.area[frame - 1];
    const large = SMALL_AREA * this._track.width * this._track.height;
    const jumps = ratio > AREA_JUMP || ratio < 1 / AREA_JUMP;
    return jumps && Math.max(series.area[frame], series.area[frame - 1]) > large ? "sudden change of area" : "";
  }

  _runs() {
    const runs = [];
    for (let frame = 0; frame < this.marks.length; frame++) {
      if (!this.marks[frame]) continue;
      const last = runs.at(-1);
      const reasons = this.reasons(frame);
      if (last && last.last === frame - 1 && same(last.reasons, reasons)) last.last = frame;
      else runs.push({ first: frame, last: frame, reasons });
    }
    return runs;
  }

  /** The nearest beginning of a doubtful run after a frame, or null. */
  next(frame) {
    return this.runs.find((run) => run.first > frame)?.first ?? null;
  }

  /** The nearest beginning of a doubtful run before a frame, or null. */
  previous(frame) {
    return this.runs.findLast((run) => run.first < frame)?.first ?? null;
  }
}

function confidenceLimit(series) {
  const known = series.confidence.filter((_, frame) => series.present[frame]).sort();
  const usual = known.length ? known[known.length >> 1] : 1;
  return Math.min(LOW_CONFIDENCE, usual - FAR_BELOW_USUAL);
}

function same(one, other) {
  return one.length === other.length && one.every((reason, index) => reason === other[index]);
}
