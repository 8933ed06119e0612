// The gallery: all jobs of the caller, newest first; the shipped sample for those who have none.

import { call, jobUrl } from "../api.js";
import { announce, h, icon } from "../dom.js";
import { Card } from "../look/card.js";
import { sample } from "../look/subject.js";

const PAGE = 24;
const SEARCH_REST_MILLISECONDS = 300;
const POLL_MILLISECONDS = 4000;
const POLL_MOST = 100;
const POLL_MISSING = 4;

const FILTERS = [["", "All"], ["queued", "Waiting"], ["running", "Running"], ["succeeded", "Done"], ["failed", "Failed"], ["canceled", "Canceled"]];

/** @param {HTMLElement} main @param {{query: URLSearchParams}} params @param {AbortSignal} signal */
export async function show(main, { query }, signal) {
  const gallery = new Gallery(main, query, signal);
  await gallery.restart();
}

class Gallery {
  constructor(main, query, signal) {
    this._signal = signal;
    this._turn = 0;
    this._cursor = null;
    this._loading = false;
    /** @type {Map<string, Card>} */
    this._cards = new Map();
    this._search = h("input", { type: "search", id: "gallery-search", placeholder: "Name, note or id", value: query.get("search") ?? "", autocomplete: "off" });
    this._filter = h("select", { id: "gallery-filter" }, FILTERS.map(([value, label]) => h("option", { value, selected: value === (query.get("status") ?? "") }, label)));
    this._list = h("ul", { class: "gallery", "aria-label": "Jobs" });
    this._note = h("div", { class: "gallery-note" });
    this._more = h("button", { class: "button", type: "button", hidden: true, on: { click: () => this._load() } }, "More");
    this._end = h("div", { class: "gallery-end" }, this._more);
    this._tools = h("div", { class: "gallery-tools" },
      h("div", { class: "search-field" }, h("label", { class: "visually-hidden", for: "gallery-search" }, "Search jobs"), icon("search"), this._search),
      h("label", { class: "visually-hidden", for: "gallery-filter" }, "Status"), this._filter);
    main.append(
      h("header", { class: "gallery-head" }, h("h1", {}, "Jobs"), this._tools,
        h("a", { class: "button primary", href: "#/new" }, icon("plus"), "New job")),
      this._note, this._list, this._end);
    this._listen();
  }

  /** Loads the list from its beginning, as search and filter say. */
  async restart() {
    this._turn += 1;
    this._loading = false;
    this._cursor = null;
    this._wanted = { search: this._search.value.trim(), status: this._filter.value };
    const query = new URLSearchParams(Object.entries(this._wanted).filter(([, value]) => value));
    history.replaceState(null, "", query.size ? `#/?${query}` : "#/");
    this._waiting();
    await this._load({ fresh: true });
  }

