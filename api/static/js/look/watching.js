// A job that waits or runs: its stages as steps, its progress and place, its masks as they come, and the way to stop it.

import { Problem, call, jobUrl } from "../api.js";
import { announce, confirmed, h, icon, seconds } from "../dom.js";
import { Film } from "./film.js";

const STEPS = [
  { stage: "queued", label: "Wait" },
  { stage: "fetching", label: "Fetch" },
  { stage: "fine_tuning", label: "Learn" },
  { stage: "segmenting", label: "Segment" },
  { stage: "encoding", label: "Encode" },
  { stage: "storing", label: "Store" },
];

const NOW = {
  queued: "Waiting for its turn",
  fetching: "Fetching the clip",
  fine_tuning: "Learning what you drew",
  segmenting: "Finding it in every frame",
  encoding: "Making the videos",
  storing: "Storing the results",
};

/** The page of a job that has not ended. */
export class Watching {
  /** @param {object} job @param {AbortSignal} signal */
  constructor(job, signal) {
    this._job = job;
    this._signal = signal;
    this._steps = STEPS.map(({ stage, label }) => ({ stage, item: h("li", {}, h("span", { class: "step-dot", "aria-hidden": "true" }), label) }));
    this._now = h("p", { class: "watch-now" });
    this._bar = h("progress", { max: "1", value: "0", "aria-label": "Progress of the job" });
    this._numbers = h("p", { class: "watch-numbers numbers" });
    this._line = h("p", { class: "watch-line", role: "status" });
    this._error = h("p", { class: "error", role: "alert" });
    this._cancel = h("button", { class: "button danger", type: "button", on: { click: () => this._stop() } }, icon("close"), "Cancel the job");
    this._film = new Film(job, signal);
    this.element = h("div", { class: "watching" },
      h("section", { class: "card watch-panel", "aria-label": "Progress" },
        h("ol", { class: "steps", "aria-label": "Stages" }, this._steps.map(({ item }) => item)),
        this._now, this._bar, this._numbers, this._line,
        h("div", { class: "row" }, this._cancel), this._error),
      h("section", { class: "card", "aria-label": "Masks as they are made" }, this._film.element));
    this.update(job);
  }

  /** Shows how the job stands now. */
  update(job) {
    const stage = job.status === "queued" ? "queued" : job.stage ?? "fetching";
    const place = STEPS.findIndex((step) => step.stage === stage);
    this._steps.forEach(({ item }, index) => {
      item.className = index < place ? "done" : index === place ? "now" : "";
      if (index === place) item.setAttribute("aria-current", "step");
      else item.removeAttribute("aria-current");
    });
    if (NOW[stage] !== this._now.textContent) {
      this._now.textContent = NOW[stage];
      announce(NOW[stage]);
    }
    this._bar.value = job.progress;
    this._numbers.textContent = numbers(job);
    this._film.update(job);
    this._job = job;
  }

  /** The job has ended, or is gone: its masks are asked for no more. */
  stop() {
    this._film.stop();
  }

  /** @param {"live" | "reconnecting"} state */
  state(state) {
    const lost = state === "reconnecting";
    const text = lost ? "The connection is lost; reconnecting… The job goes on meanwhile." : "";
    if (this._line.textContent !== text) this._line.textContent = text;
    this.element.classList.toggle("is-lost", lost);
  }

  async _stop() {
    const yes = await confirmed("What it has made so far will be gone.", { verb: "Cancel the job", title: "Cancel this job?" });
    if (!yes || this._signal.aborted) return;
    this._cancel.disabled = true;
    this._error.textContent = "";
    try {
      await call("POST", jobUrl(this._job.id, "cancel"), { signal: this._signal });
      this._cancel.replaceChildren("Canceling…");
    } catch (error) {
      if (this._signal.aborted) return;
      const over = error instanceof Problem && error.code === "job_finished";
      this._error.textContent = over ? "" : error.message;
      this._cancel.disabled = over;
    }
  }
}

function numbers(job) {
  if (job.status === "queued") {
    const place = job.queue_position;
    return place ? (place === 1 ? "Next to run" : `Number ${place} in the queue`) : "In the queue";
  }
  const parts = [`${Math.floor(100 * job.progress)} %`];
  if (job.eta_seconds !== null && job.eta_seconds !== undefined) parts.push(`about ${seconds(Math.max(1, job.eta_seconds))} left`);
  if (job.attempt > 1) parts.push(`attempt ${job.attempt}`);
  return parts.join(" · ");
}
