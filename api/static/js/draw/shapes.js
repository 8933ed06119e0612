// Shapes filled into a label map: the path of a round brush, and polygons.

import { rect } from "./rect.js";

/** Fill all pixels whose centre is within `radius` of the line from one point to another. */
export function fillStroke(map, from, to, radius, label) {
  const top = Math.max(0, Math.floor(Math.min(from.y, to.y) - radius));
  const bottom = Math.min(map.height - 1, Math.ceil(Math.max(from.y, to.y) + radius));
  for (let y = top; y <= bottom; y++) {
    const span = capsuleSpan(from, to, radius, y + 0.5);
    if (span) map.fillRun(y, Math.ceil(span[0] - 0.5), Math.floor(span[1] - 0.5) + 1, label);
  }
  // The pixel under a thin brush is always painted, even where the brush misses its centre.
  map.fillRun(Math.floor(to.y), Math.floor(to.x), Math.floor(to.x) + 1, label);
  const left = Math.floor(Math.min(from.x, to.x) - radius) - 1;
  const right = Math.ceil(Math.max(from.x, to.x) + radius) + 1;
  map.touch(rect(left, Math.min(top, Math.floor(to.y)), right, Math.max(bottom, Math.floor(to.y)) + 1));
}

/** Where a row meets the points within `radius` of a line: the two ends are discs, between them is a strip. */
function capsuleSpan(from, to, radius, y) {
  let low = Infinity;
  let high = -Infinity;
  for (const end of [from, to]) {
    const reach = radius * radius - (y - end.y) ** 2;
    if (reach < 0) continue;
    low = Math.min(low, end.x - Math.sqrt(reach));
    high = Math.max(high, end.x + Math.sqrt(reach));
  }
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  if (length > 0) {
    const nx = (-(to.y - from.y) / length) * radius;
    const ny = ((to.x - from.x) / length) * radius;
    const corners = [
      { x: from.x + nx, y: from.y + ny },
      { x: to.x + nx, y: to.y + ny },
      { x: to.x - nx, y: to.y - ny },
      { x: from.x - nx, y: from.y - ny },
    ];
    for (const x of crossings(corners, y)) {
      low = Math.min(low, x);
      high = Math.max(high, x);
    }
  }
  return low <= high ? [low, high] : null;
}

/** Fill a polygon, by the even-odd rule. @param {{x: number, y: number}[]} points */
export function fillPolygon(map, points, label) {
  const ys = points.map((point) => point.y);
  const xs = points.map((point) => point.x);
  const top = Math.max(0, Math.floor(Math.min(...ys)));
  const bottom = Math.min(map.height - 1, Math.ceil(Math.max(...ys)));
  for (let y = top; y <= bottom; y++) {
    const cuts = crossings(points, y + 0.5).sort((a, b) => a - b);
    for (let pair = 0; pair + 1 < cuts.length; pair += 2) {
      map.fillRun(y, Math.ceil(cuts[pair] - 0.5), Math.floor(cuts[pair + 1] - 0.5) + 1, label);
    }
  }
  map.touch(rect(Math.floor(Math.min(...xs)) - 1, top, Math.ceil(Math.max(...xs)) + 1, bottom + 1));
}

function crossings(points, y) {
  const found = [];
  for (let index = 0; index < points.length; index++) {
    const one = points[index];
    const other = points[(index + 1) % points.length];
    if (one.y <= y !== other.y <= y) {
      found.push(one.x + ((y - one.y) / (other.y - one.y)) * (other.x - one.x));
    }
  }
  return found;
}
