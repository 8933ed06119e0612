// Where a clip is dropped or picked, before there is one.

import { h, icon } from "../dom.js";

/** Why a file can be no clip, in words, or null where only the service can tell. @param {File} file */
export function unsuitable(file) {
  if (!file.size) return `${file.name} is empty.`;
  const [kind] = file.type.split("/");
  const isPicture = kind === "image" && file.type !== "image/gif";
  if (isPicture) return `${file.name} is a picture. Choose a clip, such as an MP4 or a MOV.`;
  if (kind === "audio") return `${file.name} is sound without a picture. Choose a clip, such as an MP4 or a MOV.`;
  if (kind === "text" || /pdf|zip|json|msword|officedocument/.test(file.type)) {
    return `${file.name} is no clip. Choose a video, such as an MP4 or a MOV.`;
  }
  return null;
}

export class DropZone {
  /** @param {{onFile: (file: File) => void, onSample: () => void}} given */
  constructor({ onFile, onSample }) {
    this.input = h("input", { type: "file", accept: "video/*,.mkv,.mov,.mp4,.webm,.avi,.m4v,.mxf,.ts", class: "visually-hidden", tabindex: "-1", "aria-label": "Clip" });
    this.input.addEventListener("change", () => {
      const [file] = this.input.files;
      this.input.value = "";
      if (file) onFile(file);
    });
    this.problem = h("p", { class: "error", role: "alert" });
    this.lead = h("p", { class: "drop-lead" }, globalThis.matchMedia("(pointer: coarse)").matches ? "Start with a clip" : "Drop a clip here");
    this.sample = h("button", { type: "button", class: "button quiet", on: { click: onSample } }, "Try the sample clip");
    this.button = h("button", { type: "button", class: "button primary", on: { click: () => this.open() } }, icon("upload"), "Choose a clip");
    this.element = h("section", { class: "drop-zone", "aria-label": "Choose a clip" },
      icon("film"), this.lead,
      h("div", { class: "row" }, this.button, this.sample),
      this.problem,
      h("ol", { class: "drop-steps" }, h("li", {}, "Choose a clip"), h("li", {}, "Draw a box around the object"), h("li", {}, "Get its mask in every frame")));
  }

  open() {
    this.input.click();
  }

  focus() {
    this.button.focus();
  }

  /** Say whose settings the job will have. */
  like(name) {
    this.lead.textContent = `Drop a clip here: its settings are those of ${name}`;
  }

  /** Say why a file is not taken. */
  refuse(text) {
    this.problem.textContent = text;
  }
}
