// Mask files that a person has: any picture whose flat colours are objects, made into labels.

import { davisColor } from "../look/colors.js";

const MOST_OBJECTS = 20;
// Two colours this close in every channel are one: JPEG rings by about as much around an edge.
const SAME_COLOR = 24;
const LEAST_COVERED = 0.85;
const LEAST_SHARE = 0.0002;

/** Why a picture is no mask, in words for the person. */
export class NotAMask extends Error {}

/** Read a picture of exactly this size. @returns {Promise<{labels: Uint8Array, objects: number}>} */
export async function readMask(file, width, height) {
  let bitmap;
  try {
    bitmap = await createImageBitmap(file, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch {
    throw new NotAMask("This file is not a picture that the browser can read. Save the mask as a PNG.");
  }
  if (bitmap.width !== width || bitmap.height !== height) {
    const sizes = `This mask is ${bitmap.width}×${bitmap.height}, the frame is ${width}×${height}`;
    throw new NotAMask(`${sizes}. Save the mask at the frame's size, without cropping or scaling.`);
  }
  const canvas = document.createElement("canvas");
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  return labelsOf(new Uint32Array(context.getImageData(0, 0, width, height).data.buffer), width);
}

/** Labels of pixels (A B G R from the highest byte down). */
export function labelsOf(pixels, width) {
  const colors = apart(flatColors(pixels, width), pixels.length);
  if (colors.length > MOST_OBJECTS + 1) {
    throw new NotAMask(`This picture has more than ${MOST_OBJECTS} flat colours; a mask has one for each object.`);
  }
  const background = backgroundOf(colors, pixels, width);
  const objects = colors.filter((color) => color !== background).sort(byNumber);
  if (!objects.length) throw new NotAMask("This mask is empty: all of it is background.");
  return { labels: assigned(pixels, [background, ...objects]), objects: objects.length };
}

/** Colours of pixels that look like the one to the right and the one below, the most frequent first. */
function flatColors(pixels, width) {
  const counts = new Map();
  for (let index = 0; index + width < pixels.length; index++) {
    const color = opaque(pixels[index]);
    if (color === opaque(pixels[index + 1]) && color === opaque(pixels[index + width])) {
      counts.set(color, (counts.get(color) ?? 0) + 1);
    }
  }
  return [...counts].sort((one, other) => other[1] - one[1]).slice(0, 4096);
}

/** What is more than half transparent is background, like black. */
const opaque = (pixel) => (pixel >>> 24 < 128 ? 0 : pixel & 0xffffff);

/** The colours of areas. Where there are many, the rare ones are shades of soft edges. */
function apart(counted, pixels) {
  const few = counted.length <= MOST_OBJECTS + 1;
  const least = few ? 1 : Math.max(16, pixels * LEAST_SHARE);
  const chosen = [];
  for (const [color, count] of counted) {
    if (chosen.length > MOST_OBJECTS + 1 || count < least) break;
    if (chosen.every((other) => distance(color, other) > (few ? 0 : SAME_COLOR))) chosen.push(color);
  }
  return chosen;
}

function backgroundOf(colors, pixels, width) {
  const black = colors.find((color) => color === 0) ?? (colors.length > 1 ? colors.find(isDark) : undefined);
  if (black !== undefined) return black;
  const counts = new Map();
  for (let x = 0; x < width; x++) {
    for (const index of [x, pixels.length - width + x]) {
      const color = opaque(pixels[index]);
      counts.set(color, (counts.get(color) ?? 0) + 1);
    }
  }
  return colors.reduce((most, color) => ((counts.get(color) ?? 0) > (counts.get(most) ?? 0) ? color : most), colors[0]);
}

const isDark = (color) => Math.max(...channels(color)) <= SAME_COLOR && Math.max(...channels(color)) > MOST_OBJECTS;

function assigned(pixels, colors) {
  const known = new Map(); // of each colour: its label, and 256 where that is nearly its colour
  const labels = new Uint8Array(pixels.length);
  let near = 0;
  for (let index = 0; index < pixels.length; index++) {
    const color = opaque(pixels[index]);
    let found = known.get(color);
    if (found === undefined) {
      const label = nearest(color, colors);
      found = label | (distance(color, colors[label]) <= SAME_COLOR ? 256 : 0);
      known.set(color, found);
    }
    labels[index] = found & 255;
    near += found >> 8;
  }
  if (near < LEAST_COVERED * pixels.length) {
    throw new NotAMask(
      "This is a photograph or a drawing, not a mask. A mask has each object in one flat colour on black.",
    );
  }
  return labels;
}

function nearest(color, colors) {
  let best = 0;
  colors.forEach((other, label) => {
    if (squared(color, other) < squared(color, colors[best])) best = label;
  });
  return best;
}

/** Objects are numbered as the DAVIS palette numbers its colours, and all others by brightness. */
function byNumber(one, other) {
  const rank = (color) => PALETTE.get(color) ?? 256 + channels(color).reduce((sum, part) => sum + part, 0);
  return rank(one) - rank(other);
}

const PALETTE = new Map(
  Array.from({ length: MOST_OBJECTS }, (_, index) => {
    const [red, green, blue] = davisColor(index + 1);
    return [(blue << 16) | (green << 8) | red, index + 1];
  }),
);

const channels = (color) => [color & 255, (color >> 8) & 255, color >> 16];
const distance = (one, other) => Math.max(...differences(one, other).map(Math.abs));
const squared = (one, other) => differences(one, other).reduce((sum, part) => sum + part * part, 0);

function differences(one, other) {
  const [a, b] = [channels(one), channels(other)];
  return a.map((part, channel) => part - b[channel]);
}
