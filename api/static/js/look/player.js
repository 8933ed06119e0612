// The player: the views of a job's frames on a canvas, stepped frame by frame, with its controls.

import { h } from "../dom.js";
import { Compositor } from "./compositor.js";
import { controls } from "./controls.js";
import { MaskKey } from "./keying.js";
import { Pair } from "./pair.js";
import { StackedVideo } from "./stacked.js";

// A hand that clicks moves a little.
const DRAG_PX = 6;

const OPTIONS_KEY = "rotomill.look";

/**
 * A player in an element. Events: `frame` (another frame is on show), `picture` (it is painted), `look`, `state`, `trouble`.
 */
export class Player extends EventTarget {
  /**
   * @param {object} given
   * @param {string} given.url Of preview.mp4.
   * @param {string | null} given.beforeUrl Of the preview.mp4 of the job that this one corrects.
   * @param {import("./clock.js").FrameClock} given.clock
   * @param {import("./colors.js").Color[]} given.colors
   * @param {import("./colors.js").Color[]} [given.beforeColors]
   * @param {{width: number, height: number}} given.size The clip's, for a place that does not jump.
   * @param {boolean} given.hasSound
   * @param {AbortSignal} given.signal
   */
  constructor({ url, beforeUrl, clock, colors, beforeColors, size, hasSound, signal }) {
    super();
    this.clock = clock;
    this.video = new StackedVideo(url, clock, signal);
    this._key = new MaskKey(colors);
    this._pair = beforeUrl
      ? new Pair(this.video, new StackedVideo(beforeUrl, clock, signal), this._key, new MaskKey(beforeColors), signal)
      : null;
    this.canvas = h("canvas", { class: "player-canvas", "aria-hidden": "true", width: size.width, height: size.height });
    this._compositor = new Compositor(this.canvas);
    Object.assign(this._compositor.look, remembered(), this._pair ? { compare: "wipe" } : { compare: "after" });
    this._notice = h("p", { class: "player-notice", role: "status" }, "Loading the video…");
    this.stage = h(
      "div",
      {
        class: "player-stage",
        tabindex: "0",
        role: "group",
        "aria-label": "Video. Space plays and pauses, the arrow keys step by a frame.",
      },
      [this.video.video, this._pair?.before.video, this.canvas, this._pair && tags(this, signal), this._notice],
    );
    this.stage.style.aspectRatio = `${size.width} / ${size.height}`;
    this.element = h("div", { class: "player" }, this.stage);
    this.element.append(controls(this, { hasSound, compares: Boolean(this._pair), signal }));
    this._listen(signal);
  }

  get look() {
    return this._compositor.look;
  }

  get frame() {
    return Math.max(0, this.video.frame);
  }

  get isPlaying() {
    return this.video.isPlaying;
  }

  /** Changes how frames are shown: view, opacity, ground, compare, wipe. */
  change(look) {
    Object.assign(this._compositor.look, look);
    remember(this._compositor.look);
    this._draw();
    this.dispatchEvent(new Event("look"));
  }

  show(frame) {
    this.video.show(frame);
  }

  step(frames) {
    this.show(this.video.target + frames);
  }

  toggle() {
    if (this.isPlaying) this.video.pause();
    else this.video.play();
  }

  set speed(rate) {
    this.video.video.playbackRate = rate;
    this.video.video.defaultPlaybackRate = rate;
  }

  _listen(signal) {
    const heard = (name, then) => this.video.addEventListener(name, then, { signal });
    heard("frame", () => {
      this._draw();
      this.dispatchEvent(new Event("frame"));
    });
    heard("state", () => this.dispatchEvent(new Event("state")));
    heard("trouble", () => {
      this._notice.textContent = "The video could not be loaded. Reload the page to try again.";
      this._notice.hidden = false;
      this.dispatchEvent(new Event("trouble"));
    });
    this._pair?.addEventListener("pair", () => this._draw(), { signal });
    this.stage.addEventListener("click", () => this._wiped || this.toggle(), { signal });
    if (this._pair) this._listenToWipe(signal);
  }

  /** A drag over the picture moves the line between before and after. */
  _listenToWipe(signal) {
    let from = null;
    const on = (name, heard) => this.stage.addEventListener(name, heard, { signal });
    on("pointerdown", (event) => {
      from = event.clientX;
      this._wiped = false;
    });
    on("pointermove", (event) => {
      if (from === null || this.look.compare !== "wipe" || Math.abs(event.clientX - from) < DRAG_PX && !this._wiped) return;
      this._wiped = true;
      const { left, width } = this.stage.getBoundingClientRect();
      this.change({ wipe: Math.min(1, Math.max(0, (event.clientX - left) / width)) });
    });
    for (const name of ["pointerup", "pointercancel", "pointerleave"]) on(name, () => { from = null; });
  }

  _draw() {
    if (this.video.frame < 0 || this.video.video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
    this._notice.hidden = true;
    if (this._pair) {
      const both = this._pair.pictures();
      if (both) this._compositor.draw(both.after, both.before);
    } else {
      const needsMask = this.look.view !== "source";
      const mask = needsMask ? this._key.read(this.video.video, this.video.mask) : this.canvas;
      this._compositor.draw({ source: this.video.video, from: this.video.source, mask });
    }
    this.canvas.dataset.frame = String(this._pair?.frame ?? this.video.frame);
    this.dispatchEvent(new Event("picture"));
  }
}

/** The words on the picture that tell before from after. */
function tags(player, signal) {
  const [before, after] = ["Before", "After"].map((text) => h("span", { class: "stage-tag" }, text));
  const show = () => {
    const { compare } = player.look;
    before.hidden = compare === "after";
    after.hidden = compare === "before";
  };
  player.addEventListener("look", show, { signal });
  const made = h("div", { class: "stage-tags", "aria-hidden": "true" }, before, after);
  queueMicrotask(show);
  return made;
}

function remembered() {
  try {
    const { view, opacity, ground } = JSON.parse(localStorage.getItem(OPTIONS_KEY) ?? "{}");
    return Object.fromEntries(Object.entries({ view, opacity, ground }).filter(([, value]) => value !== undefined));
  } catch {
    return {};
  }
}

function remember({ view, opacity, ground }) {
  try {
    localStorage.setItem(OPTIONS_KEY, JSON.stringify({ view, opacity, ground }));
  } catch {
    // a browser that keeps nothing shows the usual view next time
  }
}
