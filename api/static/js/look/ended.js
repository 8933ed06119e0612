// A job that ended without results: why, in words, and what to do next.

import { h, icon } from "../dom.js";

const NEXT = {
  deadline_exceeded: "Give it more time, or choose a faster preset.",
  worker_lost: "Something stopped the machine that worked on it. Make the job again; if that happens again, tell who runs the service.",
  internal_error: "This is the service's fault. Make the job again; if that happens again, tell who runs the service and give them the job's id.",
  clip_corrupt: "Export the clip again, or cut the damaged part out, and make a new job with it.",
};

/** @param {object} job Failed or canceled, or expired. */
export function ended(job) {
  const { title, text, next } = words(job);
  return h("section", { class: "card ended" },
    h("h2", {}, icon(job.status === "failed" ? "warning" : "close"), title),
    text ? h("p", { class: job.status === "failed" ? "error" : "" }, text) : null,
    job.error?.code ? h("p", { class: "muted" }, "Code: ", h("code", {}, job.error.code)) : null,
    h("p", {}, next),
    h("div", { class: "row" },
      h("a", { class: "button primary", href: `#/new?like=${job.id}` }, icon("again"), "New job with the same settings"),
      h("a", { class: "button", href: "#/" }, "All jobs")));
}

function words(job) {
  if (job.status === "failed") {
    return {
      title: "The job failed",
      text: job.error?.detail,
      next: NEXT[job.error?.code] ?? "Mend what the sentence above says, and make a new job.",
    };
  }
  if (job.status === "canceled") {
    return { title: "The job was canceled", text: "", next: "Nothing of it was kept. You can make it again with the same settings." };
  }
  return {
    title: "The files have expired",
    text: "Results are kept for a time only, and that of this job is over.",
    next: "Make it again with the same settings, and download what you want to keep.",
  };
}
