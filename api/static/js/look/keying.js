// The bottom half of preview.mp4 (objects in flat colours on black) back into a mask with clean edges.

import { onBlack } from "./colors.js";

// A pixel is looked up by five bits of each of its colours.
const CELLS = 32;

// How much of an object's colour a pixel has where the mask begins, and where it is whole. Between lies the edge.
const EDGE = [0.3, 0.7];

// Luma at which it alone tells how much there is: it is sharp, while colour is stored at half size.
const BRIGHT = 40;

/** Turns pictures of coloured objects on black into the same colours on nothing. */
export class MaskKey {
  /** @param {import("./colors.js").Color[]} colors Those of objects 1, 2 … */
  constructor(colors) {
    this._table = lookup(colors);
    this._canvas = null;
  }

  /**
   * The mask in a part of a picture.
   * @param {CanvasImageSource} picture
   * @param {number[]} from x, y, width, height in the picture.
   * @param {HTMLCanvasElement} [into] Where to paint it, at the part's size; else a canvas that the next call overwrites.
   */
  read(picture, [x, y, width, height], into) {
    const canvas = this._sized(width, height);
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, x, y, width, height, 0, 0, width, height);
    const data = context.getImageData(0, 0, width, height);
    const pixels = new Uint32Array(data.data.buffer);
    const table = this._table;
    for (let index = 0; index < pixels.length; index++) {
      const pixel = pixels[index];
      pixels[index] = table[((pixel >> 3) & 31) | ((pixel >> 6) & 0x3e0) | ((pixel >> 9) & 0x7c00)];
    }
    const target = into ?? canvas;
    if (target.width !== width) target.width = width;
    if (target.height !== height) target.height = height;
    target.getContext("2d").putImageData(data, 0, 0);
    return target;
  }

  _sized(width, height) {
    this._canvas ??= document.createElement("canvas");
    if (this._canvas.width !== width || this._canvas.height !== height) {
      this._canvas.width = width;
      this._canvas.height = height;
    }
    return this._canvas;
  }
}

function lookup(colors) {
  const stored = colors.map(onBlack);
  const table = new Uint32Array(CELLS ** 3);
  const bytes = new Uint8ClampedArray(table.buffer);
  const scale = 255 / (CELLS - 1);
  for (let cell = 0; cell < table.length; cell++) {
    const pixel = [(cell & 31) * scale, ((cell >> 5) & 31) * scale, ((cell >> 10) & 31) * scale];
    const { index, share } = nearest(pixel, stored);
    const edge = Math.min(1, Math.max(0, (share - EDGE[0]) / (EDGE[1] - EDGE[0])));
    bytes.set([...colors[index], Math.round(255 * edge * edge * (3 - 2 * edge))], 4 * cell);
  }
  return table;
}

/** The object of which a pixel is a darkened form, and how much of its colour is there, 0 to 1. */
function nearest(pixel, colors) {
  let best = { index: 0, share: 0 };
  let least = Infinity;
  for (const [index, color] of colors.entries()) {
    const whole = dot(color, color) || 1;
    const along = Math.min(1, Math.max(0, dot(pixel, color) / whole));
    const off = color.reduce((sum, part, place) => sum + (pixel[place] - along * part) ** 2, 0);
    if (off >= least) continue;
    least = off;
    best = { index, share: luma(color) > BRIGHT ? Math.min(1, luma(pixel) / luma(color)) : along };
  }
  return best;
}

function dot(one, other) {
  return one[0] * other[0] + one[1] * other[1] + one[2] * other[2];
}

function luma([red, green, blue]) {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
