// preview.mp4 as frames: a hidden video whose top half is the source and whose bottom half is the mask.

// A browser that has sought but shows no new picture has shown it already.
const PICTURE_MILLISECONDS = 160;

/**
 * Plays the stacked video and tells which frame is on show.
 *
 * Events: `ready` (its size is known), `frame` (`frame` is on show now), `state` (playing or not), `trouble`.
 */
export class StackedVideo extends EventTarget {
  /**
   * @param {string} url
   * @param {import("./clock.js").FrameClock} clock
   * @param {AbortSignal} signal Lets go of the file.
   */
  constructor(url, clock, signal) {
    super();
    this.clock = clock;
    /** The frame on show; -1 before the first. */
    this.frame = -1;
    this._wanted = null;
    this._asked = null;
    this._seeking = null;
    this._shown = 0;
    this.video = element(url);
    this._listen(signal);
  }

  get isPlaying() {
    return !this.video.paused && !this.video.ended;
  }

  /** The frame that was asked for last, or on show where it plays. Between a seek and its picture they differ. */
  get target() {
    return this._asked ?? Math.max(0, this.frame);
  }

  /** x, y, width, height of the source in the video. */
  get source() {
    return [0, 0, this.video.videoWidth, this.video.videoHeight >> 1];
  }

  /** x, y, width, height of the mask in the video. */
  get mask() {
    const half = this.video.videoHeight >> 1;
    return [0, half, this.video.videoWidth, half];
  }

  /** Shows a frame, and stops there. */
  show(frame) {
    this.video.pause();
    this._wanted = this._asked = Math.min(this.clock.frames - 1, Math.max(0, Math.round(frame)));
    this._seek();
  }

  async play() {
    if (this.target >= this.clock.frames - 1) this.video.currentTime = 0;
    this._wanted = this._asked = null;
    this._seeking = null;
    try {
      await this.video.play();
    } catch (error) {
      if (error.name === "NotAllowedError" && !this.video.muted) {
        this.video.muted = true;
        await this.video.play().catch(() => {});
      }
    }
  }

  pause() {
    // where it stops, it stops on a frame, not between two
    if (this.isPlaying) this.show(Math.max(0, this.frame));
  }

  _seek() {
    if (this._seeking !== null || this._wanted === null) return;
    if (this.video.readyState < HTMLMediaElement.HAVE_METADATA) return;
    if (this._wanted === this.frame && !this.video.seeking && this._isAt(this.frame)) {
      this._wanted = null;
      this._tell(this.frame);
      return;
    }
    this._seeking = this._wanted;
    this.video.currentTime = this.clock.middle(this._wanted, this.video.duration);
  }

  _isAt(frame) {
    return this.clock.at(this.video.currentTime) === frame;
  }

  _listen(signal) {
    const on = (name, heard) => this.video.addEventListener(name, heard, { signal });
    on("loadedmetadata", () => {
      this.dispatchEvent(new Event("ready"));
      this._wanted ??= 0;
      this._seek();
    });
    on("error", () => this.dispatchEvent(new Event("trouble")));
    for (const name of ["play", "pause", "ended"]) on(name, () => this.dispatchEvent(new Event("state")));
    on("seeked", () => this._arrived());
    on("ended", () => this._tell(this.clock.frames - 1));
    this._watch(signal);
    signal.addEventListener("abort", () => {
      this.video.pause();
      this.video.removeAttribute("src");
      this.video.load();
      this.video.remove();
    });
  }

  _watch(signal) {
    if (this.video.requestVideoFrameCallback) {
      const see = (_now, { mediaTime }) => {
        if (signal.aborted) return;
        this._shown += 1;
        this._tell(this.clock.nearest(mediaTime));
        this.video.requestVideoFrameCallback(see);
      };
      this.video.requestVideoFrameCallback(see);
      return;
    }
    const look = () => {
      if (signal.aborted) return;
      if (this.isPlaying && !this.video.seeking) this._tell(this.clock.at(this.video.currentTime));
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }

  _arrived() {
    const arrived = this._seeking;
    this._seeking = null;
    if (arrived === null) return;
    if (this._wanted !== arrived) {
      this._seek();
      return;
    }
    this._wanted = null;
    if (!this.video.requestVideoFrameCallback) {
      this._tell(arrived);
      return;
    }
    const shown = this._shown;
    setTimeout(() => {
      if (shown === this._shown && this._wanted === null && this._seeking === null && !this.isPlaying) {
        this._tell(arrived);
      }
    }, PICTURE_MILLISECONDS);
  }

  _tell(frame) {
    this.frame = frame;
    this.dispatchEvent(new Event("frame"));
  }
}

function element(url) {
  const video = document.createElement("video");
  video.src = url;
  video.preload = "auto";
  video.playsInline = true;
  video.muted = false;
  video.className = "hidden-video";
  video.tabIndex = -1;
  video.setAttribute("aria-hidden", "true");
  return video;
}
