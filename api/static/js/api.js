// The service's calls, as everyone else may make them.

import { signIn } from "./session.js";

/** A refusal of the service, in its own words. */
export class Problem extends Error {
  /** @param {number} status @param {{code?: string, detail?: string, title?: string}} told */
  constructor(status, told) {
    super(told.detail || told.title || `The service answered ${status}.`);
    this.name = "Problem";
    this.status = status;
    this.code = told.code ?? "";
    this.detail = this.message;
    this.retryAfter = 0; // seconds, where the service names a time to wait
  }
}

/** The service did not answer. */
export class Unreachable extends Error {
  constructor() {
    super("The service cannot be reached just now. Check that it runs, and your connection.");
    this.name = "Unreachable";
  }
}

/**
 * One call. JSON comes back as a value, a picture as a Blob, nothing as null.
 * @param {string} method
 * @param {string} path from the root, such as "/v1/jobs"
 * @param {{json?: any, form?: FormData, body?: BodyInit, headers?: Object<string, string>, signal?: AbortSignal}} [options]
 * @returns {Promise<any>} raises Problem, Unreachable, or AbortError
 */
export async function call(method, path, options = {}) {
  let answer = await _sent(method, path, options);
  if (answer.status === 401) {
    await signIn();
    answer = await _sent(method, path, options);
  }
  if (!answer.ok) {
    const problem = new Problem(answer.status, await _told(answer));
    problem.retryAfter = Number(answer.headers.get("retry-after")) || 0;
    throw problem;
  }
  if (answer.status === 204) return null;
  const type = answer.headers.get("content-type") ?? "";
  return type.includes("json") ? answer.json() : answer.blob();
}

async function _sent(method, path, { json, form, body, headers = {}, signal }) {
  const content = json === undefined ? (form ?? body) : JSON.stringify(json);
  const types = json === undefined ? {} : { "Content-Type": "application/json" };
  try {
    return await fetch(path, { method, body: content, headers: { ...types, ...headers }, signal, credentials: "same-origin" });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable();
  }
}

async function _told(answer) {
  try {
    return await answer.json();
  } catch {
    return {};
  }
}

/**
 * The address of something of a job's.
 * @param {string} id
 * @param {string} [rest] such as "results/poster.jpg?redirect=false"
 */
export function jobUrl(id, rest = "") {
  return `/v1/jobs/${encodeURIComponent(id)}${rest ? `/${rest}` : ""}`;
}

const EVENTS = ["job.queued", "job.running", "job.progress", "job.succeeded", "job.failed", "job.canceled"];
const ENDED = new Set(["succeeded", "failed", "canceled"]);
const RETRY_MILLISECONDS = 3000;
const PASSING = new Set([408, 429]); // refusals that waiting helps

/**
 * A job as it stands and as it changes, until it ends or the person leaves. The browser takes a stream up again by
 * itself where it broke; where it gives up, and at the stream's own end, the job is asked for and followed anew.
 * @param {string} id
 * @param {{onJob: (job: any) => void, onState?: (state: "live"|"reconnecting") => void,
 *   onProblem?: (problem: Error) => void, signal: AbortSignal}} options
 */
export function follow(id, { onJob, onState = () => {}, onProblem = () => {}, signal }) {
  let stream = null;
  let timer = 0;
  const stop = () => {
    stream?.close();
    clearTimeout(timer);
  };
  signal.addEventListener("abort", stop);

  async function begin() {
    try {
      const job = await call("GET", jobUrl(id), { signal });
      onState("live");
      onJob(job);
      if (!ENDED.has(job.status) && !signal.aborted) listen();
    } catch (problem) {
      if (signal.aborted) return;
      if (problem instanceof Problem && problem.status < 500 && !PASSING.has(problem.status)) onProblem(problem);
      else later(problem.retryAfter);
    }
  }

  function later(seconds = 0) {
    onState("reconnecting");
    clearTimeout(timer);
    timer = setTimeout(begin, Math.max(RETRY_MILLISECONDS, 1000 * seconds));
  }

  function listen() {
    stream = new EventSource(jobUrl(id, "events"));
    stream.onopen = () => onState("live");
    stream.onerror = () => {
      if (signal.aborted) return;
      stream.close();
      later();
    };
    for (const kind of EVENTS) stream.addEventListener(kind, (event) => {
      const job = JSON.parse(event.data);
      if (ENDED.has(job.status)) stop();
      onJob(job);
    });
  }

  if (!signal.aborted) begin();
}
