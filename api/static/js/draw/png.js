// Masks as PNG files: indexed, in the DAVIS palette, so that the numbers of the objects are the pixels' values.

import { davisColor } from "../look/colors.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const GRAY = 0;
const INDEXED = 3;

/** Labels as an indexed PNG. @param {Uint8Array} labels @returns {Promise<Blob>} */
export function indexedPng(labels, width, height) {
  const palette = Uint8Array.from({ length: 768 }, (_, at) => davisColor(Math.floor(at / 3))[at % 3]);
  return png(labels, width, height, INDEXED, [chunk("PLTE", palette)]);
}

/** Levels as an 8-bit gray PNG. @param {Uint8Array} levels @returns {Promise<Blob>} */
export function grayPng(levels, width, height) {
  return png(levels, width, height, GRAY, []);
}

async function png(pixels, width, height, kind, between) {
  const head = new Uint8Array(13);
  const view = new DataView(head.buffer);
  view.setUint32(0, width);
  view.setUint32(4, height);
  head[8] = 8;
  head[9] = kind;
  const rows = new Uint8Array((width + 1) * height); // each row begins with its filter: 0, none
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  const parts = [
    Uint8Array.from(SIGNATURE),
    chunk("IHDR", head),
    ...between,
    chunk("IDAT", await deflated(rows)),
    chunk("IEND", new Uint8Array(0)),
  ];
  return new Blob(parts, { type: "image/png" });
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(name, data) {
  const bytes = new Uint8Array(data.length + 12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, data.length);
  for (let at = 0; at < 4; at++) bytes[4 + at] = name.charCodeAt(at);
  bytes.set(data, 8);
  view.setUint32(data.length + 8, checksum(bytes.subarray(4, data.length + 8)));
  return bytes;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function checksum(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 255] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}
