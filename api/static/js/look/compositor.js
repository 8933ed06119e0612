// Paints the views of a frame (source, overlay, mask, cutout, side by side) on a canvas from its source and its mask.

/** The views, in the order of their keys 1 to 5. */
export const VIEWS = [
  { name: "source", label: "Source" },
  { name: "overlay", label: "Overlay" },
  { name: "mask", label: "Mask" },
  { name: "cutout", label: "Cutout" },
  { name: "side", label: "Side by side" },
];

/** What a cutout may stand on. */
export const GROUNDS = [
  { name: "checker", label: "Checkerboard" },
  { name: "white", label: "White" },
  { name: "black", label: "Black" },
  { name: "green", label: "Green" },
];

const PLAIN = { white: "#ffffff", black: "#000000", green: "#00b140" };
const CHECK_PX = 16;

/**
 * @typedef {object} Picture A frame.
 * @property {CanvasImageSource} source
 * @property {number[]} from x, y, width, height of the frame in the source.
 * @property {CanvasImageSource} mask Objects in colour on nothing, at the frame's size.
 */

/** Paints pictures on one canvas. */
export class Compositor {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this._context = canvas.getContext("2d", { alpha: false });
    this._scratch = document.createElement("canvas");
    this.look = { view: "overlay", opacity: 0.5, ground: "checker", compare: "after", wipe: 0.5 };
  }

  /** @param {Picture} picture @param {Picture} [before] What to compare it with. */
  draw(picture, before) {
    const [, , width, height] = picture.from;
    const { view, compare } = this.look;
    const beside = before && compare === "beside";
    const pair = beside || view === "side";
    this._size(pair ? 2 * width : width, height);
    if (beside) {
      this._paint(before, this._single(view), 0);
      this._paint(picture, this._single(view), width);
    } else if (view === "side") {
      this._paint(picture, "source", 0);
      this._paint(before && compare === "before" ? before : picture, "overlay", width);
    } else if (before && compare === "wipe") {
      this._wipe(picture, before, width, height);
    } else {
      this._paint(before && compare === "before" ? before : picture, view, 0);
    }
  }

  _single(view) {
    return view === "side" ? "overlay" : view;
  }

  _size(width, height) {
    if (this.canvas.width !== width) this.canvas.width = width;
    if (this.canvas.height !== height) this.canvas.height = height;
  }

  _wipe(picture, before, width, height) {
    const context = this._context;
    const at = Math.round(this.look.wipe * width);
    this._paint(picture, this.look.view, 0);
    context.save();
    context.beginPath();
    context.rect(0, 0, at, height);
    context.clip();
    this._paint(before, this.look.view, 0);
    context.restore();
    context.fillStyle = "#000000";
    context.fillRect(at - 2, 0, 4, height);
    context.fillStyle = "#ffffff";
    context.fillRect(at - 1, 0, 2, height);
  }

  _paint(picture, view, left) {
    const context = this._context;
    const [x, y, width, height] = picture.from;
    if (view === "source" || view === "overlay") {
      context.drawImage(picture.source, x, y, width, height, left, 0, width, height);
    }
    if (view === "overlay") {
      context.globalAlpha = this.look.opacity;
      context.drawImage(picture.mask, left, 0, width, height);
      context.globalAlpha = 1;
    } else if (view === "mask") {
      context.fillStyle = "#000000";
      context.fillRect(left, 0, width, height);
      context.drawImage(picture.mask, left, 0, width, height);
    } else if (view === "cutout") {
      this._ground(left, width, height);
      context.drawImage(this._cut(picture), left, 0);
    }
  }

  _cut({ source, from: [x, y, width, height], mask }) {
    this._scratch.width = width;
    this._scratch.height = height;
    const context = this._scratch.getContext("2d");
    context.drawImage(mask, 0, 0, width, height);
    context.globalCompositeOperation = "source-in";
    context.drawImage(source, x, y, width, height, 0, 0, width, height);
    return this._scratch;
  }

  _ground(left, width, height) {
    this._context.fillStyle = PLAIN[this.look.ground] ?? this._checks();
    this._context.fillRect(left, 0, width, height);
  }

  _checks() {
    if (!this._pattern) {
      const tile = document.createElement("canvas");
      tile.width = tile.height = 2 * CHECK_PX;
      const context = tile.getContext("2d");
      context.fillStyle = "#f2f2f2";
      context.fillRect(0, 0, 2 * CHECK_PX, 2 * CHECK_PX);
      context.fillStyle = "#c9c9c9";
      context.fillRect(0, 0, CHECK_PX, CHECK_PX);
      context.fillRect(CHECK_PX, CHECK_PX, CHECK_PX, CHECK_PX);
      this._pattern = this._context.createPattern(tile, "repeat");
    }
    return this._pattern;
  }
}
