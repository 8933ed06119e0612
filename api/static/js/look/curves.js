// Curves over frames, thinned to the columns of a picture so that no peak is lost.

/**
 * The least and greatest of some values in each column.
 * @param {ArrayLike<number>} values One a frame; NaN where there is none.
 * @param {number} columns
 * @returns {{least: Float32Array, greatest: Float32Array}} NaN where a column has none.
 */
export function extremes(values, columns) {
  const least = new Float32Array(columns).fill(NaN);
  const greatest = new Float32Array(columns).fill(NaN);
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (Number.isNaN(value)) continue;
    const column = Math.min(columns - 1, Math.floor((index * columns) / values.length));
    if (!(least[column] <= value)) least[column] = value;
    if (!(greatest[column] >= value)) greatest[column] = value;
  }
  return { least, greatest };
}

/**
 * Draws values as a line; where many frames share a column, as the band between their extremes.
 * @param {CanvasRenderingContext2D} context With its stroke style set.
 * @param {ArrayLike<number>} values
 * @param {{left: number, top: number, width: number, height: number, most: number}} place `most` is at its top.
 */
export function drawCurve(context, values, { left, top, width, height, most }) {
  const y = (value) => top + height - (Math.min(value, most) / most) * height;
  context.beginPath();
  if (values.length <= width) line(context, values, (index) => left + ((index + 0.5) * width) / values.length, y);
  else band(context, extremes(values, Math.floor(width)), left, y);
  context.stroke();
}

function line(context, values, x, y) {
  let drawing = false;
  for (let index = 0; index < values.length; index++) {
    const value = values[index];
    if (Number.isNaN(value)) drawing = false;
    else if (drawing) context.lineTo(x(index), y(value));
    else {
      // a lone frame is a dot
      context.moveTo(x(index) - 0.5, y(value));
      context.lineTo(x(index), y(value));
      drawing = true;
    }
  }
}

function band(context, { least, greatest }, left, y) {
  let drawing = false;
  for (let column = 0; column < least.length; column++) {
    if (Number.isNaN(least[column])) {
      drawing = false;
      continue;
    }
    const x = left + column + 0.5;
    if (drawing) context.lineTo(x, y(greatest[column]));
    else context.moveTo(x, y(greatest[column]));
    context.lineTo(x, y(least[column]) + 0.01);
    drawing = true;
  }
}
