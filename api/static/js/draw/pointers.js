// Mouse, pen and fingers on the stage: one draws, two fingers move and zoom, and so do wheel and middle button.

const WHEEL_STEP = 0.0016;
const PINCH_STEP = 0.012; // a trackpad's pinch comes as a wheel with Ctrl, in small steps
const LINE_PIXELS = 16;

export class Pointers {
  /**
   * @param {import("./stage.js").Stage} stage
   * @param {{tool: () => any, isPanning: () => boolean, onHover: (point: any) => void, onView: () => void,
   *   onStroke: (isDown: boolean) => void}} given
   * @param {AbortSignal} signal
   */
  constructor(stage, given, signal) {
    this.stage = stage;
    this.given = given;
    this.fingers = new Map();
    this.drawing = null; // the pointer that draws
    this.dragging = null; // the pointer that moves the view
    const on = (kind, listener, options) => stage.element.addEventListener(kind, listener, { signal, ...options });
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#lost(event));
    on("pointerleave", (event) => event.pointerType === "mouse" && !this.drawing && given.onHover(null));
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("auxclick", (event) => event.preventDefault());
    on("dblclick", (event) => event.preventDefault());
  }

  /** Whether a pointer draws or moves the view at this moment. */
  get isBusy() {
    return this.drawing !== null || this.dragging !== null || this.fingers.size > 1;
  }

  #down(event) {
    if (event.target.closest(".draw-float")) return;
    this.stage.measure();
    this.stage.element.setPointerCapture?.(event.pointerId);
    if (event.pointerType === "touch") {
      this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (this.fingers.size > 1) return this.#beginGesture();
    }
    if (event.button === 1 || (event.button === 0 && this.given.isPanning())) {
      event.preventDefault();
      this.dragging = { id: event.pointerId, x: event.clientX, y: event.clientY };
    } else if (event.button === 0 && this.drawing === null) {
      this.drawing = event.pointerId;
      this.given.onStroke(true);
      this.#hover(event);
      this.given.tool().begin(this.stage.pointOf(event));
    }
  }

  #move(event) {
    const finger = this.fingers.get(event.pointerId);
    if (finger && this.fingers.size > 1) return this.#gesture(event);
    if (this.dragging?.id === event.pointerId) {
      this.stage.view.move(event.clientX - this.dragging.x, event.clientY - this.dragging.y);
      Object.assign(this.dragging, { x: event.clientX, y: event.clientY });
      this.given.onView();
    } else if (this.drawing === event.pointerId) {
      const all = event.getCoalescedEvents?.() ?? [];
      this.given.tool().move((all.length ? all : [event]).map((each) => this.stage.pointOf(each)));
      this.#hover(event);
    } else if (this.drawing === null && event.pointerType !== "touch") {
      if (!event.buttons) this.stage.measure();
      this.#hover(event);
    }
  }

  #up(event) {
    this.fingers.delete(event.pointerId);
    if (this.dragging?.id === event.pointerId) this.dragging = null;
    if (this.drawing !== event.pointerId) return;
    this.drawing = null;
    this.given.tool().end(this.stage.pointOf(event));
    this.given.onStroke(false);
    if (event.pointerType === "touch") this.given.onHover(null);
  }

  #lost(event) {
    this.fingers.delete(event.pointerId);
    if (this.dragging?.id === event.pointerId) this.dragging = null;
    if (this.drawing === event.pointerId) this.#stopDrawing();
  }

  #stopDrawing() {
    this.drawing = null;
    this.given.tool().cancel();
    this.given.onStroke(false);
    this.given.onHover(null);
  }

  #beginGesture() {
    if (this.drawing !== null) this.#stopDrawing();
    this.dragging = null;
    this.pinch = this.#pinch();
  }

  #gesture(event) {
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    const { x, y, spread } = this.#pinch();
    const bounds = this.stage.bounds;
    this.stage.view.move(x - this.pinch.x, y - this.pinch.y);
    if (this.pinch.spread > 0) this.stage.view.zoom(spread / this.pinch.spread, x - bounds.left, y - bounds.top);
    this.pinch = { x, y, spread };
    this.given.onView();
  }

  #pinch() {
    const [one, other] = [...this.fingers.values()];
    return { x: (one.x + other.x) / 2, y: (one.y + other.y) / 2, spread: Math.hypot(one.x - other.x, one.y - other.y) };
  }

  #wheel(event) {
    if (event.target.closest(".draw-float")) return;
    event.preventDefault();
    const { left, top } = this.stage.measure();
    const step = event.deltaY * (event.deltaMode === 1 ? LINE_PIXELS : 1);
    if (event.shiftKey) this.stage.view.move(-(event.deltaX || step), 0);
    else this.stage.view.zoom(Math.exp(-step * (event.ctrlKey ? PINCH_STEP : WHEEL_STEP)), event.clientX - left, event.clientY - top);
    this.given.onView();
    this.#hover(event);
  }

  #hover(event) {
    this.given.onHover(this.stage.pointOf(event));
  }
}
