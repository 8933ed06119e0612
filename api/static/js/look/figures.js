// The data of the frame on show, and of all frames as a table for those who read rather than see.

import { h } from "../dom.js";
import { css } from "./colors.js";

const PAGE = 50;

const COLUMNS = ["Centroid x, y", "Box x, y, width, height", "Area px", "Confidence"];
const TERMS = ["Centroid", "Box", "Area", "Confidence"];

/**
 * The objects in the frame on show.
 * @param {{track: import("./track.js").Track, colors: import("./colors.js").Color[], player: any, signal: AbortSignal}} given
 */
export function frameData({ track, colors, player, signal }) {
  const objects = Array.from({ length: track.objects }, (_, index) => {
    const cells = TERMS.map(() => h("dd", { class: "numbers" }));
    const state = h("span", { class: "muted" });
    const element = h("div", {}, h("h3", {}, swatch(colors[index]), track.objects > 1 ? `Object ${index + 1}` : "The object", state),
      h("dl", {}, TERMS.map((name, column) => [h("dt", {}, name), cells[column]])));
    return { element, cells, state };
  });
  const title = h("h2", { id: "frame-data-title" });
  const show = () => {
    title.textContent = `Frame ${player.frame} · ${track.time(player.frame).toFixed(3)} s`;
    objects.forEach(({ cells, state }, index) => {
      const point = track.at(player.frame, index + 1);
      state.textContent = point.present ? "present" : "absent";
      words(point).forEach((text, column) => {
        if (cells[column].textContent !== text) cells[column].textContent = text;
      });
    });
  };
  player.addEventListener("frame", show, { signal });
  show();
  return h("section", { class: "card frame-data", "aria-labelledby": title.id }, title,
    h("div", { class: "object-figures" }, objects.map(({ element }) => element)));
}

function words({ present, centroid, box, area, confidence }) {
  if (!present) return ["–", "–", "0 px", "–"];
  return [
    `x ${centroid[0].toFixed(1)}, y ${centroid[1].toFixed(1)}`,
    `x ${box[0]}, y ${box[1]}, ${box[2]} × ${box[3]}`,
    `${area.toLocaleString("en")} px`,
    confidence.toFixed(2),
  ];
}

function figures({ present, centroid, box, area, confidence }) {
  if (!present) return ["absent", "–", "0", "–"];
  return [
    centroid.map((part) => part.toFixed(1)).join(", "),
    box.join(", "),
    area.toLocaleString("en"),
    confidence.toFixed(2),
  ];
}

function swatch(color) {
  const made = h("span", { class: "swatch", "aria-hidden": "true" });
  made.style.background = css(color);
  return made;
}

/** All frames as a table, page by page; a row's number shows its frame. */
export function frameTable({ track, doubts, player }) {
  const body = h("tbody");
  const place = h("span", { class: "numbers" });
  let first = 0;
  const fill = () => {
    const last = Math.min(track.frames, first + PAGE);
    place.textContent = `Frames ${first} to ${last - 1}`;
    body.replaceChildren(...Array.from({ length: last - first }, (_, index) => rowsOf(first + index)).flat());
  };
  const rowsOf = (frame) => Array.from({ length: track.objects }, (_, index) => h("tr", {},
    h("th", { scope: "row" }, h("button", { class: "link", type: "button", on: { click: () => player.show(frame) } }, String(frame))),
    h("td", {}, track.time(frame).toFixed(3)), h("td", {}, String(index + 1)),
    figures(track.at(frame, index + 1)).map((text) => h("td", {}, text)),
    h("td", {}, index === 0 ? doubts.reasons(frame).join(", ") : "")));
  const turn = (pages) => {
    first = Math.min(Math.max(0, track.frames - 1), Math.max(0, first + pages * PAGE));
    fill();
  };
  const button = (label, pages) => h("button", { class: "button", type: "button", on: { click: () => turn(pages) } }, label);
  const details = h("details", { class: "frame-table" }, h("summary", {}, "All frames as a table"),
    h("div", { class: "row" }, button("Earlier frames", -1), button("Later frames", 1), place),
    h("div", { class: "table-wrap", tabindex: "0", role: "region", "aria-label": "All frames" },
      h("table", { class: "figures numbers" },
        h("thead", {}, h("tr", {}, ["Frame", "Seconds", "Object", ...COLUMNS, "Doubt"].map((name) => h("th", { scope: "col" }, name)))),
        body)));
  details.addEventListener("toggle", () => {
    if (!details.open || body.childElementCount) return;
    first = Math.floor(player.frame / PAGE) * PAGE;
    fill();
  });
  return details;
}
