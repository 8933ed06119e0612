// What the job shall be: how much time it may take, which files come of it, its colour and its name.

import { call } from "../api.js";
import { h, seconds } from "../dom.js";

// The page itself shows these; nobody has to ask for them.
const ALWAYS = ["preview.mp4", "masks.zip", "track.json", "poster.jpg"];
const OFFERED = [
  { name: "overlay.mp4", words: "Overlay video", isUsual: true },
  { name: "alpha.mov", words: "Cut out, ProRes 4444 (.mov)" },
  { name: "alpha.webm", words: "Cut out, VP9 with alpha (.webm)" },
  { name: "track.csv", words: "Track as a table (.csv)" },
  { name: "rle.json", words: "Masks for COCO (.json)" },
];
const PRESETS = [
  { name: "fast", words: "Fast", summary: "a first look" },
  { name: "balanced", words: "Balanced", summary: "for most clips" },
  { name: "best", words: "Best", summary: "looks closer" },
];

export class OptionsForm {
  /** @param {{onChange: () => void}} given */
  constructor({ onChange }) {
    this.onChange = onChange;
    this.kept = {}; // of a job that this one is like: what the form does not show
    this.times = new Map();
    this.presets = PRESETS.map((preset) => this.#preset(preset));
    this.outputs = OFFERED.map(({ name, isUsual }) => h("input", { type: "checkbox", name: "output", value: name, checked: Boolean(isUsual) }));
    this.color = h("input", { type: "color", id: "new-color", value: "#1e90ff" });
    this.name = h("input", { type: "text", id: "new-name", maxlength: "200", autocomplete: "off" });
    this.element = h("div", { class: "options" },
      h("fieldset", { class: "field presets" }, h("legend", {}, "Quality"), h("div", { class: "preset-row" }, this.presets.map(({ label }) => label))),
      h("fieldset", { class: "field" }, h("legend", {}, "Files you want"),
        OFFERED.map(({ words }, at) => h("label", { class: "check" }, this.outputs[at], words)),
        h("p", { class: "hint" }, "Masks (PNG), track (JSON) and a poster always come.")),
      h("div", { class: "option-pair" },
        h("div", { class: "field" }, h("label", { for: "new-name" }, "Name ", h("span", { class: "muted" }, "(optional)")), this.name),
        h("div", { class: "field" }, h("label", { for: "new-color" }, "Colour"), this.color)));
    for (const kind of ["input", "change"]) this.element.addEventListener(kind, () => this.onChange());
  }

  get preset() {
    return this.presets.find(({ input }) => input.checked)?.name ?? "balanced";
  }

  /** What `POST /v1/jobs` is given as `options`. */
  get value() {
    const chosen = this.outputs.filter((box) => box.checked).map((box) => box.value);
    const { name: _, ...metadata } = this.kept.metadata ?? {};
    const name = this.name.value.trim();
    return {
      ...this.kept,
      preset: this.preset,
      outputs: [...chosen, ...ALWAYS],
      overlay_color: this.color.value,
      metadata: name ? { ...metadata, name } : metadata,
    };
  }

  /** Fill the form in. @param {any} options as a job shows them */
  fill({ preset, outputs, overlay_color: color, metadata = {}, ...others }) {
    for (const { name, input } of this.presets) input.checked = name === (preset ?? this.preset);
    if (outputs) for (const box of this.outputs) box.checked = outputs.includes(box.value);
    if (color) this.color.value = color.toLowerCase();
    this.name.value = metadata.name ?? "";
    const { priority, segmenter, budget_seconds: budget, seed } = others;
    this.kept = Object.fromEntries(
      Object.entries({ priority, segmenter, budget_seconds: budget, seed, metadata }).filter(([, value]) => value !== undefined && value !== null),
    );
  }

  /** Say how long each preset takes; of this clip, where it is known. */
  async askTimes(clip, signal) {
    const query = clip ? `?width=${clip.width}&height=${clip.height}&frames=${clip.frames}` : "";
    try {
      const { presets } = await call("GET", `/v1/presets${query}`, { signal });
      for (const { name, expected_seconds: expected } of presets) this.times.set(name, expected);
    } catch {
      return; // the times are a courtesy
    }
    for (const { name, time } of this.presets) {
      if (this.times.has(name)) time.textContent = `${clip ? "about" : "often"} ${seconds(this.times.get(name))}`;
    }
  }

  /** Seconds that the chosen preset takes, or undefined. */
  get expected() {
    return this.times.get(this.preset);
  }

  #preset({ name, words, summary }) {
    const input = h("input", { type: "radio", name: "preset", value: name, checked: name === "balanced" });
    const time = h("span", { class: "preset-time numbers" }, summary);
    const label = h("label", { class: "preset", title: `${words}: ${summary}` }, input, h("span", { class: "preset-words" }, h("strong", {}, words), time));
    return { name, input, time, label };
  }
}
