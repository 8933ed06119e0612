// The sample that ships with the service, in the same player as any job's, for those who have none yet.

import { h } from "../dom.js";
import { Header } from "../look/header.js";
import { looking } from "../look/looking.js";
import { sample } from "../look/subject.js";

/** @param {HTMLElement} main @param {object} _params @param {AbortSignal} signal */
export async function show(main, _params, signal) {
  main.append(h("p", { class: "loading" }, "Loading the sample…"));
  const subject = await sample(signal);
  const { element } = await looking(subject, signal);
  if (signal.aborted) return;
  const header = new Header(subject, { frame: () => 0, signal });
  main.replaceChildren(header.element,
    h("p", { class: "muted" }, "The service made this by itself: one mask was drawn on the first frame, all others it found."), element);
}
