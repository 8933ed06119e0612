// Filled in with its view.

import { h } from "../dom.js";

/** @param {HTMLElement} main */
export async function show(main) {
  main.append(h("p", {}, "Not here yet."));
}
