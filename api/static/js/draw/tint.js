// The mask as a picture: translucent colours with a firm rim, painted again only where labels changed.

import { grown, height, intersection, width } from "./rect.js";

const RIM_ALPHA = 255;

/** A canvas of the frame's size that shows a label map in colours. */
export class Tint {
  constructor() {
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { willReadFrequently: false });
    this.fills = new Uint32Array(256);
    this.rims = new Uint32Array(256);
  }

  setSize(width, height) {
    this.canvas.width = width;
    this.canvas.height = height;
  }

  /** @param {Map<number, [number, number, number]>} colors of each label @param {number} opacity 0 to 1 */
  setColors(colors, opacity) {
    this.fills.fill(0);
    this.rims.fill(0);
    for (const [label, [red, green, blue]] of colors) {
      const color = (blue << 16) | (green << 8) | red;
      this.fills[label] = ((Math.round(opacity * 255) << 24) | color) >>> 0;
      this.rims[label] = ((RIM_ALPHA << 24) | color) >>> 0;
    }
  }

  /** Paint what has changed. @returns {import("./rect.js").Rect | null} what was painted */
  paint(map) {
    if (!map.unpainted) return null;
    const area = intersection(grown(map.unpainted, 1), map.all); // a neighbour's rim may have come or gone
    map.unpainted = null;
    const image = new ImageData(width(area), height(area));
    this.#fill(new Uint32Array(image.data.buffer), map, area);
    this.context.putImageData(image, area.x0, area.y0);
    return area;
  }

  #fill(pixels, { data, width: stride, height: rows }, area) {
    let at = 0;
    for (let y = area.y0; y < area.y1; y++) {
      const up = y > 0 ? -stride : 0;
      const down = y < rows - 1 ? stride : 0;
      for (let x = area.x0; x < area.x1; x++, at++) {
        const index = y * stride + x;
        const label = data[index];
        if (label === 0) continue;
        const isInside =
          data[index + up] === label &&
          data[index + down] === label &&
          (x === 0 || data[index - 1] === label) &&
          (x === stride - 1 || data[index + 1] === label);
        pixels[at] = isInside ? this.fills[label] : this.rims[label];
      }
    }
  }
}
