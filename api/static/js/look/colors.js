// Colours of objects as the service paints them: the asked one first, then those of the DAVIS palette that differ.

// Two tints closer than this (in RGB steps) look alike under half-transparent paint.
const DISTINCT = 110;

/** @typedef {[number, number, number]} Color Red, green and blue, 0 to 255. */

/** The DAVIS palette's colour of a label. @returns {Color} */
export function davisColor(label) {
  const channel = (offset) => {
    let value = 0;
    for (let shift = offset, place = 0; shift < 8; shift += 3, place++) {
      value |= ((label >> shift) & 1) << (7 - place);
    }
    return value;
  };
  return [channel(0), channel(1), channel(2)];
}

/** The colours of objects 1, 2 … of a job. @returns {Color[]} */
export function objectColors(job) {
  const first = parseHex(job.options?.overlay_color ?? "#1e90ff");
  const objects = Math.max(1, job.objects || 1);
  const chosen = [first];
  const palette = Array.from({ length: 255 }, (_, index) => lightened(davisColor(index + 1)));
  for (const color of palette) {
    if (chosen.length < objects && chosen.every((other) => distance(color, other) >= DISTINCT)) chosen.push(color);
  }
  for (let index = 0; chosen.length < objects; index++) chosen.push(palette[index % palette.length]);
  return chosen.slice(0, objects);
}

/** A colour for CSS and canvas. */
export function css([red, green, blue], alpha = 1) {
  return `rgb(${red} ${green} ${blue} / ${alpha})`;
}

/** The colour moved towards black or white until a thin line of it is seen on a background. @returns {Color} */
export function readable(color, onDark) {
  const wanted = onDark ? 0.3 : 0.24;
  let [red, green, blue] = color;
  for (let step = 0; step < 12; step++) {
    const light = luminance([red, green, blue]);
    if (onDark ? light >= wanted : light <= wanted) break;
    const move = (part) => Math.round(onDark ? part + (255 - part) * 0.15 : part * 0.88);
    [red, green, blue] = [move(red), move(green), move(blue)];
  }
  return [red, green, blue];
}

/** The colour in which preview.mp4 has it, as worker/colors.py does: the darkest are lightened. @returns {Color} */
export function onBlack(color) {
  const lack = Math.max(0, 96 - Math.max(...color));
  return color.map((part) => part + lack);
}

function luminance(color) {
  const [red, green, blue] = color.map((part) => (part / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function parseHex(text) {
  const value = Number.parseInt(String(text).slice(1), 16) || 0;
  return [value >> 16, (value >> 8) & 255, value & 255];
}

// Twice as bright, and softened, as worker/colors.py does; halves are rounded to even there.
function lightened(color) {
  return color.map((part) => Math.round(46 + Math.min(2 * part, 255) * 0.72));
}

function distance(one, other) {
  return Math.hypot(one[0] - other[0], one[1] - other[1], one[2] - other[2]);
}
