// Where a clip is drawn on: the editor with one frame in it, the choice of the frame, and the masks of all frames.

import { MaskEditor } from "../draw/editor.js";
import { announce, clear, h } from "../dom.js";
import { FrameBar } from "./frame-bar.js";
import { Masks } from "./masks.js";
import { areAlike, UploadFrames } from "./pictures.js";

const NOT_YET = "Other frames can be drawn on too, as soon as the clip has arrived.";

/** Fires `drawn` after each change of a mask, and `objects` when objects come, go or are chosen. */
export class Desk extends EventTarget {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    super();
    this.signal = signal;
    this.masks = new Masks();
    this.current = 0;
    this.frames = null; // of the upload, once it is there
    this.ids = null; // of the objects of a draft, until there is a frame
    this.firstColor = "#1e90ff";
    this.frameBar = new FrameBar({ onGo: (frame) => this.go(frame) });
    this.message = h("div", { class: "new-message", role: "status" });
    this.element = h("div", { class: "new-work" });
  }

  /** Whether there is a frame to draw on. */
  get isReady() {
    return Boolean(this.editor?.isReady);
  }

  /** How many objects there are. */
  get objects() {
    return this.editor.objects;
  }

  /** The objects' labels, as a draft keeps them. */
  get labels() {
    return this.editor?.drawing?.ids ?? this.ids ?? [1];
  }

  /** All masks as labels 1 … N. @returns {Map<number, Uint8Array>} */
  get numbered() {
    this.#keep();
    return this.masks.numbered(this.labels);
  }

  set color(color) {
    this.firstColor = color;
    if (this.isReady) this.editor.firstColor = color;
  }

  /** An editor, empty yet; the one that is there already stays. */
  open() {
    if (this.editor) return;
    this.editing = new AbortController();
    this.signal.addEventListener("abort", () => this.editing.abort());
    this.editor = new MaskEditor(this.element, { signal: this.editing.signal, sharesObjects: true });
    this.editor.stageElement.append(this.message);
    this.element.append(this.frameBar.element);
    this.editor.addEventListener("change", () => this.#drawn());
    this.editor.addEventListener("objects", () => this.dispatchEvent(new Event("objects")));
  }

  /** Forget the clip and all that was drawn on it. */
  reset() {
    this.editing?.abort();
    this.going?.abort();
    clear(this.element);
    this.editor = null;
    this.frames = null;
    this.ids = null;
    this.current = 0;
    this.masks.clear();
    this.frameBar.enable(0, NOT_YET);
    this.frameBar.show(0, []);
  }

  /** Masks of a draft. */
  restore({ frames, size, ids }) {
    this.masks.runs = new Map(Object.entries(frames).map(([frame, runs]) => [Number(frame), runs]));
    this.masks.size = size;
    this.masks.only(ids);
    this.ids = ids;
  }

  /** Words over the stage while there is nothing to draw on. */
  say(text) {
    if (this.message.textContent !== text) this.message.textContent = text;
    this.message.hidden = !text;
  }

  /** Show a picture of the current frame, with its mask. */
  async show(bitmap) {
    const { editor } = this;
    const wasReady = editor.isReady;
    await editor.setFrame(bitmap, { labels: this.masks.labels(this.current), objects: this.labels });
    editor.firstColor = this.firstColor;
    editor.fileName = `mask_${String(this.current).padStart(5, "0")}.png`;
    this.frameBar.show(this.current, this.masks.frames);
    this.say("");
    if (!wasReady && !document.activeElement?.closest("aside")) editor.focus();
  }

  /**
   * The clip is with the service: all its frames can be had. Its own picture is shown where the browser had none or one
   * that differs: masks are for what the service sees.
   * @returns {Promise<boolean>} whether the picture under a drawing has changed
   */
  async arrived(uploadId, clip) {
    const frames = new UploadFrames(uploadId);
    this.frames = frames;
    this.frameBar.enable(clip.frames, "");
    const bitmap = await frames.fetch(this.current, this.signal);
    if (frames !== this.frames) return false; // another clip was picked meanwhile
    if (!this.isReady) {
      await this.show(bitmap);
      return false;
    }
    const shown = this.editor.stage.frame;
    if (shown.width !== clip.width || shown.height !== clip.height) {
      this.#keep();
      this.masks.resize(clip.width, clip.height);
      await this.show(bitmap);
      return true;
    }
    if (areAlike(shown, bitmap)) return false;
    this.editor.setPicture(bitmap);
    return true;
  }

  /** Draw on a frame, from elsewhere on the page. */
  async visit(frame) {
    await this.go(frame);
    this.editor.stageElement.scrollIntoView({ block: "nearest" });
    this.editor.focus();
  }

  /** Draw on another frame. */
  async go(frame) {
    if (!this.frames || frame === this.current) return;
    this.going?.abort();
    this.going = new AbortController();
    const { signal } = this.going;
    this.frameBar.say(`Getting frame ${frame} …`);
    try {
      const bitmap = await this.frames.fetch(frame, signal);
      if (signal.aborted || this.signal.aborted) return;
      this.#keep();
      this.current = frame;
      await this.show(bitmap);
      this.frameBar.say("");
      announce(`Frame ${frame}.`);
      this.dispatchEvent(new Event("objects"));
    } catch (error) {
      if (signal.aborted || this.signal.aborted) return;
      this.frameBar.show(this.current, this.masks.frames);
      this.frameBar.say(`Frame ${frame} could not be had: ${error.message}`);
    }
  }

  /** Take the mask in a picture file. */
  loadFile(file) {
    return this.editor.loadFile(file);
  }

  #keep() {
    if (this.isReady) this.masks.keep(this.current, this.editor.drawing);
  }

  #drawn() {
    this.#keep();
    this.frameBar.show(this.current, this.masks.frames);
    this.dispatchEvent(new Event("drawn"));
  }
}
