// The frames that a person has corrected so far: kept until they are sent together.

import { h, icon } from "../dom.js";
import { indexedPng } from "../draw/png.js";

const PRESETS = [["", "As before"], ["fast", "Fast"], ["balanced", "Balanced"], ["best", "Best"]];

/**
 * Labels by frame, of each job that is being corrected: who looks at the job meanwhile finds them again.
 * Null stands for a frame that is on show and being drawn.
 * @type {Map<string, Map<number, Uint8Array | null>>}
 */
const drafts = new Map();

/** The list of corrected frames with the button that sends them. */
export class Corrections {
  /**
   * @param {object} given
   * @param {object} given.job The job that is corrected.
   * @param {() => Promise<void>} given.send
   * @param {(frame: number) => void} given.open @param {(frame: number) => void} given.forget
   */
  constructor({ job, send, open, forget }) {
    this._job = job;
    this._open = open;
    this._forget = forget;
    this._frames = drafts.get(job.id) ?? new Map();
    drafts.set(job.id, this._frames);
    this._current = -1;
    this._isSending = false;
    this._list = h("ul", { class: "correction-list" });
    this._empty = h("p", { class: "muted" }, "Nothing is corrected yet.");
    this._preset = h("select", { id: "correction-preset" }, PRESETS.map(([value, label]) => h("option", { value }, label)));
    this._error = h("p", { class: "error", role: "alert" });
    this._button = h("button", { class: "button primary", type: "button", disabled: true, on: { click: () => this._sent(send) } }, icon("check"), "Send the correction");
    this.element = h("section", { class: "card", "aria-labelledby": "corrections-title" },
      h("h2", { id: "corrections-title" }, "Corrected frames"), this._empty, this._list,
      h("div", { class: "field" }, h("label", { for: "correction-preset" }, "Preset"), this._preset,
        h("span", { class: "hint" }, `It was ${job.options.preset ?? "balanced"}. The new job goes on from the network that has learnt already.`)),
      this._error, h("div", { class: "row" }, this._button));
    this._renew();
  }

  /** How many frames are corrected. */
  get size() {
    return this._frames.size;
  }

  /** What the frame's mask is by now, or undefined where it is not corrected. */
  labels(frame) {
    return this._frames.get(frame) ?? undefined;
  }

  /** Says that the frame is being corrected. */
  note(frame) {
    this._renew();
    if (this._frames.has(frame)) return;
    this._frames.set(frame, null);
    this._show();
  }

  /** Takes what is drawn on a frame, and keeps it as it is. */
  keep(frame, labels) {
    this._frames.set(frame, labels);
    this._show();
  }

  drop(frame) {
    this._frames.delete(frame);
    this._renew();
    this._show();
  }

  clear() {
    this._frames.clear();
    this._show();
  }

  current(frame) {
    this._current = frame;
    this._show();
  }

  complain(text) {
    this._error.textContent = text;
  }

  /** What is sent to refine the job. */
  async form() {
    const form = new FormData();
    const { width, height } = this._job.clip;
    for (const [frame, labels] of [...this._frames].sort(([one], [other]) => one - other)) {
      if (labels) form.append(`mask_${frame}`, await indexedPng(labels, width, height), `mask_${frame}.png`);
    }
    const outputs = [...new Set([...(this._job.options.outputs ?? []), "preview.mp4", "masks.zip", "track.json"])];
    const preset = this._preset.value ? { preset: this._preset.value } : {};
    form.append("options", JSON.stringify({ outputs, ...preset }));
    return form;
  }

  /** The same for a request that is sent again, another one as soon as something has changed. */
  get key() {
    return `${this._key}-${this._preset.value}`;
  }

  _renew() {
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    this._key = `page-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  }

  async _sent(send) {
    this._error.textContent = "";
    this._isSending = true;
    this._button.disabled = true;
    this._button.replaceChildren("Sending…");
    await send();
    this._isSending = false;
    this._button.replaceChildren(icon("check"), "Send the correction");
    this._show();
  }

  _show() {
    const frames = [...this._frames.keys()].sort((one, other) => one - other);
    this._empty.hidden = frames.length > 0;
    this._button.disabled = this._isSending || frames.length === 0;
    this._list.replaceChildren(...frames.map((frame) => h("li", {},
      h("button", { class: "button", type: "button", "aria-current": frame === this._current ? "true" : null, on: { click: () => this._open(frame) } }, `Frame ${frame}`),
      h("button", { class: "icon", type: "button", "aria-label": `Leave frame ${frame} as it was`, title: "Leave it as it was", on: { click: () => this._forget(frame) } }, icon("close")))));
  }
}
