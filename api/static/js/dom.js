// Elements, messages and dialogs: the few things that every view makes.

import { ICONS } from "./icons.js";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. Text goes in as text, never as markup.
 * @param {string} tag
 * @param {Object<string, any>} [props] attributes; `on` holds listeners, `dataset` data; null and false are left out
 * @param {...(Node|string|number|null|undefined|false|Array)} children
 * @returns {HTMLElement}
 */
export function h(tag, props = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name === "on") for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
    else if (name === "dataset") Object.assign(made.dataset, value);
    else if (name === "class") made.className = value;
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/** @param {Element} element */
export function clear(element) {
  element.replaceChildren();
}

/**
 * A drawing for a button; whoever uses it gives the button its words.
 * @param {string} name of `ICONS`
 */
export function icon(name) {
  const made = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({
    viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "2",
    "stroke-linecap": "round", "stroke-linejoin": "round", "aria-hidden": "true", focusable: "false",
  })) made.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? "");
  made.append(path);
  return made;
}

const TOAST_MILLISECONDS = 6000;

/**
 * A short message that goes by itself, but for bad news.
 * @param {string} text
 * @param {"ok"|"bad"|"info"} [kind]
 */
export function toast(text, kind = "info") {
  const made = h("div", { class: `toast ${kind}`, role: kind === "bad" ? "alert" : "status" }, h("span", {}, text));
  const close = h("button", { type: "button", "aria-label": "Dismiss", on: { click: () => made.remove() } }, "×");
  made.append(close);
  document.getElementById("toasts").append(made);
  if (kind !== "bad") setTimeout(() => made.remove(), TOAST_MILLISECONDS);
}

/**
 * Tell a screen reader, without showing anything.
 * @param {string} text
 */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/**
 * A modal dialog, open; its promise ends when it closes, with the form's `returnValue`.
 * @param {string} title
 * @param {Array} content
 * @param {{onOpen?: (dialog: HTMLDialogElement) => void}} [options]
 * @returns {{dialog: HTMLDialogElement, closed: Promise<string>}}
 */
export function opened(title, content, { onOpen } = {}) {
  const heading = h("h2", { id: `dialog-${crypto.randomUUID?.() ?? Date.now()}` }, title);
  const dialog = /** @type {HTMLDialogElement} */ (h("dialog", { "aria-labelledby": heading.id }, heading, content));
  const closed = new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
  document.body.append(dialog);
  dialog.showModal();
  onOpen?.(dialog);
  return { dialog, closed };
}

/**
 * Whether the person says yes.
 * @param {string} text
 * @param {{verb: string, title?: string}} options `verb` is what the button says: "Delete", "Stop the job"
 */
export async function confirmed(text, { verb, title = `${verb}?` }) {
  const form = h("form", { method: "dialog" }, h("p", {}, text), h("div", { class: "row" },
    h("button", { class: "button", value: "no" }, "Keep it"),
    h("button", { class: "button danger", value: "yes" }, verb)));
  return (await opened(title, [form]).closed) === "yes";
}

/**
 * 80 -> "1 min 20 s".
 * @param {number} number of seconds
 */
export function seconds(number) {
  const whole = Math.max(0, Math.round(number));
  if (whole < 60) return `${number > 0 && number < 1 ? "under 1" : whole} s`;
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours) return `${hours} h ${minutes} min`;
  return whole % 60 && minutes < 10 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
}

/**
 * 3565158 -> "3.4 MB", in powers of 1,024 as file managers have it.
 * @param {number} number
 */
export function bytes(number) {
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (number >= 1024 && unit < units.length - 1) {
    number /= 1024;
    unit += 1;
  }
  return `${unit && number < 10 ? number.toFixed(1) : Math.round(number)} ${units[unit]}`;
}
