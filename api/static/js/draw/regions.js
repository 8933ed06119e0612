// Connected areas of a label map: the one under a point, and the holes of an object.

import { rect } from "./rect.js";

/**
 * The area of one label around a pixel, by its four neighbours.
 * @returns {{inside: Uint8Array, area: import("./rect.js").Rect, pixels: number, meetsEdge: boolean}}
 */
export function regionAt(map, x, y) {
  const wanted = map.data[y * map.width + x];
  return spread(map, [y * map.width + x], (label) => label === wanted);
}

/** The background pixels that an object's own pixels enclose. @returns the same as `regionAt`, or null for none */
export function holesOf(map, label) {
  const border = [];
  for (let x = 0; x < map.width; x++) border.push(x, (map.height - 1) * map.width + x);
  for (let y = 0; y < map.height; y++) border.push(y * map.width, y * map.width + map.width - 1);
  const outside = spread(map, border, (here) => here !== label);
  const inside = new Uint8Array(map.data.length);
  let [x0, y0, x1, y1, pixels] = [map.width, map.height, 0, 0, 0];
  for (let index = 0; index < inside.length; index++) {
    if (map.data[index] === 0 && !outside.inside[index]) {
      inside[index] = 1;
      pixels++;
      const x = index % map.width;
      const y = (index - x) / map.width;
      [x0, y0, x1, y1] = [Math.min(x0, x), Math.min(y0, y), Math.max(x1, x + 1), Math.max(y1, y + 1)];
    }
  }
  return pixels ? { inside, area: rect(x0, y0, x1, y1), pixels, meetsEdge: false } : null;
}

function spread(map, seeds, belongs) {
  const { width, height, data } = map;
  const inside = new Uint8Array(data.length);
  const open = [...seeds];
  let [x0, y0, x1, y1, pixels] = [width, height, 0, 0, 0];
  while (open.length) {
    const seed = open.pop();
    if (inside[seed] || !belongs(data[seed])) continue;
    const row = seed - (seed % width);
    let from = seed;
    while (from > row && !inside[from - 1] && belongs(data[from - 1])) from--;
    let to = seed + 1;
    while (to < row + width && !inside[to] && belongs(data[to])) to++;
    inside.fill(1, from, to);
    pixels += to - from;
    const y = row / width;
    [x0, y0, x1, y1] = [Math.min(x0, from - row), Math.min(y0, y), Math.max(x1, to - row), Math.max(y1, y + 1)];
    for (const next of [row - width, row + width]) {
      if (next < 0 || next >= data.length) continue;
      // One seed a run is enough: the run is walked from it.
      let isOpen = false;
      for (let index = next + from - row; index < next + to - row; index++) {
        const free = !inside[index] && belongs(data[index]);
        if (free && !isOpen) open.push(index);
        isOpen = free;
      }
    }
  }
  const meetsEdge = x0 === 0 || y0 === 0 || x1 === width || y1 === height;
  return { inside, area: rect(x0, y0, x1, y1), pixels, meetsEdge };
}
