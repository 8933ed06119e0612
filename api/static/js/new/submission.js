// From a drawn mask to a job: what is still missing, the masks as uploads, and one job however often it is asked for.

import { call } from "../api.js";
import { indexedPng } from "../draw/png.js";
import { uploadWhole } from "../upload.js";

/**
 * What keeps the job from starting, in words, or null.
 * @param {{width: number, height: number}} size
 * @param {number} objects how many there are
 * @param {Map<number, Uint8Array>} masks labels 1 … objects by frame, those with something drawn
 * @returns {{text: string, frame?: number} | null}
 */
export function missing(objects, masks) {
  if (!masks.size) return { text: "Nothing is drawn yet. Mark the object on the first frame: drag a box around it.", frame: 0 };
  if (!masks.has(0)) {
    return { text: "Frame 0 has no mask yet, and following starts there. Draw the object on frame 0 too.", frame: 0 };
  }
  const seen = new Set();
  for (const [frame, labels] of masks) {
    const counts = countsOf(labels);
    if (!counts[0]) return { text: `The mask of frame ${frame} covers the whole picture. Leave the background free.`, frame };
    for (let object = 1; object <= objects; object++) if (counts[object]) seen.add(object);
  }
  for (let object = 1; object <= objects; object++) {
    if (!seen.has(object)) return { text: `Object ${object} has nothing drawn. Draw it, or remove it.` };
  }
  return null;
}

function countsOf(labels) {
  const counts = new Uint32Array(256);
  for (const label of labels) counts[label]++;
  return counts;
}

/** Make the job. @returns {Promise<any>} the job; `key` sent again gets the same one */
export async function submit({ videoId, masks, size, options, key, signal }) {
  const ids = new Map();
  for (const [frame, labels] of masks) {
    const png = await indexedPng(labels, size.width, size.height);
    ids.set(frame, await uploadWhole(png, `mask_${String(frame).padStart(5, "0")}.png`, signal));
  }
  const { 0: mask, ...others } = Object.fromEntries(ids);
  const job = await call("POST", "/v1/jobs", {
    json: { video: videoId, mask, masks: others, options }, headers: { "Idempotency-Key": key }, signal,
  });
  // The job has copies; that these go is no matter of the person's.
  for (const id of [videoId, ...ids.values()]) call("DELETE", `/v1/uploads/${id}`).catch(() => {});
  return job;
}
