// The mask editor: a frame, tools to draw objects on it, and everything to change, see and keep what is drawn.

import { announce, h } from "../dom.js";
import { Bench } from "./bench.js";
import { Caption } from "./caption.js";
import { ControlBar } from "./control-bar.js";
import { Drawing } from "./drawing.js";
import { FloatBar } from "./float-bar.js";
import { Keys } from "./keys.js";
import { ObjectRow } from "./object-row.js";
import { Pace } from "./pace.js";
import { indexedPng } from "./png.js";
import { Pointers } from "./pointers.js";
import { Stage } from "./stage.js";
import { ToolRail } from "./tool-rail.js";
import { Box } from "./tools/box.js";
import { Brush } from "./tools/brush.js";
import { Fill } from "./tools/fill.js";
import { Hand } from "./tools/hand.js";
import { Polygon } from "./tools/polygon.js";
import { ZoomBar } from "./zoom-bar.js";

const SMALLEST_BRUSH = 1;
const LARGEST_BRUSH = 400;

/**
 * Draws masks on a frame. Fires `change` after each step, and `objects` when objects come, go or are chosen.
 *
 * Masks are `Uint8Array` labels, row by row: 0 is background, 1 … N are the objects.
 */
export class MaskEditor extends EventTarget {
  /** @param {HTMLElement} container is filled @param {{signal: AbortSignal, sharesObjects?: boolean}} options
   *  `sharesObjects`: the frames shown have the same objects, so that the label of one that was removed does not come again */
  constructor(container, { signal, sharesObjects = false }) {
    super();
    this.signal = signal;
    this.sharesObjects = sharesObjects;
    this.stageElement = h("div", {
      class: "draw-stage", tabindex: "0", role: "application", "aria-roledescription": "drawing area",
      "aria-label": "Drawing area, empty", "aria-describedby": "draw-help",
    });
    this.caption = new Caption(this.stageElement);
    this.stage = new Stage(this.stageElement, signal);
    this.bench = new Bench(this.stage, { say: announce, warn: (text) => this.caption.warn(text) });
    const { bench } = this;
    this.tools = {
      box: new Box(bench), brush: new Brush(bench), eraser: new Brush(bench, { erases: true }),
      polygon: new Polygon(bench), fill: new Fill(bench), hand: new Hand(bench),
    };
    this.tool = this.tools.box;
    this.#build(container);
    this.pace = new Pace();
    this.stage.tool = {
      draw: (context, view) => this.tool.draw(context, view, this.hovered),
      bounds: (view) => this.tool.bounds(view, this.hovered),
    };
    this.stage.onPaint = (now) => this.#painted(now);
    this.pointers = new Pointers(this.stage, {
      tool: () => this.tool,
      isPanning: () => this.tool.name === "hand" || this.isPanShown,
      onHover: (point) => this.#hover(point),
      onView: () => this.#viewed(),
      onStroke: (isDown) => this.#stroked(isDown),
    }, signal);
    this.keys = new Keys(this.root, this.stageElement, this, signal);
    this.choose("box");
  }

