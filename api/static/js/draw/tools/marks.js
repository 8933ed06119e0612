// Lines that are seen on any picture: white, with a dark rim.

import { around } from "../rect.js";

const RIM = "rgb(0 0 0 / 75%)";
const REACH = 11;

/** Stroke a path twice, as a rim and as a line. @param {() => void} path adds to the context's path */
export function outlined(context, width, path) {
  for (const [style, wide] of [[RIM, width + 2], ["#fff", width]]) {
    context.strokeStyle = style;
    context.lineWidth = wide;
    context.beginPath();
    path();
    context.stroke();
  }
}

/** A cross where the pointer or the keyboard's cursor is. @param {{x: number, y: number} | null} cursor in the frame */
export function crosshair(context, view, cursor) {
  if (!cursor) return;
  const { x, y } = view.toStage(cursor.x, cursor.y);
  outlined(context, 1.5, () => {
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      context.moveTo(x + dx * 3, y + dy * 3);
      context.lineTo(x + dx * REACH, y + dy * REACH);
    }
  });
}

/** What a crosshair covers on the stage. */
export function crosshairBounds(view, cursor) {
  return cursor ? around([view.toStage(cursor.x, cursor.y)], REACH + 3) : null;
}
