// Pictures of a clip's frames: the first from the file itself where the browser can, all from the service.

import { call } from "../api.js";

const PATIENCE_MILLISECONDS = 10_000;
const MOST_KEPT = 6;
const COMPARED_SIDE = 48;
// Mean difference of gray levels from which two pictures are not the same frame, whatever the codec did to them.
const OTHER_PICTURE = 20;

/** The first frame of a file, upright and of its full size, or null where the browser cannot decode it. */
export async function firstFrame(file, signal) {
  const video = document.createElement("video");
  const address = URL.createObjectURL(file);
  Object.assign(video, { muted: true, playsInline: true, preload: "auto" });
  try {
    const isThere = await new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), PATIENCE_MILLISECONDS);
      const end = (result) => () => {
        clearTimeout(timer);
        resolve(result);
      };
      video.addEventListener("loadeddata", end(true));
      video.addEventListener("error", end(false));
      signal.addEventListener("abort", end(false));
      video.src = address;
    });
    if (!isThere || !video.videoWidth) return null;
    return await createImageBitmap(video);
  } catch {
    return null;
  } finally {
    video.removeAttribute("src");
    video.load();
    URL.revokeObjectURL(address);
  }
}

/** Frames of an upload, the last few kept. */
export class UploadFrames {
  constructor(uploadId) {
    this.path = `/v1/uploads/${uploadId}/frames`;
    this.kept = new Map();
  }

  /** @returns {Promise<ImageBitmap>} */
  async fetch(number, signal) {
    const known = this.kept.get(number);
    if (known) return known;
    const bitmap = await createImageBitmap(await call("GET", `${this.path}/${number}`, { signal }));
    this.kept.set(number, bitmap);
    if (this.kept.size > MOST_KEPT) this.kept.delete(this.kept.keys().next().value);
    return bitmap;
  }
}

/** Whether two pictures show the same frame, as far as one can see. */
export function areAlike(one, other) {
  if (one.width !== other.width || one.height !== other.height) return false;
  const [a, b] = [small(one), small(other)];
  let sum = 0;
  for (let at = 0; at < a.length; at += 4) sum += Math.abs(a[at] + a[at + 1] + a[at + 2] - b[at] - b[at + 1] - b[at + 2]) / 3;
  return sum / (a.length / 4) < OTHER_PICTURE;
}

function small(bitmap) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = COMPARED_SIDE;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0, COMPARED_SIDE, COMPARED_SIDE);
  return context.getImageData(0, 0, COMPARED_SIDE, COMPARED_SIDE).data;
}

/** A picture as a JPEG, to keep. @returns {Promise<Blob | null>} */
export function toJpeg(bitmap) {
  const canvas = document.createElement("canvas");
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("2d").drawImage(bitmap, 0, 0);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
}