  #build(container) {
    const act = (does) => (...given) => this.isReady && does(...given);
    this.rail = new ToolRail({ onTool: (name) => this.choose(name), onUndo: () => this.undo(), onRedo: () => this.redo() });
    this.objectRow = new ObjectRow({
      onChoose: (id) => this.drawing.choose(id),
      onAdd: act(() => this.drawing.add() && announce(`Object ${this.drawing.ids.length} is added. What you draw now is that.`)),
      onRemove: act((id) => this.#remove(id)),
    });
    this.controls = new ControlBar(this);
    this.zoomBar = new ZoomBar(this);
    this.stageElement.append(this.zoomBar.element);
    this.floatBar = new FloatBar(this.stageElement, this.tools.box, this.tools.polygon, () => this.#showCaption());
    this.root = h("div", { class: "draw", role: "group", "aria-label": "Mask editor" },
      h("div", { class: "draw-top" }, this.objectRow.element, this.controls.element),
      this.rail.element, this.stageElement, this.caption.element);
    container.append(this.root);
  }

  /** Whether there is a frame to draw on. */
  get isReady() {
    return Boolean(this.drawing);
  }

  get view() {
    return this.stage.view;
  }

  /**
   * Show a frame and, where there is one, its mask; what can be undone begins anew.
   * @param {ImageBitmap | HTMLCanvasElement} bitmap of the frame's full size
   * @param {{labels?: Uint8Array | null, objects?: number | number[]}} [given] `objects`: how many, or their labels
   */
  async setFrame(bitmap, { labels = null, objects = 1 } = {}) {
    this.tool.leave();
    const active = this.drawing?.active;
    const drawing = new Drawing(bitmap.width, bitmap.height, { labels, objects });
    if (drawing.ids.includes(active)) drawing.active = active;
    if (this.drawing) drawing.firstColor = this.drawing.firstColor;
    else this.bench.size = Math.max(4, Math.round(Math.max(bitmap.width, bitmap.height) / 40));
    if (this.sharesObjects) drawing.retired = this.drawing?.retired ?? 0;
    this.drawing = drawing;
    this.bench.drawing = drawing;
    drawing.addEventListener("objects", () => this.#recolored());
    drawing.addEventListener("pixels", () => this.#drawn());
    this.stage.show(bitmap, drawing.map);
    this.caption.describe(this.drawing);
    this.root.style.setProperty("--aspect", String(bitmap.width / bitmap.height));
    this.root.classList.add("is-ready");
    this.#recolored();
    this.controls.show();
    this.#viewed();
  }

  /** Another picture of the same frame, under the mask as it is. */
  setPicture(bitmap) {
    this.stage.frame = bitmap;
    this.stage.moved();
  }

  /** Labels 0, 1 … N; a copy. @returns {Uint8Array} */
  get labels() {
    return this.drawing.compact();
  }

  /** How many objects there are, drawn or not. */
  get objects() {
    return this.drawing?.ids.length ?? 0;
  }

  /** Whether an object, counted from 1, has no pixel; without a number, whether none has any. */
  isEmpty(object) {
    const { drawing } = this;
    if (!drawing) return true;
    return object === undefined ? drawing.ids.every((id) => drawing.isEmpty(id)) : drawing.isEmpty(drawing.ids[object - 1]);
  }

  /** The mask as an indexed PNG. @returns {Promise<Blob>} */
  toPng() {
    return indexedPng(this.labels, this.drawing.map.width, this.drawing.map.height);
  }

  /** The colour of the first object; the others' follow from it. */
  set firstColor(color) {
    if (!this.drawing || this.drawing.firstColor === color) return;
    this.drawing.firstColor = color;
    this.#recolored();
  }

  /** Take the mask in a picture file. @param {File} file */
  loadFile(file) {
    return this.controls.load(file);
  }

  focus() {
    this.stageElement.focus({ preventScroll: true });
  }

  // What buttons and keys do.

  choose(name) {
    const next = this.tools[name];
    if (this.tool !== next) this.tool.leave();
    this.tool = next;
    this.stageElement.dataset.tool = name;
    this.floatBar.show();
    this.#showState();
    this.stage.request();
  }

  chooseObject(number) {
    const id = this.drawing?.ids[number - 1];
    if (id === undefined) return;
    this.drawing.choose(id);
    announce(`Object ${number} is chosen${this.isEmpty(number) ? ", nothing drawn here" : ""}.`);
  }

  undo() {
    if (!this.isReady) return;
    this.tools.box.clear();
    if (this.drawing.undo()) announce("Undone.");
  }

  redo() {
    if (!this.isReady) return;
    this.tools.box.clear();
    if (this.drawing.redo()) announce("Done again.");
  }

  /** The brush larger (1) or smaller (-1). */
  resize(way) {
    const step = Math.max(1, Math.round(this.bench.size * 0.2));
    this.setSize(this.bench.size + way * step);
  }

  setSize(size) {
    this.bench.size = Math.min(LARGEST_BRUSH, Math.max(SMALLEST_BRUSH, Math.round(size)));
    this.controls.show();
    this.stage.request();
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    this.#recolored();
  }

  showPan(isShown) {
    this.isPanShown = isShown;
    this.stageElement.classList.toggle("is-panning", isShown);
  }

  showCursor(point) {
    this.#hover(point);
    this.#viewed();
  }

  sayCursor(point) {
    this.caption.sayPoint(this.drawing, point);
  }

  // What follows from changes.

  #remove(id) {
    this.tools.box.clear();
    const number = this.drawing.ids.indexOf(id) + 1;
    this.drawing.remove(id);
    announce(`Object ${number} is removed. Undo brings it back.`);
  }

  #hover(point) {
    this.hovered = point;
    if (point && !this.pointers?.isBusy) this.tool.hover?.(point);
    this.stage.request();
  }

  #viewed() {
    this.zoomBar.show();
    this.stage.moved();
  }

  #stroked(isDown) {
    if (!isDown) return this.pace.end();
    this.caption.calm();
    this.pace.begin();
    this.stage.request();
  }

  #painted(now) {
    this.floatBar.place(this.view);
    if (this.pointers.drawing === null) return;
    this.pace.tick(now);
    this.stage.request();
  }

  #recolored() {
    const { drawing, stage } = this;
    if (!drawing) return;
    stage.tint.setColors(drawing.colors, this.opacity ?? 0.5);
    drawing.map.unpainted = drawing.map.all;
    stage.request();
    this.#showState();
    this.dispatchEvent(new Event("objects"));
  }

  #drawn() {
    this.controls.forget();
    this.stage.request();
    this.#showState();
    this.caption.describe(this.drawing);
    this.dispatchEvent(new Event("change"));
  }

  #showState() {
    const history = this.drawing?.history;
    this.rail.show({ tool: this.tool.name, canUndo: Boolean(history?.canUndo), canRedo: Boolean(history?.canRedo) });
    if (this.drawing) this.objectRow.show(this.drawing);
    this.controls.show();
    this.#showCaption();
  }

  #showCaption() {
    const { box } = this.tools;
    const isFitted = this.tool === box && box.found && !box.isBusy;
    this.caption.show(isFitted ? "fitted" : this.tool.name);
  }
}
