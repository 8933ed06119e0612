// A job as a card of the gallery: its poster, which plays when one looks at it, its name and how it stands.

import { jobUrl } from "../api.js";
import { bytes, h, icon, seconds } from "../dom.js";
import { deleted } from "./header.js";
import { STATUS, nameOf, resultUrl, when } from "./subject.js";

/** The card of a job; `update` when it has changed. */
export class Card {
  /** @param {object} job @param {{removed: (card: Card) => void, signal: AbortSignal}} given */
  constructor(job, { removed, signal }) {
    this.job = job;
    this._removed = removed;
    this._signal = signal;
    this._picture = h("div", { class: "card-picture" });
    this._badge = h("span", { class: "badge" });
    this._line = h("p", { class: "card-line muted numbers" });
    this._bar = h("progress", { max: "1", value: "0", "aria-label": `Progress of ${nameOf(job)}` });
    this._link = h("a", { class: "card-link", href: `#/jobs/${job.id}` }, nameOf(job));
    this._delete = h("button", {
      class: "icon", type: "button", "aria-label": `Delete ${nameOf(job)}`, title: "Delete", on: { click: () => this._remove() },
    }, icon("trash"));
    this.element = h("li", { class: "card job-card" }, this._picture,
      h("div", { class: "card-body" },
        h("div", { class: "card-top" }, h("h2", {}, this._link), this._badge), this._line, this._bar,
        h("div", { class: "card-actions" },
          h("a", { class: "button quiet", href: `#/new?like=${job.id}`, "aria-label": `Same settings as ${nameOf(job)}` }, icon("copy"), "Same settings"),
          this._delete)));
    const play = () => this._play();
    const rest = () => this._rest();
    for (const name of ["pointerenter", "focusin"]) this.element.addEventListener(name, play, { signal });
    for (const name of ["pointerleave", "focusout"]) this.element.addEventListener(name, rest, { signal });
    signal.addEventListener("abort", rest);
    this.update(job);
  }

  update(job) {
    const { label, kind } = STATUS[job.status];
    if (this._shown !== job.status) this._poster(job);
    this._shown = job.status;
    this.job = job;
    this._badge.textContent = label;
    this._badge.className = `badge ${kind}`;
    this._line.textContent = lineOf(job);
    this._bar.hidden = job.status !== "running";
    this._bar.value = job.progress;
    this._delete.hidden = job.status === "running";
  }

  _poster(job) {
    const { width = 16, height = 9 } = job.clip ?? {};
    this._picture.replaceChildren();
    if (has(job, "poster.jpg")) {
      const image = h("img", { src: resultUrl(job, "poster.jpg"), alt: "", loading: "lazy", width, height });
      image.addEventListener("error", () => image.replaceWith(icon("film")), { once: true });
      this._picture.append(image);
    } else {
      this._picture.append(icon("film"));
      if (["queued", "running"].includes(job.status)) this._firstFrame(job, width, height);
    }
  }

  /** While there is no poster, what is being worked on. */
  _firstFrame(job, width, height) {
    const image = h("img", { src: `${jobUrl(job.id, "frames/0")}?width=480`, alt: "", loading: "lazy", width, height });
    image.addEventListener("error", () => image.remove(), { once: true });
    this._picture.append(image);
  }

  _play() {
    const name = ["overlay.mp4", "preview.mp4"].find((wanted) => has(this.job, wanted));
    const calm = matchMedia("(prefers-reduced-motion: reduce), (hover: none)").matches;
    if (this._video || !name || calm) return;
    const video = h("video", { src: resultUrl(this.job, name), muted: true, playsinline: true, loop: true, tabindex: "-1", "aria-hidden": "true", class: name === "preview.mp4" ? "is-stacked" : "" });
    video.muted = true;
    video.addEventListener("playing", () => video.classList.add("is-playing"), { once: true });
    this._video = video;
    this._picture.append(video);
    video.play().catch(() => this._video === video && this._rest());
  }

  _rest() {
    const video = this._video;
    if (!video) return;
    this._video = null;
    video.pause();
    video.removeAttribute("src");
    video.load();
    video.remove();
  }

  async _remove() {
    if (await deleted(this.job, this._signal)) this._removed(this);
  }
}

function has(job, name) {
  return job.results.some((result) => result.name === name);
}

function lineOf(job) {
  const clip = job.clip ?? {};
  if (job.status === "running") {
    const left = job.eta_seconds === null ? "" : ` · about ${seconds(Math.max(1, job.eta_seconds))} left`;
    return `${job.refines ? "Correction · " : ""}${Math.floor(100 * job.progress)} %${left}`;
  }
  if (job.status === "queued") return job.queue_position ? `Number ${job.queue_position} in the queue` : "In the queue";
  const parts = [when(job.created_at), `${clip.width}×${clip.height}`, `${clip.frames} frames`];
  if (job.refines) parts.unshift("Correction");
  const size = job.results.reduce((sum, result) => sum + result.bytes, 0);
  if (size) parts.push(bytes(size));
  return parts.join(" · ");
}
