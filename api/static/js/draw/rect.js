// Rectangles of whole pixels: x1 and y1 lie outside.

/** @typedef {{x0: number, y0: number, x1: number, y1: number}} Rect */

/** @returns {Rect} */
export function rect(x0, y0, x1, y1) {
  return { x0, y0, x1, y1 };
}

/** The smallest rectangle around both; either may be null. @returns {Rect | null} */
export function union(one, other) {
  if (!one || !other) return one ?? other;
  return rect(
    Math.min(one.x0, other.x0),
    Math.min(one.y0, other.y0),
    Math.max(one.x1, other.x1),
    Math.max(one.y1, other.y1),
  );
}

/** What both share, or null. @returns {Rect | null} */
export function intersection(one, other) {
  const shared = rect(
    Math.max(one.x0, other.x0),
    Math.max(one.y0, other.y0),
    Math.min(one.x1, other.x1),
    Math.min(one.y1, other.y1),
  );
  return shared.x0 < shared.x1 && shared.y0 < shared.y1 ? shared : null;
}

/** The rectangle with a margin around it. @returns {Rect} */
export function grown(area, margin) {
  return rect(area.x0 - margin, area.y0 - margin, area.x1 + margin, area.y1 + margin);
}

/** The rectangle around points with a margin, or null without points. @returns {Rect | null} */
export function around(points, margin) {
  if (!points.length) return null;
  const xs = points.map((point) => point.x);
  const ys = points.map((point) => point.y);
  return grown(rect(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)), margin);
}

/** The rectangle around two corners, in whole pixels. @returns {Rect} */
export function spanned(one, other) {
  return rect(
    Math.floor(Math.min(one.x, other.x)),
    Math.floor(Math.min(one.y, other.y)),
    Math.ceil(Math.max(one.x, other.x)),
    Math.ceil(Math.max(one.y, other.y)),
  );
}

export const width = (area) => area.x1 - area.x0;
export const height = (area) => area.y1 - area.y0;
