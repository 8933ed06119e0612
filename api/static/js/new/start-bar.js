// The button that makes the job, what stands in its way, and how long the job will take.

import { h, icon, seconds } from "../dom.js";

export class StartBar {
  /** @param {{onStart: () => void, onStop: () => void, onGo: (frame: number) => void}} given */
  constructor({ onStart, onStop, onGo }) {
    this.given = { onStart, onStop };
    this.button = h("button", { type: "button", class: "button primary start-button", "aria-describedby": "start-problem", on: { click: () => (this.isQueued ? onStop() : onStart()) } });
    this.time = h("p", { class: "start-time muted numbers" });
    this.problem = h("p", { class: "error", role: "alert", id: "start-problem" });
    this.lead = h("button", { type: "button", class: "button", hidden: true, on: { click: () => onGo(this.frame) } });
    this.element = h("div", { class: "start-bar" }, this.problem, this.lead, this.button, this.time);
    this.stop();
  }

  get hasProblem() {
    return this.problem.textContent !== "";
  }

  /** @param {{text: string, frame?: number} | null} problem with the frame where it can be mended @param {number} [current] the one that is shown */
  say(problem, current) {
    const text = problem?.text ?? "";
    if (this.problem.textContent !== text) this.problem.textContent = text;
    this.frame = problem?.frame;
    this.lead.hidden = this.frame === undefined;
    this.lead.textContent = this.frame === current ? "Go to the drawing" : `Go to frame ${this.frame}`;
  }

  /** The clip is still on its way: the job starts by itself when it is there. */
  queue(upload) {
    this.isQueued = true;
    this.showUpload(upload);
  }

  showUpload(upload) {
    if (!this.isQueued || this.isSending) return;
    const share = Math.floor((100 * upload.sent) / upload.total);
    this.#label(null, "Do not start yet");
    this.time.textContent = `Starts by itself when the clip has arrived (${share} %).`;
  }

  send() {
    this.isQueued = false;
    this.isSending = true;
    this.button.disabled = true;
    this.#label(null, "Starting …");
  }

  stop() {
    this.isQueued = false;
    this.isSending = false;
    this.button.disabled = false;
    this.#label("play", "Start");
    this.showTime(this.expected);
  }

  showTime(expected) {
    this.expected = expected;
    if (!this.isQueued) this.time.textContent = expected ? `Takes about ${seconds(expected)}.` : "";
  }

  #label(picture, words) {
    if (this.button.textContent !== words) this.button.replaceChildren(...(picture ? [icon(picture)] : []), words);
  }
}
