// What is known of a job beside its pictures: the video, what was asked, how long it took, and its files.

import { bytes, h, icon, seconds, toast } from "../dom.js";
import { nameOf, when } from "./subject.js";

const STAGES = {
  fetching: "Fetching",
  fine_tuning: "Fine-tuning",
  segmenting: "Segmenting",
  encoding: "Encoding",
  storing: "Storing",
};

const CODECS = { h264: "H.264", hevc: "HEVC (H.265)", vp9: "VP9", vp8: "VP8", av1: "AV1", prores: "ProRes", mpeg4: "MPEG-4" };

const FILES = {
  "overlay.mp4": "Overlay video",
  "preview.mp4": "Source over mask, for the player",
  "masks.zip": "Masks, an indexed PNG a frame (DAVIS)",
  "rle.json": "Masks in COCO's format",
  "track.json": "Track: centroid, box, area, confidence",
  "track.csv": "Track, as a table",
  "poster.jpg": "Poster",
  "alpha.mov": "Cutout with alpha (ProRes 4444)",
  "alpha.webm": "Cutout with alpha (VP9)",
  "manifest.json": "How it was made",
};

function list(title, pairs, ...more) {
  const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return h("section", { class: "card facts" }, h("h2", {}, title),
    h("dl", {}, known.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])), more);
}

/** The video's information: codec, size, rate, length, sound. */
export function videoFacts(job) {
  const { clip, video } = job;
  const audio = clip.audio ?? [];
  const sound = audio.map((track) =>
    `${track.codec.toUpperCase()}, ${(track.sample_rate / 1000).toLocaleString("en")} kHz, ${channels(track.channels)}`);
  return list("Video", [
    ["File", video?.filename],
    ["Size of the file", video?.bytes ? bytes(video.bytes) : null],
    ["Codec", clip.codec ? CODECS[clip.codec] ?? clip.codec : null],
    ["Picture", `${clip.width} × ${clip.height}${clip.pixel_format ? ` (${clip.pixel_format})` : ""}`],
    ["Turned upright by", clip.rotation_degrees ? `${clip.rotation_degrees}°` : null],
    ["Rate", `${rate(clip.average_rate)} frames a second${clip.variable_rate ? ", varying" : ""}`],
    ["Length", clip.duration_seconds ? `${clip.duration_seconds.toFixed(2)} s, ${clip.frames} frames` : `${clip.frames} frames`],
    ["Sound", sound.length ? sound.join("; ") : "none"],
  ]);
}

/** A rate such as "24000/1001" as a number of two digits at most. */
export function rate(text) {
  const [above, below = 1] = String(text).split("/").map(Number);
  return (above / below).toLocaleString("en", { maximumFractionDigits: 2 });
}

function channels(count) {
  return { 1: "mono", 2: "stereo" }[count] ?? `${count} channels`;
}

/** What was asked, and how long each stage took. */
export function askedFacts(job) {
  const { options } = job;
  // its name stands above
  const metadata = Object.entries(job.metadata ?? {}).filter(([, value]) => value !== nameOf(job));
  const drawn = job.annotated_frames ?? [0];
  return list("Asked", [
    ["Preset", options.preset],
    ["Method", options.segmenter && options.segmenter !== "auto" ? options.segmenter : null],
    ["Objects", String(job.objects)],
    ["Drawn frames", drawn.join(", ")],
    ["Colour", color(options.overlay_color)],
    ["Budget", options.budget_seconds ? seconds(options.budget_seconds) : null],
    ["Priority", options.priority && options.priority !== "normal" ? options.priority : null],
    ["Seed", options.seed ? String(options.seed) : null],
    ["Webhook", options.webhook?.url],
    ["Made", when(job.created_at)],
    ["Kept until", job.expires_at ? when(job.expires_at) : null],
    ...metadata,
  ], job.cached ? h("p", { class: "muted" }, "An equal job was done before; these are its results.") : timings(job));
}

function color(value) {
  if (!value) return null;
  const swatch = h("span", { class: "swatch", "aria-hidden": "true" });
  swatch.style.background = value;
  return [swatch, ` ${value}`];
}

function timings(job) {
  const taken = Object.entries(job.timings ?? {}).filter(([, value]) => value > 0);
  const all = taken.reduce((sum, [, value]) => sum + value, 0);
  if (!all) return null;
  const bar = h("div", { class: "stage-bar", "aria-hidden": "true" });
  for (const [stage, value] of taken) {
    const part = h("span", { dataset: { stage } });
    part.style.flexGrow = String(value);
    bar.append(part);
  }
  return [
    h("h3", {}, `Took ${seconds(all)}`), bar,
    h("ul", { class: "stage-times" }, taken.map(([stage, value]) =>
      h("li", {}, h("span", { class: "stage-dot", dataset: { stage }, "aria-hidden": "true" }),
        STAGES[stage] ?? stage, h("span", { class: "numbers muted" }, value < 10 ? `${value.toFixed(1)} s` : seconds(value))))),
  ];
}

/** The files to take away, with their sizes. @param {import("./subject.js").Subject} subject */
export function downloads(subject) {
  const { job } = subject;
  const order = Object.keys(FILES);
  const results = [...job.results].sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
  const gone = job.expires_at && new Date(job.expires_at) < new Date();
  return h("section", { class: "card" }, h("h2", {}, "Downloads"),
    gone ? h("p", {}, "The files have expired.") : h("ul", { class: "downloads" }, results.map((result) => h("li", {},
      h("a", { href: subject.url(result.name), download: `${stem(job)}-${result.name}` }, icon("download"),
        h("span", {}, h("strong", {}, result.name), h("span", { class: "muted" }, FILES[result.name] ?? "")),
        h("span", { class: "numbers muted" }, bytes(result.bytes)))))));
}

function stem(job) {
  return (job.video?.filename ?? "").replace(/\.[^.]*$/, "").replace(/[^\w.-]+/g, "_").slice(0, 60) || job.id.slice(-8);
}

/** A button that copies the job's id. */
export function copyId(job) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(job.id);
      toast("The id is copied.", "ok");
    } catch {
      toast(`The browser lets no page copy here. The id is ${job.id}`, "info");
    }
  };
  return h("button", { class: "button quiet mono", type: "button", title: "Copy the id", "aria-label": `Copy the id ${job.id}`, on: { click: copy } },
    `${job.id.slice(0, 8)}…${job.id.slice(-4)}`, icon("copy"));
}
