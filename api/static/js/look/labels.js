// The service's own masks as labels: pictures in the DAVIS palette, whose colours are the objects' numbers.

import { davisColor } from "./colors.js";

/**
 * Labels of a mask that the service made, 0 for background and 1, 2 … for the objects.
 * @param {Blob} png
 * @returns {Promise<Uint8Array>}
 */
export async function labelsOf(png) {
  const picture = await createImageBitmap(png, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = document.createElement("canvas");
  canvas.width = picture.width;
  canvas.height = picture.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0);
  picture.close();
  const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  return Uint8Array.from(pixels, (pixel) => LABELS.get(pixel & 0xffffff) ?? 0);
}

const LABELS = new Map(Array.from({ length: 256 }, (_, label) => {
  const [red, green, blue] = davisColor(label);
  return [(blue << 16) | (green << 8) | red, label];
}));
