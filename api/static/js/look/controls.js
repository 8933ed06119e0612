// The player's controls: transport, views, and the keys that do the same.

import { h, icon } from "../dom.js";
import { GROUNDS, VIEWS } from "./compositor.js";

const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 4];
const LEAP = 10;

const COMPARISONS = [
  { name: "wipe", label: "Wipe" },
  { name: "beside", label: "Beside" },
  { name: "before", label: "Before" },
  { name: "after", label: "After" },
];

/** The keys, for those who want to read them. */
export const KEYS = [
  ["Space", "play or pause"],
  ["← →", "one frame back or on; with Shift, ten"],
  ["Home, End", "first or last frame"],
  ["1 to 5", "source, overlay, mask, cutout, side by side"],
  ["P, N", "previous or next doubtful frame"],
  ["L, M, F", "loop, mute, full screen"],
];

/**
 * @param {import("./player.js").Player} player
 * @param {{hasSound: boolean, compares: boolean, signal: AbortSignal}} given
 */
export function controls(player, { hasSound, compares, signal }) {
  const transport = h("div", { class: "player-row", role: "group", "aria-label": "Playing" }, [
    ...transportButtons(player, signal),
    frameField(player, signal),
    h("div", { class: "player-end" }, speed(player), ...extras(player, hasSound, signal)),
  ]);
  const looks = h("div", { class: "player-row" }, [
    choice(player, "View", "view", VIEWS, signal),
    // one place for both: the rows below must not jump
    h("div", { class: "player-options" }, opacity(player, signal), ground(player, signal)),
  ]);
  const rows = [transport, looks];
  if (compares) rows.push(h("div", { class: "player-row" }, comparison(player, signal)));
  return h("div", { class: "player-controls" }, rows);
}

/** Lets keys move the player while something inside an element has the focus. */
export function listenToKeys(element, player, { doubtful, signal }) {
  const press = (label) => element.querySelector(`[data-press="${label}"]`)?.click();
  const acts = {
    " ": () => player.toggle(),
    ArrowLeft: (event) => player.step(event.shiftKey ? -LEAP : -1),
    ArrowRight: (event) => player.step(event.shiftKey ? LEAP : 1),
    Home: () => player.show(0),
    End: () => player.show(player.clock.frames - 1),
    n: () => doubtful?.(1),
    p: () => doubtful?.(-1),
    l: () => press("loop"),
    m: () => press("mute"),
    f: () => press("full"),
  };
  VIEWS.forEach(({ name }, index) => {
    acts[String(index + 1)] = () => player.change({ view: name });
  });
  element.addEventListener(
    "keydown",
    (event) => {
      const act = acts[event.key] ?? acts[event.key.toLowerCase()];
      if (!act || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("input, select, textarea, summary, [role='application']")) return;
      if (event.key === " " && event.target.closest("button, a")) return;
      event.preventDefault();
      act(event);
    },
    { signal },
  );
}

function button(name, label, act, props = {}) {
  return h("button", { class: "icon", type: "button", "aria-label": label, title: label, on: { click: act }, ...props }, icon(name));
}

function transportButtons(player, signal) {
  const play = button("play", "Play", () => player.toggle());
  const show = () => {
    const playing = player.isPlaying;
    play.replaceChildren(icon(playing ? "pause" : "play"));
    play.title = playing ? "Pause" : "Play";
    play.setAttribute("aria-label", play.title);
  };
  player.addEventListener("state", show, { signal });
  return [
    button("first", "First frame", () => player.show(0)),
    button("previous", "Previous frame", () => player.step(-1)),
    play,
    button("next", "Next frame", () => player.step(1)),
    button("last", "Last frame", () => player.show(player.clock.frames - 1)),
  ];
}

function frameField(player, signal) {
  const last = player.clock.frames - 1;
  const field = h("input", { type: "number", min: "0", max: String(last), step: "1", value: "0", "aria-label": `Frame, 0 to ${last}` });
  const time = h("span", { class: "numbers muted" });
  const show = () => {
    if (document.activeElement !== field || player.isPlaying) field.value = String(player.frame);
    time.textContent = `/ ${last} · ${clock(player.clock.times[player.frame])}`;
  };
  field.addEventListener("change", () => Number.isFinite(field.valueAsNumber) && player.show(field.valueAsNumber), { signal });
  player.addEventListener("frame", show, { signal });
  show();
  return h("span", { class: "player-frame" }, h("span", { "aria-hidden": "true" }, "Frame"), field, time);
}

