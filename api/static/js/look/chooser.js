// Which frame of a clip is worked on: a slider, a number, steps, and the way to the doubtful ones.

import { h, icon } from "../dom.js";

// A slider that is being moved asks for no picture before it rests.
const REST_MILLISECONDS = 180;

/** Chooses a frame. */
export class FrameChooser {
  /**
   * @param {object} given
   * @param {number} given.frames
   * @param {import("./doubt.js").Doubts | null} given.doubts
   * @param {(frame: number) => void} given.choose
   * @param {AbortSignal} given.signal
   */
  constructor({ frames, doubts, choose, signal }) {
    this._last = frames - 1;
    this._doubts = doubts;
    this._choose = choose;
    this._frame = 0;
    const last = String(this._last);
    this._slider = h("input", { type: "range", min: "0", max: last, value: "0", "aria-label": "Frame" });
    this._number = h("input", { type: "number", min: "0", max: last, step: "1", value: "0", "aria-label": `Frame, 0 to ${last}` });
    this._why = h("span", { class: "timeline-why", role: "status" });
    this.element = h("div", { class: "chooser" },
      h("div", { class: "row" }, this._step("previous", "Previous frame", () => this._frame - 1), this._number,
        h("span", { class: "muted numbers" }, `/ ${last}`), this._step("next", "Next frame", () => this._frame + 1),
        ...this._doubtful(), this._why),
      this._slider);
    this._listen(signal);
  }

  show(frame, { loading }) {
    this._frame = frame;
    this._slider.value = this._number.value = String(frame);
    const reasons = this._doubts?.reasons(frame) ?? [];
    const text = loading ? "Loading…" : reasons.length ? `Doubtful: ${reasons.join(", ")}` : "";
    this._why.textContent = text;
    this._why.classList.toggle("warn", !loading && reasons.length > 0);
  }

  _listen(signal) {
    let timer = 0;
    this._slider.addEventListener("input", () => {
      this._number.value = this._slider.value;
      clearTimeout(timer);
      timer = setTimeout(() => signal.aborted || this._choose(this._slider.valueAsNumber), REST_MILLISECONDS);
    }, { signal });
    this._number.addEventListener("change", () => {
      if (Number.isFinite(this._number.valueAsNumber)) this._choose(this._number.valueAsNumber);
    }, { signal });
  }

  _step(name, label, frame) {
    const go = () => {
      const wanted = frame();
      if (wanted !== null && wanted >= 0 && wanted <= this._last) this._choose(wanted);
    };
    return h("button", { class: "icon", type: "button", "aria-label": label, title: label, on: { click: go } }, icon(name));
  }

  _doubtful() {
    const doubts = this._doubts;
    if (!doubts?.runs.length) return [];
    const button = (label, frame) => h("button", {
      class: "button", type: "button", on: { click: () => { const wanted = frame(); if (wanted !== null) this._choose(wanted); } },
    }, icon("warning"), label);
    return [button("Previous doubtful", () => doubts.previous(this._frame)), button("Next doubtful", () => doubts.next(this._frame))];
  }
}
