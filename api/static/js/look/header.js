// The head of a job's page: its name, how it stands, where it comes from, and what can be done with it.

import { call, jobUrl } from "../api.js";
import { confirmed, h, icon, toast } from "../dom.js";
import { copyId } from "./facts.js";
import { STATUS, nameOf, when } from "./subject.js";

/** Head of a job's page; `update` when the job has changed. */
export class Header {
  /**
   * @param {import("./subject.js").Subject} subject
   * @param {{frame: () => number, corrections?: object[], signal: AbortSignal}} given `frame` is the one on show.
   */
  constructor(subject, { frame, corrections = [], signal }) {
    this._subject = subject;
    this._frame = frame;
    this._signal = signal;
    this._badge = h("span", { class: "badge" });
    this._actions = h("div", { class: "row job-actions" });
    const { job } = subject;
    this.element = h("header", { class: "job-head" },
      h("div", { class: "job-title" }, h("h1", {}, nameOf(job)),
        h("div", { class: "row" }, this._badge, h("span", { class: "muted" }, when(job.created_at)), subject.readOnly ? null : copyId(job))),
      this._actions, this._relatives(corrections));
    this.update(job);
  }

  update(job) {
    const { label, kind } = STATUS[job.status];
    this._badge.textContent = label;
    this._badge.className = `badge ${kind}`;
    document.title = `${job.status === "running" ? `${Math.floor(100 * job.progress)} % ` : ""}${nameOf(job)} – Rotomill`;
    if (this._shown === job.status) return;
    this._shown = job.status;
    this._actions.replaceChildren(...(this._subject.readOnly ? this._invitation() : this._buttons(job)));
  }

  _invitation() {
    return [h("a", { class: "button primary", href: "#/new" }, icon("plus"), "Make a job of your own"),
      h("a", { class: "button", href: "#/new?sample=1" }, icon("pencil"), "Draw on the sample clip")];
  }

  _buttons(job) {
    const found = [];
    const hasFiles = job.status === "succeeded" && job.results.length > 0;
    if (hasFiles) {
      const correct = () => { location.hash = `#/jobs/${job.id}/correct?frame=${this._frame()}`; };
      found.push(h("button", { class: "button primary", type: "button", on: { click: correct } }, icon("pencil"), "Correct this frame"));
    }
    found.push(h("a", { class: "button", href: `#/new?like=${job.id}` }, icon("copy"), "Same settings"));
    if (!["running", "queued"].includes(job.status)) {
      found.push(h("button", { class: "button danger", type: "button", on: { click: () => this._delete(job) } }, icon("trash"), "Delete"));
    }
    return found;
  }

  async _delete(job) {
    if (await deleted(job, this._signal)) location.hash = "#/";
  }

  _relatives(corrections) {
    const { job } = this._subject;
    const links = corrections.map((other, index) => h("a", { href: `#/jobs/${other.id}`, title: when(other.created_at) },
      `Correction ${corrections.length - index}: ${STATUS[other.status].label.toLowerCase()}`));
    if (job.refines) links.unshift(h("a", { href: `#/jobs/${job.refines}` }, "It corrects an earlier job"));
    return links.length ? h("p", { class: "job-family" }, links) : null;
  }
}

/** The jobs that correct a job, newest first; none where that cannot be learnt, since the page is whole without them. */
export async function correctionsOf(id, signal) {
  try {
    const { jobs } = await call("GET", `/v1/jobs?${new URLSearchParams({ refines: id, limit: "20" })}`, { signal });
    return jobs.filter((job) => job.refines === id);
  } catch {
    return [];
  }
}

/** Deletes a job if the person says yes; whether it is gone. */
export async function deleted(job, signal) {
  const yes = await confirmed(`“${nameOf(job)}” and all its files will be gone for good.`, { verb: "Delete", title: "Delete this job?" });
  if (!yes || signal.aborted) return false;
  try {
    await call("DELETE", jobUrl(job.id), { signal });
    toast("The job is deleted.", "ok");
    return true;
  } catch (error) {
    if (error.status === 404) return true;
    if (!signal.aborted) toast(error.message, "bad");
    return false;
  }
}
