// How far the masks before and after a correction agree, frame by frame.

// What a page should not read only to draw a curve.
const MOST_BYTES = 24 * 1024 * 1024;

/**
 * The overlap (intersection over union) of all objects before and after, one number a frame, and its name.
 * Exact where both jobs have rle.json of bearable size; else that of the boxes.
 * @param {import("./subject.js").Subject} after @param {import("./subject.js").Subject} before
 * @param {import("./track.js").Track} afterTrack @param {import("./track.js").Track} beforeTrack
 * @param {AbortSignal} signal
 */
export async function agreement(after, before, afterTrack, beforeTrack, signal) {
  if (bearable(after.job) && bearable(before.job)) {
    const [one, other] = await Promise.all([after.json("rle.json", signal), before.json("rle.json", signal)]);
    return { values: ofMasks(masks(one), masks(other), afterTrack), name: "Agreement of before and after (IoU), 0 to 1" };
  }
  return { values: ofBoxes(afterTrack, beforeTrack), name: "Agreement of the boxes before and after (IoU), 0 to 1" };
}

function bearable(job) {
  const found = job.results.find((result) => result.name === "rle.json");
  return Boolean(found) && found.bytes <= MOST_BYTES;
}

/** The runs of each object in each frame: `frame:object` to run ends. */
function masks(json) {
  const frames = new Map(json.images.map((image) => [image.id, image.frame_index ?? image.id - 1]));
  return new Map(json.annotations.map((annotation) =>
    [`${frames.get(annotation.image_id)}:${annotation.track_id ?? annotation.category_id}`, annotation.segmentation.counts]));
}

function ofMasks(one, other, track) {
  return Float32Array.from({ length: track.frames }, (_, frame) => {
    let both = 0;
    let either = 0;
    for (let object = 1; object <= track.objects; object++) {
      const found = overlap(runs(one.get(`${frame}:${object}`)), runs(other.get(`${frame}:${object}`)));
      both += found.both;
      either += found.either;
    }
    return either ? both / either : 1;
  });
}

/** COCO's packed run lengths as a list: off, on, off … in pixels, column by column. */
export function runs(packed) {
  if (!packed) return [];
  const found = [];
  for (let index = 0; index < packed.length; ) {
    let value = 0;
    let shift = 0;
    let more = true;
    while (more) {
      const code = packed.charCodeAt(index++) - 48;
      value |= (code & 0x1f) << shift;
      more = (code & 0x20) !== 0;
      shift += 5;
      if (!more && code & 0x10 && shift < 32) value |= -1 << shift;
    }
    // from the fourth on, each is told by its difference to the one two before
    found.push(found.length > 2 ? value + found[found.length - 2] : value);
  }
  return found;
}

/** Pixels in both of two run lists, and in either. */
export function overlap(one, other) {
  const area = (list) => list.reduce((sum, run, index) => sum + (index % 2 ? run : 0), 0);
  let both = 0;
  let [i, j] = [0, 0];
  let [left, right] = [one[0] ?? Infinity, other[0] ?? Infinity];
  while (i < one.length && j < other.length) {
    const run = Math.min(left, right);
    if (i % 2 && j % 2) both += run;
    left -= run;
    right -= run;
    // a run of nothing is passed at once
    if (left === 0) left = one[++i] ?? Infinity;
    if (right === 0) right = other[++j] ?? Infinity;
  }
  return { both, either: area(one) + area(other) - both };
}

function ofBoxes(after, before) {
  return Float32Array.from({ length: after.frames }, (_, frame) => {
    const shares = Array.from({ length: after.objects }, (_, index) =>
      ofTwo(after.at(frame, index + 1).box, frame < before.frames && index < before.objects ? before.at(frame, index + 1).box : null));
    return shares.reduce((sum, share) => sum + share, 0) / shares.length;
  });
}

function ofTwo(one, other) {
  if (!one || !other) return one || other ? 0 : 1;
  const wide = Math.min(one[0] + one[2], other[0] + other[2]) - Math.max(one[0], other[0]);
  const high = Math.min(one[1] + one[3], other[1] + other[3]) - Math.max(one[1], other[1]);
  const both = Math.max(0, wide) * Math.max(0, high);
  return both / (one[2] * one[3] + other[2] * other[3] - both);
}
