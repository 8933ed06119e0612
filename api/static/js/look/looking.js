// A finished job: its player, timeline, data, path, facts and files.

import { Problem, call, jobUrl } from "../api.js";
import { h } from "../dom.js";
import { agreement } from "./agreement.js";
import { FrameClock } from "./clock.js";
import { objectColors } from "./colors.js";
import { KEYS, listenToKeys } from "./controls.js";
import { Doubts } from "./doubt.js";
import { askedFacts, downloads, videoFacts } from "./facts.js";
import { frameData, frameTable } from "./figures.js";
import { PlainPlayer } from "./plain.js";
import { Player } from "./player.js";
import { Subject } from "./subject.js";
import { Timeline } from "./timeline.js";
import { Track } from "./track.js";
import { Trajectory } from "./trajectory.js";

/**
 * @param {import("./subject.js").Subject} subject
 * @param {AbortSignal} signal
 * @returns {Promise<{element: HTMLElement, player: any}>}
 */
export async function looking(subject, signal) {
  const { job } = subject;
  const [track, before] = await Promise.all([trackOf(subject, signal), parentOf(subject, signal)]);
  const beforeTrack = before ? await trackOf(before, signal) : null;
  const clock = track?.clock ?? FrameClock.steady(job.clip.frames, job.clip.average_rate);
  const player = subject.has("preview.mp4")
    ? fullPlayer(subject, before, clock, signal)
    : new PlainPlayer(subject, clock, signal);
  const watch = h("section", { class: "card look-player", "aria-label": "Player and timeline" }, player.element);
  const side = h("div", { class: "look-side" });
  const element = h("div", { class: "looking" }, h("div", { class: "look-main" }, watch), side);
  let timeline = null;
  if (track) {
    timeline = addTrack({ subject, before, track, beforeTrack, player, watch, side, signal });
    element.firstElementChild.append(new Trajectory({ track, colors: objectColors(job), player, signal }).element);
  } else {
    watch.append(h("p", { class: "muted" }, "Without track.json among its outputs a job has no timeline and no path."));
  }
  watch.append(keysHelp());
  side.append(downloads(subject), askedFacts(job), videoFacts(job));
  listenToKeys(watch, player, { doubtful: timeline ? (direction) => timeline.doubtful(direction) : null, signal });
  return { element, player };
}

function fullPlayer(subject, before, clock, signal) {
  const { job } = subject;
  return new Player({
    url: subject.url("preview.mp4"),
    beforeUrl: before?.has("preview.mp4") ? before.url("preview.mp4") : null,
    clock,
    colors: objectColors(job),
    beforeColors: before ? objectColors(before.job) : undefined,
    size: upright(job.clip),
    hasSound: (job.clip.audio ?? []).length > 0,
    signal,
  });
}

function upright({ width, height, sample_aspect_ratio: ratio }) {
  const [wide = 1, high = 1] = String(ratio ?? "1/1").split(/[/:]/).map(Number);
  return { width: Math.round((width * wide) / high) || width, height };
}

function addTrack({ subject, before, track, beforeTrack, player, watch, side, signal }) {
  const { job } = subject;
  const annotated = job.annotated_frames ?? [0];
  const colors = objectColors(job);
  const doubts = new Doubts(track, annotated);
  const timeline = new Timeline({ track, doubts, colors, annotated, before: beforeTrack, player, signal });
  if (beforeTrack) timeline.element.classList.add("compared");
  watch.append(...[timeline.element, doubtList(doubts, player), frameTable({ track, doubts, player })].filter(Boolean));
  side.append(frameData({ track, colors, player, signal }));
  if (beforeTrack) {
    agreement(subject, before, track, beforeTrack, signal)
      .then(({ values, name }) => timeline.compare(values, name))
      .catch((error) => signal.aborted || console.warn(error));
  }
  return timeline;
}

const MOST_LISTED = 60;

function doubtList(doubts, player) {
  if (!doubts.runs.length) return null;
  const items = doubts.runs.slice(0, MOST_LISTED).map((run) => h("li", {}, h("button", {
    class: "button", type: "button", on: { click: () => player.show(run.first) },
  }, run.first === run.last ? `Frame ${run.first}` : `Frames ${run.first} to ${run.last}`,
  h("span", { class: "muted" }, run.reasons.join(", ")))));
  const more = doubts.runs.length - items.length;
  return h("details", { class: "doubt-list" }, h("summary", {}, "Doubtful frames as a list"), h("ul", {}, items),
    more > 0 ? h("p", { class: "muted" }, `And ${more} more; the buttons above the timeline lead to all.`) : null);
}

function keysHelp() {
  return h("details", { class: "keys" }, h("summary", {}, "Keys"),
    h("dl", {}, KEYS.map(([keys, does]) => [h("dt", {}, keys), h("dd", {}, does)])),
    h("p", { class: "muted" }, "They work while the player or the timeline has the focus."));
}

async function trackOf(subject, signal) {
  if (!subject.has("track.json")) return null;
  try {
    return new Track(await subject.json("track.json", signal));
  } catch (error) {
    if (signal.aborted || !isGone(error)) throw error;
    return null;
  }
}

/** The job that this one corrects, where it is still there with its files. */
async function parentOf(subject, signal) {
  const { refines } = subject.job;
  if (!refines || subject.readOnly) return null;
  try {
    const job = await call("GET", jobUrl(refines), { signal });
    return job.status === "succeeded" && job.results.length ? new Subject(job) : null;
  } catch (error) {
    if (signal.aborted || !isGone(error)) throw error;
    return null;
  }
}

/** What is deleted or expired is missing for good; any other trouble may pass, and is said. */
function isGone(error) {
  return error instanceof Problem && [404, 410].includes(error.status);
}
