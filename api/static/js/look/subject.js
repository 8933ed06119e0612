// What is looked at: a job with the addresses of its files, or the sample that comes with the service.

import { call, jobUrl } from "../api.js";

const SAMPLE = "/static/sample";

/** A job and its files. */
export class Subject {
  /** @param {object} job @param {{readOnly?: boolean}} [options] */
  constructor(job, { readOnly = false } = {}) {
    this.job = job;
    this.readOnly = readOnly;
  }

  /** Whether the job has a result of this name. */
  has(name) {
    return this.job.results.some((result) => result.name === name);
  }

  /** The address of a result, of this origin: a canvas may read it. */
  url(name) {
    return this.readOnly ? `${SAMPLE}/${name}` : resultUrl(this.job, name);
  }

  /** A result that is JSON. */
  async json(name, signal) {
    return call("GET", this.url(name), { signal });
  }
}

/** The address of a job's result, of this origin. */
export function resultUrl(job, name) {
  return jobUrl(job.id, `results/${encodeURIComponent(name)}?redirect=false`);
}

/** The sample that ships with the page. @returns {Promise<Subject>} */
export async function sample(signal) {
  return new Subject(await call("GET", `${SAMPLE}/job.json`, { signal }), { readOnly: true });
}

/** What a person would call a job: what they called it, or its file's name, or the end of its id. */
export function nameOf(job) {
  const { title, name, shot } = job.metadata ?? {};
  return name || title || shot || job.video?.filename || `Job ${job.id.slice(-8)}`;
}

/** "28 Nov 2026, 14:05" in the reader's own language. */
export function when(instant) {
  return new Date(instant).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/** The words for a job's status, and the badge's kind. */
export const STATUS = {
  queued: { label: "Waiting", kind: "" },
  running: { label: "Running", kind: "live" },
  succeeded: { label: "Done", kind: "ok" },
  failed: { label: "Failed", kind: "bad" },
  canceled: { label: "Canceled", kind: "" },
};
