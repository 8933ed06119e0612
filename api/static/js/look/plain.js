// What a job shows that has no preview.mp4, such as one made by another program: its overlay, or its poster.

import { h } from "../dom.js";

/**
 * A player of the overlay alone, with what a timeline wants: `frame`, `show`, `step`, and the event `frame`.
 */
export class PlainPlayer extends EventTarget {
  /**
   * @param {import("./subject.js").Subject} subject
   * @param {import("./clock.js").FrameClock} clock
   * @param {AbortSignal} signal
   */
  constructor(subject, clock, signal) {
    super();
    this.clock = clock;
    this.frame = 0;
    const { width, height } = subject.job.clip;
    this.element = h("div", { class: "player plain" });
    if (subject.has("overlay.mp4")) this.element.append(this._video(subject, signal));
    else if (subject.has("poster.jpg")) {
      this.element.append(h("img", { src: subject.url("poster.jpg"), alt: "The frame that shows most of the object", width, height }));
    }
    this.element.append(h("p", { class: "muted player-why" }, "This job was made without the file for the full player. ",
      h("a", { href: `#/new?like=${subject.job.id}` }, "Make it again with the same settings"),
      " to see source, mask and cutout too, frame by frame."));
  }

  get isPlaying() {
    return Boolean(this.video && !this.video.paused && !this.video.ended);
  }

  show(frame) {
    const wanted = Math.min(this.clock.frames - 1, Math.max(0, Math.round(frame)));
    if (this.video) {
      this.video.pause();
      this.video.currentTime = this.clock.middle(wanted, this.video.duration);
    }
    this._tell(wanted);
  }

  step(frames) {
    this.show(this.frame + frames);
  }

  toggle() {
    if (!this.video) return;
    if (this.video.paused) this.video.play().catch(() => {});
    else this.video.pause();
  }

  /** How frames are shown cannot be changed here. */
  change() {}

  _video(subject, signal) {
    const { width, height } = subject.job.clip;
    this.video = h("video", {
      controls: true, playsinline: true, preload: "metadata", width, height,
      src: subject.url("overlay.mp4"), "aria-label": "Overlay",
      poster: subject.has("poster.jpg") ? subject.url("poster.jpg") : null,
    });
    this.video.style.aspectRatio = `${width} / ${height}`;
    const tell = () => this._tell(this.clock.at(this.video.currentTime));
    for (const name of ["timeupdate", "seeked"]) this.video.addEventListener(name, tell, { signal });
    signal.addEventListener("abort", () => {
      this.video.pause();
      this.video.removeAttribute("src");
    });
    return this.video;
  }

  _tell(frame) {
    if (frame === this.frame) return;
    this.frame = frame;
    this.dispatchEvent(new Event("frame"));
  }
}
