// The page of a job: watching while it runs, looking when it is done, and in words why where it failed.

import { call, follow, jobUrl } from "../api.js";
import { announce, h } from "../dom.js";
import { ended } from "../look/ended.js";
import { Header, correctionsOf } from "../look/header.js";
import { looking } from "../look/looking.js";
import { Subject } from "../look/subject.js";
import { Watching } from "../look/watching.js";

/**
 * @param {HTMLElement} main
 * @param {{id: string, query: URLSearchParams}} params `frame` in the query is shown first.
 * @param {AbortSignal} signal
 */
export async function show(main, { id, query }, signal) {
  main.append(h("p", { class: "loading" }, "Loading the job…"));
  const [job, corrections] = await Promise.all([call("GET", jobUrl(id), { signal }), correctionsOf(id, signal)]);
  if (signal.aborted) return;
  const page = new JobPage(main, job, { corrections, frame: Number(query.get("frame") ?? 0), signal });
  await page.show();
}

class JobPage {
  constructor(main, job, { corrections, frame, signal }) {
    this._signal = signal;
    this._first = frame;
    this._player = null;
    this._subject = new Subject(job);
    this._header = new Header(this._subject, { frame: () => this._player?.frame ?? 0, corrections, signal });
    this._body = h("div", { class: "job-body" });
    main.replaceChildren(this._header.element, this._body);
  }

  async show() {
    const { job } = this._subject;
    if (job.status === "queued" || job.status === "running") this._watch();
    else await this._end();
  }

  _watch() {
    const watching = new Watching(this._subject.job, this._signal);
    this._body.replaceChildren(watching.element);
    let over = false;
    follow(this._subject.job.id, {
      signal: this._signal,
      onState: (state) => watching.state(state),
      onProblem: (problem) => {
        watching.stop();
        this._gone(problem);
      },
      onJob: (job) => {
        if (over) return;
        this._subject.job = job;
        this._header.update(job);
        if (job.status === "queued" || job.status === "running") watching.update(job);
        else {
          over = true;
          watching.stop();
          this._finish();
        }
      },
    });
  }

  async _finish() {
    const { job } = this._subject;
    announce({ succeeded: "The job is done.", failed: "The job failed.", canceled: "The job was canceled." }[job.status]);
    try {
      // an event tells of the job as it was; its results may be newer
      this._subject.job = await call("GET", jobUrl(job.id), { signal: this._signal });
      this._header.update(this._subject.job);
      await this._end();
    } catch (error) {
      if (!this._signal.aborted) this._trouble(error);
    }
  }

  async _end() {
    const { job } = this._subject;
    const expired = job.expires_at && new Date(job.expires_at) < new Date();
    if (job.status !== "succeeded" || expired || !job.results.length) {
      this._body.replaceChildren(ended(job));
      return;
    }
    if (!this._body.childElementCount) this._body.append(h("p", { class: "loading" }, "Loading the results…"));
    const { element, player } = await looking(this._subject, this._signal);
    if (this._signal.aborted) return;
    this._player = player;
    this._body.replaceChildren(element);
    if (this._first) player.show(this._first);
  }

  _gone(problem) {
    this._body.replaceChildren(h("div", { class: "card", role: "alert" }, h("p", { class: "error" }, problem.message),
      h("a", { class: "button", href: "#/" }, "All jobs")));
  }

  _trouble(error) {
    this._body.replaceChildren(h("div", { class: "card", role: "alert" }, h("p", { class: "error" }, error.message),
      h("button", { class: "button primary", type: "button", on: { click: () => this._finish() } }, "Try again")));
  }
}
