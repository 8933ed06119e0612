// Two stacked videos in step: a correction and the job that it corrects, picture by picture of the same frame.

import { MaskKey } from "./keying.js";

// Pictures of each that wait for the same frame of the other.
const KEPT = 5;
// Frames apart at which running faster or slower would take too long.
const FAR = 8;
const NUDGE = 0.12;

/** Keeps the video of before at the frame of after. Event: `pair` (both pictures of a frame are there). */
export class Pair extends EventTarget {
  /**
   * @param {import("./stacked.js").StackedVideo} after It leads.
   * @param {import("./stacked.js").StackedVideo} before It follows.
   * @param {MaskKey} afterKey @param {MaskKey} beforeKey
   * @param {AbortSignal} signal
   */
  constructor(after, before, afterKey, beforeKey, signal) {
    super();
    this.after = after;
    this.before = before;
    before.video.muted = true;
    this._kept = { after: new Kept(after, afterKey), before: new Kept(before, beforeKey) };
    /** The frame of the last pair. */
    this.frame = -1;
    this._listen(signal);
  }

  /** The newest frame of which both pictures are there, or null. */
  pictures() {
    const both = this._kept.after.newest((frame) => this._kept.before.has(frame));
    if (both === null) return null;
    this.frame = both;
    const after = this._kept.after.get(both);
    // the source is the same clip: of before its mask is enough
    const before = { ...after, mask: this._kept.before.get(both).mask };
    return { after, before };
  }

  _listen(signal) {
    const { after, before } = this;
    after.addEventListener("frame", () => this._lead(), { signal });
    before.addEventListener("frame", () => this._take(this._kept.before), { signal });
    after.video.addEventListener("seeking", () => !after.isPlaying && before.show(after.target), { signal });
    after.addEventListener("state", () => this._follow(), { signal });
    after.video.addEventListener("ratechange", () => this._pace(), { signal });
  }

  _lead() {
    this._take(this._kept.after);
    if (this.after.isPlaying) this._pace();
    else if (this.before.target !== this.after.frame) this.before.show(this.after.frame);
  }

  _take(kept) {
    kept.take();
    if (this._kept.after.newest((frame) => this._kept.before.has(frame)) !== null) {
      this.dispatchEvent(new Event("pair"));
    }
  }

  _follow() {
    if (!this.after.isPlaying) {
      this.before.show(this.after.target);
      return;
    }
    this.before.video.currentTime = this.after.video.currentTime;
    this.before.video.playbackRate = this.after.video.playbackRate;
    this.before.play();
  }

  _pace() {
    const apart = this.before.frame - this.after.frame;
    const rate = this.after.video.playbackRate;
    if (Math.abs(apart) > FAR) this.before.video.currentTime = this.after.video.currentTime;
    const nudge = Math.abs(apart) < 1 ? 0 : Math.sign(apart) * NUDGE;
    this.before.video.playbackRate = rate * (1 - nudge);
    if (this.after.isPlaying && !this.before.isPlaying && !this.before.video.ended) this.before.play();
  }
}

/** The last pictures of a video by their frames, in canvases that are used again. */
class Kept {
  constructor(stacked, key) {
    this._stacked = stacked;
    this._key = key;
    this._pictures = [];
  }

  take() {
    const { frame, video, source, mask } = this._stacked;
    if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || !source[2]) return;
    const old = this._pictures.findIndex((picture) => picture.frame === frame);
    const place = old >= 0 ? old : this._pictures.length < KEPT ? -1 : 0;
    const used = place >= 0 ? this._pictures.splice(place, 1)[0] : { source: canvas(), mask: canvas() };
    const [x, y, width, height] = source;
    used.source.width = width;
    used.source.height = height;
    used.source.getContext("2d").drawImage(video, x, y, width, height, 0, 0, width, height);
    this._key.read(video, mask, used.mask);
    this._pictures.push({ ...used, frame, from: [0, 0, width, height] });
  }

  has(frame) {
    return this._pictures.some((picture) => picture.frame === frame);
  }

  get(frame) {
    return this._pictures.find((picture) => picture.frame === frame);
  }

  newest(accepts) {
    return this._pictures.findLast((picture) => accepts(picture.frame))?.frame ?? null;
  }
}

function canvas() {
  return document.createElement("canvas");
}
