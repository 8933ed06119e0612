// Which frame is drawn on: a slider, its number, a step back or on, and those that have a mask.

import { h, icon } from "../dom.js";

const REST_MILLISECONDS = 150; // a slider that is dragged asks for a frame only where it rests

export class FrameBar {
  /** @param {{onGo: (number: number) => void}} given */
  constructor({ onGo }) {
    this.onGo = onGo;
    this.last = 0;
    this.current = 0;
    const step = (name, words, by) => h("button", { type: "button", class: "button icon", title: words, "aria-label": words, on: { click: () => this.#ask(this.current + by) } }, icon(name));
    this.slider = h("input", { type: "range", min: "0", max: "0", value: "0", step: "1", "aria-label": "Frame", on: { input: () => this.#slide() } });
    this.number = h("input", { type: "number", min: "0", max: "0", value: "0", inputmode: "numeric", "aria-label": "Frame number", on: { change: () => this.#ask(Number(this.number.value)) } });
    this.of = h("span", { class: "muted numbers" });
    this.before = step("previous", "Previous frame", -1);
    this.after = step("next", "Next frame", 1);
    this.drawn = h("div", { class: "frame-drawn" });
    this.note = h("p", { class: "frame-note muted", role: "status" });
    this.element = h("div", { class: "frame-bar", role: "group", "aria-label": "Frame to draw on" },
      h("div", { class: "frame-line" }, this.before, this.slider, this.after, h("span", { class: "frame-number" }, this.number, this.of)),
      h("div", { class: "frame-foot" }, this.note, this.drawn));
    this.enable(0, "Other frames can be drawn on too, as soon as the clip has arrived.");
  }

  /** @param {number} frames there are; none, and only the first can be had */
  enable(frames, note) {
    this.last = Math.max(0, frames - 1);
    for (const input of [this.slider, this.number]) input.max = String(this.last);
    for (const control of [this.slider, this.number, this.before, this.after]) control.disabled = frames < 2;
    this.of.textContent = frames ? `of 0–${this.last}` : "";
    this.note.textContent = note;
  }

  say(text) {
    this.note.textContent = text;
  }

  /** @param {number} current @param {number[]} drawn */
  show(current, drawn) {
    this.current = current;
    this.slider.value = String(current);
    this.number.value = String(current);
    const chips = drawn.map((number) => h("button", {
      type: "button", class: "button frame-chip numbers", "aria-pressed": String(number === current), on: { click: () => this.#ask(number) },
    }, `${number}`));
    this.drawn.replaceChildren(...(chips.length > 1 || (chips.length && drawn[0] !== current) ? [h("span", { class: "muted" }, "Drawn:"), ...chips] : []));
  }

  #slide() {
    clearTimeout(this.rest);
    this.number.value = this.slider.value;
    this.rest = setTimeout(() => this.#ask(Number(this.slider.value)), REST_MILLISECONDS);
  }

  #ask(number) {
    clearTimeout(this.rest);
    const wanted = Math.min(this.last, Math.max(0, Math.round(number) || 0));
    this.number.value = String(wanted);
    this.slider.value = String(wanted);
    if (wanted !== this.current) this.onGo(wanted);
  }
}
