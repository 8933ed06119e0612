// Fill: an enclosed area under the pointer, or the holes of the object that is clicked itself.

import { holesOf, regionAt } from "../regions.js";
import { crosshair, crosshairBounds } from "./marks.js";

// An area that meets the frame's edge and is larger than this is the open background, clicked by mistake.
const MOST_OPEN_SHARE = 0.4;

export class Fill {
  /** @param {import("../bench.js").Bench} bench */
  constructor(bench) {
    this.bench = bench;
    this.name = "fill";
  }

  begin() {}
  move() {}
  cancel() {}
  leave() {}
  cursorMoved() {}

  key() {
    return false;
  }

  end(point) {
    this.press(point);
  }

  press(point) {
    const { drawing } = this.bench;
    const { map } = drawing;
    const [x, y] = [Math.floor(point.x), Math.floor(point.y)];
    const here = map.at(x, y);
    if (here < 0) return;
    const found = here === drawing.label ? holesOf(map, here) : regionAt(map, x, y);
    if (!found) return this.bench.warn("This object has no holes. Click an enclosed area to fill it.");
    if (here === 0 && found.meetsEdge && found.pixels > MOST_OPEN_SHARE * map.data.length) {
      return this.bench.warn("This area is open. Draw a closed outline first, then fill it.");
    }
    this.#fill(found);
  }

  bounds(view, cursor) {
    return crosshairBounds(view, cursor);
  }

  draw(context, view, cursor) {
    crosshair(context, view, cursor);
  }

  #fill({ inside, area, pixels }) {
    const { drawing } = this.bench;
    const { map } = drawing;
    for (let y = area.y0; y < area.y1; y++) {
      for (let index = y * map.width + area.x0; index < y * map.width + area.x1; index++) {
        if (inside[index]) map.set(index, drawing.label);
      }
    }
    map.touch(area);
    drawing.commit();
    this.bench.request();
    this.bench.say(`Filled ${pixels.toLocaleString("en")} pixels.`);
  }
}