  _listen() {
    let timer = 0;
    const signal = this._signal;
    this._search.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => signal.aborted || this.restart(), SEARCH_REST_MILLISECONDS);
    }, { signal });
    this._filter.addEventListener("change", () => this.restart(), { signal });
    if ("IntersectionObserver" in window) {
      const near = new IntersectionObserver((seen) => {
        // after a failure the person says when to try again
        if (seen.some((entry) => entry.isIntersecting) && this._cursor && !this._failed) this._load();
      }, { rootMargin: "600px" });
      near.observe(this._end);
      signal.addEventListener("abort", () => near.disconnect());
    }
    const poll = setInterval(() => this._poll(), POLL_MILLISECONDS);
    signal.addEventListener("abort", () => clearInterval(poll));
  }

  /** Places for cards, so that nothing jumps when they come. */
  _waiting() {
    if (this._cards.size) return;
    this._list.setAttribute("aria-busy", "true");
    this._list.replaceChildren(...Array.from({ length: 6 }, () => h("li", { class: "card job-card is-waiting", "aria-hidden": "true" },
      h("div", { class: "card-picture" }), h("div", { class: "card-body" }))));
  }

  async _load({ fresh = false } = {}) {
    if (this._loading) return;
    const turn = this._turn;
    this._loading = true;
    this._failed = false;
    try {
      const page = await call("GET", `/v1/jobs?${this._query(PAGE, fresh ? null : this._cursor)}`, { signal: this._signal });
      if (turn !== this._turn || this._signal.aborted) return;
      this._take(page, fresh);
    } catch (error) {
      if (turn !== this._turn || this._signal.aborted) return;
      this._complain(error, fresh);
    } finally {
      if (turn === this._turn) this._loading = false;
    }
    this._seeEnd(turn);
  }

  _query(limit, cursor) {
    const query = new URLSearchParams({ limit: String(limit) });
    if (this._wanted.search) query.set("search", this._wanted.search);
    if (this._wanted.status) query.set("status", this._wanted.status);
    if (cursor) query.set("cursor", cursor);
    return query;
  }

  _take({ jobs, next_cursor: cursor }, fresh) {
    if (fresh) {
      for (const card of this._cards.values()) card._rest();
      this._cards.clear();
      this._list.replaceChildren();
      this._note.replaceChildren();
    }
    for (const job of jobs) if (!this._cards.has(job.id)) this._add(job);
    this._cursor = cursor;
    this._more.hidden = !cursor;
    this._list.removeAttribute("aria-busy");
    if (!this._cards.size) this._none();
    this._tools.hidden = !this._cards.size && !this._wanted.search && !this._wanted.status;
    if (!fresh) announce(`${jobs.length} more jobs`);
  }

  _add(job, first = false) {
    const card = new Card(job, { removed: (gone) => this._removed(gone), signal: this._signal });
    this._cards.set(job.id, card);
    if (first) this._list.prepend(card.element);
    else this._list.append(card.element);
  }

  _removed(card) {
    const next = card.element.nextElementSibling ?? card.element.previousElementSibling;
    card.element.remove();
    this._cards.delete(card.job.id);
    if (next) next.querySelector("a")?.focus();
    else if (this._cursor) this._load();
    else this._none();
  }

  /** An observer tells only of changes: where the end is still in sight, there is room for more. */
  _seeEnd(turn) {
    if (!this._cursor || this._failed) return;
    requestAnimationFrame(() => {
      if (turn === this._turn && this._end.getBoundingClientRect().top < innerHeight + 600) this._load();
    });
  }

  _complain(error, fresh) {
    this._failed = true;
    const again = () => {
      this._note.replaceChildren();
      this._load({ fresh });
    };
    if (fresh && !this._cards.size) this._list.replaceChildren();
    this._more.hidden = !this._cursor || fresh;
    this._note.replaceChildren(h("div", { class: "notice bad", role: "alert" }, h("p", {}, error.message),
      h("button", { class: "button primary", type: "button", on: { click: again } }, "Try again")));
  }

  async _none() {
    if (this._wanted.search || this._wanted.status) {
      const all = () => {
        this._search.value = this._filter.value = "";
        this.restart();
      };
      this._note.replaceChildren(h("div", { class: "notice" }, h("p", {}, "No job is like that."),
        h("button", { class: "button", type: "button", on: { click: all } }, "Show all jobs")));
      return;
    }
    this._note.replaceChildren(await invitation(this._signal));
  }

  /** One question for the whole page: how do those that have not ended stand, and has another begun? */
  async _poll() {
    const open = [...this._cards.values()].filter(({ job }) => ["queued", "running"].includes(job.status));
    if (document.hidden || this._polling || this._loading || this._failed || !open.length) return;
    const turn = this._turn;
    this._polling = true;
    try {
      const reach = [...this._cards.keys()].indexOf(open.at(-1).job.id) + 1;
      const limit = Math.min(POLL_MOST, Math.max(PAGE, reach));
      const { jobs } = await call("GET", `/v1/jobs?${this._query(limit, null)}`, { signal: this._signal });
      if (turn !== this._turn || this._signal.aborted) return;
      const fresh = jobs.filter((job) => !this._cards.has(job.id) && job.id > (jobs[0] && this._newest()));
      for (const job of fresh.reverse()) this._add(job, true);
      for (const job of jobs) this._cards.get(job.id)?.update(job);
      const last = jobs.length < limit ? "" : jobs.at(-1).id;
      const missing = open.filter(({ job: { id } }) => id > last && !jobs.some((job) => job.id === id));
      for (const card of missing.slice(0, POLL_MISSING)) await this._askOf(card);
    } catch {
      // the next question comes in a few seconds; what is shown stays
    } finally {
      this._polling = false;
    }
  }

  /** A job that the list no longer has: it has ended, so that the filter leaves it out, or it was deleted. */
  async _askOf(card) {
    try {
      card.update(await call("GET", jobUrl(card.job.id), { signal: this._signal }));
    } catch (error) {
      if (error.status !== 404 || this._cards.get(card.job.id) !== card) return;
      card.element.remove();
      this._cards.delete(card.job.id);
      if (!this._cards.size && !this._cursor) this._none();
    }
  }

  _newest() {
    return [...this._cards.keys()].reduce((most, id) => (id > most ? id : most), "");
  }
}

/** What someone sees who has no job yet. */
async function invitation(signal) {
  const steps = ["Drop a clip.", "Draw the object on its first frame.", "Keep its mask in every frame."];
  const words = h("div", { class: "welcome-words" }, h("h2", {}, "One mask in, every frame out"),
    h("ol", {}, steps.map((text) => h("li", {}, text))),
    h("div", { class: "row" }, h("a", { class: "button primary", href: "#/new" }, icon("plus"), "Make the first job")));
  const welcome = h("section", { class: "card welcome" }, words);
  try {
    const subject = await sample(signal);
    words.lastElementChild.append(h("a", { class: "button", href: "#/new?sample=1" }, icon("pencil"), "Draw on the sample clip"));
    welcome.append(h("a", { class: "welcome-sample", href: "#/sample" },
      h("img", { src: subject.url("poster.jpg"), alt: "", width: subject.job.clip.width, height: subject.job.clip.height }),
      h("span", {}, icon("play"), "See a sample that the service made itself")));
  } catch {
    // without the sample the invitation stands alone
  }
  return welcome;
}
