// The clip beside the drawing: its name, how far it has come, and what may be done about it.

import { bytes, h, icon, seconds } from "../dom.js";

export class ClipCard {
  /** @param {{onPause: () => void, onResume: () => void, onRetry: () => void, onOther: () => void, onPick: () => void}} given */
  constructor(given) {
    this.given = given;
    this.name = h("p", { class: "clip-name" });
    this.bar = h("progress", { max: "100", value: "0", "aria-label": "Upload" });
    this.words = h("p", { class: "clip-words numbers" });
    this.problem = h("p", { class: "error", role: "alert" });
    this.pause = h("button", { type: "button", class: "button", on: { click: () => this.#toggle() } });
    this.other = h("button", { type: "button", class: "button", on: { click: given.onOther } }, "Other clip");
    this.pick = h("button", { type: "button", class: "button primary", hidden: true, on: { click: given.onPick } }, icon("upload"), "Pick it again");
    this.element = h("section", { class: "card clip-card", "aria-label": "Clip" },
      this.name, this.bar, this.words, this.problem, h("div", { class: "row" }, this.pause, this.pick, this.other));
  }

  /** @param {import("../upload.js").ClipUpload} upload */
  show(upload) {
    this.upload = upload;
    this.name.textContent = upload.file.name;
    this.name.title = upload.file.name;
    const percent = upload.total ? (100 * upload.sent) / upload.total : 0;
    this.bar.value = percent;
    this.bar.hidden = upload.state === "ready" || upload.state === "refused";
    this.#say(this.words, wordsFor(upload, percent));
    this.#say(this.problem, problemFor(upload));
    this.#showButtons(upload.state);
  }

  /** A draft whose file the browser has no more: it must be picked again. @param {{name: string, size: number}} file */
  showLost({ name, size }, upload) {
    const arrived = (upload?.arrived ?? []).map((part) => Math.min(upload.part_bytes, size - (part - 1) * upload.part_bytes));
    const percent = (100 * arrived.reduce((sum, part) => sum + part, 0)) / size;
    this.name.textContent = name;
    this.bar.value = percent;
    this.bar.hidden = false;
    this.#say(this.words, `${Math.floor(percent)} % has arrived. Pick the same file again, and it goes on from there.`);
    this.#say(this.problem, "");
    this.pause.hidden = true;
    this.pick.hidden = false;
  }

  #showButtons(state) {
    const isPaused = state === "paused";
    this.pick.hidden = true;
    this.pause.hidden = !["starting", "sending", "paused", "waiting"].includes(state);
    const words = isPaused ? "Resume" : state === "waiting" ? "Try now" : "Pause";
    if (this.pause.textContent !== words) {
      this.pause.replaceChildren(icon(isPaused ? "play" : state === "waiting" ? "again" : "pause"), words);
    }
  }

  #toggle() {
    const { state } = this.upload;
    if (state === "paused") this.given.onResume();
    else if (state === "waiting") this.given.onRetry();
    else this.given.onPause();
  }

  #say(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }
}

function wordsFor(upload, percent) {
  const size = `${bytes(upload.sent)} of ${bytes(upload.total)}`;
  switch (upload.state) {
    case "starting":
      return `Starting to upload ${bytes(upload.total)} …`;
    case "sending":
      return [`${Math.floor(percent)} %, ${size}`, upload.speed ? `${bytes(upload.speed)}/s` : "", upload.secondsLeft ? `${seconds(upload.secondsLeft)} left` : ""]
        .filter(Boolean).join(" · ");
    case "paused":
      return `Paused at ${Math.floor(percent)} %, ${size}`;
    case "waiting":
      return `${Math.floor(percent)} % has arrived. Trying again in ${upload.retryIn} s; drawing goes on meanwhile.`;
    case "checking":
      return "Uploaded. The service looks at the clip …";
    case "ready":
      return factsOf(upload.clip, upload.total);
    default:
      return "";
  }
}

function problemFor(upload) {
  if (upload.state === "refused") return upload.problem.message;
  if (upload.state === "waiting" && upload.problem) return upload.problem.message;
  return "";
}

/** A clip in a line: 1920×1080, 240 frames, 8 s, H264, 12 MB. */
export function factsOf(clip, size) {
  return [`${clip.width}×${clip.height}`, `${clip.frames} frames`, seconds(clip.duration_seconds), clip.codec.toUpperCase(), bytes(size)]
    .map((part) => part.replaceAll(" ", "\u00a0")).join(", ");
}