/** 65.25 -> "1:05.250". */
export function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(3).padStart(6, "0")}`;
}

function speed(player) {
  const select = h(
    "select",
    { "aria-label": "Speed", title: "Speed", on: { change: () => { player.speed = Number(select.value); } } },
    SPEEDS.map((rate) => h("option", { value: String(rate), selected: rate === 1 }, `${rate}×`)),
  );
  return select;
}

function extras(player, hasSound, signal) {
  const { video } = player.video;
  const loop = button("loop", "Loop", () => {
    video.loop = !video.loop;
    loop.setAttribute("aria-pressed", String(video.loop));
  }, { "aria-pressed": "false", dataset: { press: "loop" } });
  const found = [loop];
  if (hasSound) found.push(muting(video, signal));
  found.push(button("full", "Full screen", () => fullScreen(player.element), { dataset: { press: "full" } }));
  return found;
}

function muting(video, signal) {
  const mute = button("sound", "Mute", () => { video.muted = !video.muted; }, { dataset: { press: "mute" } });
  const show = () => {
    mute.replaceChildren(icon(video.muted ? "mute" : "sound"));
    mute.title = video.muted ? "Sound on" : "Mute";
    mute.setAttribute("aria-label", mute.title);
  };
  video.addEventListener("volumechange", show, { signal });
  return mute;
}

function fullScreen(element) {
  if (document.fullscreenElement) document.exitFullscreen();
  else if (element.requestFullscreen) element.requestFullscreen().catch(() => element.classList.toggle("maximised"));
  // telephones have no full screen for anything but a video's own controls
  else element.classList.toggle("maximised");
}

function choice(player, label, property, choices, signal) {
  const buttons = choices.map(({ name, label: text }, index) =>
    h("button", {
      class: "button", type: "button", dataset: { choice: name },
      title: property === "view" ? `${text} (key ${index + 1})` : null,
      on: { click: () => player.change({ [property]: name }) },
    }, text));
  const show = () => buttons.forEach((made) =>
    made.setAttribute("aria-pressed", String(made.dataset.choice === player.look[property])));
  player.addEventListener("look", show, { signal });
  show();
  return h("div", { class: "segments", role: "group", "aria-label": label }, buttons);
}

function opacity(player, signal) {
  const input = h("input", {
    type: "range", min: "0", max: "100", value: String(Math.round(100 * player.look.opacity)),
    on: { input: () => player.change({ opacity: input.valueAsNumber / 100 }) },
  });
  return shownFor(player, ["overlay", "side"], h("label", { class: "player-option" }, "Opacity", input), signal);
}

function ground(player, signal) {
  const select = h(
    "select",
    { on: { change: () => player.change({ ground: select.value }) } },
    GROUNDS.map(({ name, label }) => h("option", { value: name, selected: name === player.look.ground }, label)),
  );
  return shownFor(player, ["cutout"], h("label", { class: "player-option" }, "Ground", select), signal);
}

function shownFor(player, views, element, signal) {
  const show = () => element.classList.toggle("is-away", !views.includes(player.look.view));
  player.addEventListener("look", show, { signal });
  show();
  return element;
}

function comparison(player, signal) {
  const wipe = h("input", {
    type: "range", min: "0", max: "100", value: "50",
    on: { input: () => player.change({ wipe: wipe.valueAsNumber / 100 }) },
  });
  const label = h("label", { class: "player-option" }, "Before | after", wipe);
  const show = () => {
    label.classList.toggle("is-away", player.look.compare !== "wipe");
    wipe.value = String(Math.round(100 * player.look.wipe));
  };
  player.addEventListener("look", show, { signal });
  return [choice(player, "Before and after", "compare", COMPARISONS, signal), h("div", { class: "player-options" }, label)];
}
