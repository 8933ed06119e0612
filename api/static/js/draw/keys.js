// The keyboard on the editor: shortcuts, and a cursor on the stage that draws without a pointer.

const STEP_PIXELS = 8; // on the screen
const LONG_STEP = 5;
const PAN_PIXELS = 60;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const SAY_MILLISECONDS = 500;

export class Keys {
  /**
   * @param {HTMLElement} root of the editor @param {HTMLElement} stageElement
   * @param {any} editor what the keys are for
   * @param {AbortSignal} signal
   */
  constructor(root, stageElement, editor, signal) {
    this.editor = editor;
    this.stageElement = stageElement;
    this.isSpaceDown = false;
    this.wasSpaceUsed = false;
    this.cursor = null;
    root.addEventListener("keydown", (event) => this.#down(event), { signal });
    root.addEventListener("keyup", (event) => this.#up(event), { signal });
    stageElement.addEventListener("blur", () => this.#rest(), { signal });
    stageElement.addEventListener("pointerdown", () => this.#usePointer(), { signal });
  }

  #down(event) {
    if (!this.editor.isReady || isTyping(event.target)) return;
    const onStage = event.target === this.stageElement;
    const taken = event.ctrlKey || event.metaKey
      ? this.#withControl(event, onStage)
      : !event.altKey && ((onStage && this.#onStage(event)) || this.#plain(event));
    if (taken) event.preventDefault();
  }

  #withControl(event, onStage) {
    const key = event.key.toLowerCase();
    if (key === "z") this.editor[event.shiftKey ? "redo" : "undo"]();
    else if (key === "y") this.editor.redo();
    else if (onStage && ARROWS[event.key]) this.editor.zoomBar.pan(...ARROWS[event.key].map((part) => -part * PAN_PIXELS));
    else return false;
    return true;
  }

  #onStage(event) {
    if (event.key === " ") return this.#space(event);
    if (this.editor.tool.key(event)) return true;
    if (event.key === "Enter") return this.#press();
    if (!ARROWS[event.key]) return false;
    this.#moveCursor(ARROWS[event.key], event.shiftKey ? LONG_STEP : 1);
    return true;
  }

  #plain(event) {
    const { editor } = this;
    if (event.target instanceof HTMLInputElement && /^Arrow|^[0-9]$/.test(event.key)) return false;
    const tool = { b: "brush", e: "eraser", p: "polygon", r: "box", f: "fill", h: "hand" }[event.key.toLowerCase()];
    if (tool) editor.choose(tool);
    else if (/^[1-9]$/.test(event.key)) editor.chooseObject(Number(event.key));
    else if (event.key === "[" || event.key === "]") editor.resize(event.key === "]" ? 1 : -1);
    else if (event.key === "+" || event.key === "=") editor.zoomBar.zoom(1.25);
    else if (event.key === "-") editor.zoomBar.zoom(0.8);
    else if (event.key === "0") editor.zoomBar.fit();
    else if (event.key === "Escape") return editor.tool.key(event);
    else return false;
    return true;
  }

  /** Held, space moves the view with the pointer; pressed and let go, it is the keyboard's press. */
  #space(event) {
    if (!event.repeat) {
      this.isSpaceDown = true;
      this.wasSpaceUsed = false;
      this.editor.showPan(true);
    }
    return true;
  }

  #up(event) {
    if (event.key !== " " || !this.isSpaceDown) return;
    this.isSpaceDown = false;
    this.editor.showPan(false);
    if (!this.wasSpaceUsed) this.#press();
  }

  #press() {
    clearTimeout(this.saying); // what the tool says now matters more
    this.#ensureCursor();
    this.editor.tool.press(this.cursor);
    return true;
  }

  #ensureCursor() {
    const { view } = this.editor;
    if (this.cursor) return;
    const middle = view.toFrame(view.stage.width / 2, view.stage.height / 2);
    this.cursor = this.#held(this.editor.hovered ?? middle);
    this.editor.showCursor(this.cursor);
  }

  #moveCursor([dx, dy], times) {
    this.#ensureCursor();
    const { view } = this.editor;
    const step = Math.max(1, Math.round(STEP_PIXELS / view.scale)) * times;
    this.cursor = this.#held({ x: this.cursor.x + dx * step, y: this.cursor.y + dy * step });
    view.reveal(this.cursor);
    this.editor.showCursor(this.cursor);
    this.editor.tool.cursorMoved(this.cursor);
    clearTimeout(this.saying);
    this.saying = setTimeout(() => this.editor.sayCursor(this.cursor), SAY_MILLISECONDS);
  }

  #held({ x, y }) {
    const { width, height } = this.editor.view.frame;
    return { x: Math.min(width - 0.5, Math.max(0.5, x)), y: Math.min(height - 0.5, Math.max(0.5, y)) };
  }

  #usePointer() {
    this.wasSpaceUsed = true;
    this.cursor = null;
  }

  #rest() {
    clearTimeout(this.saying);
    this.isSpaceDown = false;
    this.editor.showPan(false);
    if (this.cursor) this.editor.showCursor(null);
    this.cursor = null;
  }
}

function isTyping(target) {
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement ||
    (target instanceof HTMLInputElement && !["range", "checkbox", "radio", "button", "color"].includes(target.type));
}
