// The view's two rooms: one to choose a clip in, and one to draw on it, with the clip and the options beside.

import { h } from "../dom.js";

export class Room {
  /** @param {HTMLElement} main @param {{desk: any, zone: any, card: any, options: any, start: any}} parts of the view */
  constructor(main, { desk, zone, card, options, start }) {
    this.parts = { desk, zone, options };
    this.title = h("h1", { class: "new-title" }, "New job");
    this.element = h("div", { class: "new-desk", hidden: true }, desk.element,
      h("aside", { class: "new-side", "aria-label": "Clip and options" }, card.element,
        h("section", { class: "card", "aria-label": "Options" }, options.element, start.element)));
    main.append(this.title, zone.input, zone.element, this.element);
  }

  /** Room to draw. */
  open() {
    const { desk, zone, options } = this.parts;
    zone.refuse("");
    zone.element.hidden = true;
    this.element.hidden = false;
    this.title.classList.add("visually-hidden");
    desk.open();
    desk.color = options.color.value;
  }

  /** Back to choosing a clip. @param {string} [problem] why the last one was not taken */
  close(problem = "") {
    const { zone } = this.parts;
    this.element.hidden = true;
    zone.element.hidden = false;
    zone.refuse(problem);
    this.title.classList.remove("visually-hidden");
  }
}
