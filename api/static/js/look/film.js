// Masks as they are made: pictures of a running job, shown one after another like a film, and a strip of small ones.

import { Problem, call, jobUrl } from "../api.js";
import { h } from "../dom.js";

const ASK_MILLISECONDS = 1000;
// after a failure, so that a service in trouble is left alone
const REST_MILLISECONDS = 5000;
const STRIP = 14;
// Of those that wait: after a reload all there are would be a long film.
const MOST_WAITING = 48;
// How long a picture stands: as many in a second as come, about five, and faster to catch up.
const LONGEST_MILLISECONDS = 200;
const SHORTEST_MILLISECONDS = 50;

/** The clip's first frame behind it all, so that one sees what is being worked on. */
function firstFrame(job, signal) {
  const image = h("img", { class: "film-first", src: `${jobUrl(job.id, "frames/0")}?width=960`, alt: "" });
  image.addEventListener("error", () => image.remove(), { signal });
  return image;
}

/** The film of a running job. */
export class Film {
  /** @param {object} job @param {AbortSignal} signal */
  constructor(job, signal) {
    this._id = job.id;
    this._signal = signal;
    this._after = -1;
    this._waiting = [];
    this._asking = false;
    this._running = false;
    this._canvas = h("canvas", { class: "film-canvas", role: "img", "aria-label": "The newest mask" });
    this._canvas.width = job.clip.width;
    this._canvas.height = job.clip.height;
    this._number = h("span", { class: "film-number numbers" });
    this._empty = h("p", { class: "film-empty" });
    const words = h("div", { class: "film-words" }, this._empty);
    const stage = h("div", { class: "film-stage" }, firstFrame(job, signal), this._canvas, words, this._number);
    stage.style.aspectRatio = `${job.clip.width} / ${job.clip.height}`;
    this._strip = h("ol", { class: "film-strip", "aria-label": "The last masks" });
    this.element = h("div", { class: "film" }, stage, this._strip);
    this._timers = new Set();
    signal.addEventListener("abort", () => this.stop());
  }

  /** Tells how the job stands: pictures are asked for while it makes masks. */
  update(job) {
    const running = job.status === "running" && ["segmenting", "encoding"].includes(job.stage);
    this._empty.textContent = job.status === "running" && job.stage === "fine_tuning"
      ? "The network learns what you drew. Masks appear here right after."
      : "Masks appear here while they are made.";
    if (running && !this._running) {
      this._running = true;
      this._soon(() => this._play(), 0);
    }
    this._running = running;
    if (running) this._ask();
  }

  stop() {
    this._running = false;
    for (const timer of this._timers) clearTimeout(timer);
    this._waiting = [];
  }

  _soon(act, milliseconds) {
    const timer = setTimeout(() => {
      this._timers.delete(timer);
      if (!this._signal.aborted) act();
    }, milliseconds);
    this._timers.add(timer);
  }

  async _ask() {
    if (this._asking || !this._running) return;
    this._asking = true;
    let rest = ASK_MILLISECONDS;
    try {
      const { frames } = await call("GET", `${jobUrl(this._id, "previews")}?after=${this._after}`, { signal: this._signal });
      if (frames.length) this._after = frames.at(-1);
      this._waiting.push(...frames);
      this._thin();
    } catch (error) {
      rest = Math.max(REST_MILLISECONDS, 1000 * (error.retryAfter ?? 0));
    }
    this._soon(() => {
      this._asking = false;
      this._ask();
    }, rest);
  }

  _thin() {
    const many = this._waiting.length;
    if (many <= MOST_WAITING) return;
    this._waiting = Array.from({ length: MOST_WAITING }, (_, index) =>
      this._waiting[Math.round((index * (many - 1)) / (MOST_WAITING - 1))]);
  }

  async _play() {
    if (!this._running && !this._waiting.length) return;
    const frame = this._waiting.shift();
    if (frame !== undefined) await this._showFrame(frame);
    const stands = LONGEST_MILLISECONDS - 12 * this._waiting.length;
    this._soon(() => this._play(), Math.max(SHORTEST_MILLISECONDS, stands));
  }

  async _showFrame(frame) {
    let picture;
    try {
      picture = await createImageBitmap(await call("GET", jobUrl(this._id, `previews/${frame}`), { signal: this._signal }));
    } catch (error) {
      // gone with the end of the job, or on its way: the next one comes
      if (!(error instanceof Problem) || error.status !== 404) this._waiting.splice(0, this._waiting.length - 1);
      return;
    }
    this._empty.hidden = true;
    this._canvas.width = picture.width;
    this._canvas.height = picture.height;
    this._canvas.getContext("2d").drawImage(picture, 0, 0);
    this._canvas.setAttribute("aria-label", `The mask in frame ${frame}`);
    this._canvas.dataset.frame = String(frame);
    this._number.textContent = `Frame ${frame}`;
    this._keep(frame, picture);
    picture.close();
  }

  _keep(frame, picture) {
    const small = h("canvas", { "aria-hidden": "true" });
    small.height = 54;
    small.width = Math.max(1, Math.round((54 * picture.width) / picture.height));
    small.getContext("2d").drawImage(picture, 0, 0, small.width, small.height);
    this._strip.append(h("li", {}, small, h("span", { class: "numbers" }, String(frame))));
    while (this._strip.childElementCount > STRIP) this._strip.firstElementChild.remove();
    this._strip.scrollLeft = this._strip.scrollWidth;
  }
}
