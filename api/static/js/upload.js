// One file on its way to the service: in parts, with pauses, and through any time that the service is away.

import { call, Problem } from "./api.js";
import { isFinal, isGone, problemOf, whyNothingWasSent } from "./upload-problems.js";

const AT_ONCE = 2; // one is sent while the other's answer is on its way
const FIRST_WAIT_SECONDS = 1;
const LONGEST_WAIT_SECONDS = 15;
const PACE_SECONDS = 8; // over which the speed is averaged
const LEAST_PACE_SECONDS = 0.4;

/** @typedef {"starting" | "sending" | "paused" | "waiting" | "checking" | "ready" | "refused" | "stopped"} UploadState */

/**
 * Sends a file and has it checked. Fires `change` whenever anything that a person may see has changed.
 *
 * `waiting`: the service is away, and is asked again in `retryIn` seconds. `refused`: `problem` says why.
 */
export class ClipUpload extends EventTarget {
  /** @param {File | {name: string, size: number, lastModified: number}} file without its bytes only if all have arrived
   *  @param {{id?: string | null, key?: string, signal: AbortSignal}} options `id` of an upload to go on with */
  constructor(file, { id = null, key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`, signal }) {
    super();
    this.file = file;
    this.id = id;
    this.key = key;
    /** @type {UploadState} */
    this.state = "starting";
    this.problem = null;
    this.retryIn = 0;
    this.clip = null; // what the service says of the file, once it is there
    this.signal = signal;
    this.part = { bytes: 0, count: 0 };
    this.arrived = new Set();
    this.inFlight = new Map(); // part number: {request, sent}
    this.samples = [];
    this.nudge = () => {};
    signal.addEventListener("abort", () => {
      this.#abortParts();
      this.nudge();
    });
    globalThis.addEventListener?.("online", () => this.nudge(), { signal });
  }

  get total() {
    return this.file.size;
  }

  /** Bytes that have arrived or are on the wire. */
  get sent() {
    let sum = 0;
    for (const number of this.arrived) sum += this.#bytesOf(number);
    for (const { sent } of this.inFlight.values()) sum += sent;
    return this.state === "ready" || this.state === "checking" ? this.total : Math.min(sum, this.total);
  }

  /** Bytes a second, lately. */
  get speed() {
    if (this.state !== "sending" || this.samples.length < 2) return 0;
    const [first, last] = [this.samples[0], this.samples.at(-1)];
    const seconds = (last.at - first.at) / 1000;
    return seconds < LEAST_PACE_SECONDS ? 0 : Math.max(0, (last.sent - first.sent) / seconds);
  }

  /** Seconds that are left at this speed, or null. */
  get secondsLeft() {
    return this.speed > 0 ? (this.total - this.sent) / this.speed : null;
  }

  /** Send, until it is there and checked, is refused, or is stopped. */
  async run() {
    let wait = FIRST_WAIT_SECONDS;
    while (!this.signal.aborted) {
      try {
        await this.#attempt(() => {
          wait = FIRST_WAIT_SECONDS;
        });
        return;
      } catch (error) {
        if (this.signal.aborted || this.state === "stopped") return;
        if (isFinal(error)) return this.#refuse(error);
        if (isGone(error)) this.#forget();
        this.problem = error;
        await this.#waitOut(Math.max(wait, error.retryAfter ?? 0));
        wait = Math.min(LONGEST_WAIT_SECONDS, wait * 2);
      }
    }
  }

  pause() {
    if (!["sending", "waiting", "starting"].includes(this.state)) return;
    this.isPaused = true;
    this.#abortParts();
    this.#become("paused");
    this.nudge();
  }

  resume() {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.nudge();
  }

  /** Ask the service at once, rather than when the wait is over. */
  retry() {
    this.nudge();
  }

  /** Give it up, and have the service forget what has arrived. */
  async stop() {
    const isThere = this.id && this.state !== "refused";
    this.#become("stopped");
    this.isPaused = false;
    this.#abortParts();
    this.nudge();
    if (isThere) await call("DELETE", `/v1/uploads/${this.id}`).catch(() => {});
  }

  async #attempt(onProgress) {
    await this.#unpaused();
    const upload = await this.#begun();
    onProgress();
    if (upload.status !== "complete") {
      this.#become("sending");
      await this.#sendParts(onProgress);
      this.#become("checking");
      await this.#complete();
    }
    this.#become("checking");
    this.clip = await call("GET", `/v1/uploads/${this.id}/clip`, { signal: this.signal });
    this.#become("ready");
  }

  async #begun() {
    if (!this.id && !(this.file instanceof Blob)) {
      throw new Problem(0, { code: "file_missing", detail: "What had arrived has expired. Pick the clip again." });
    }
    const upload = this.id
      ? await call("GET", `/v1/uploads/${this.id}`, { signal: this.signal })
      : await call("POST", "/v1/uploads", {
          json: { filename: nameFor(this.file.name), bytes: this.file.size },
          headers: { "Idempotency-Key": this.key },
          signal: this.signal,
        });
    if (this.state === "stopped") throw new DOMException("stopped", "AbortError");
    this.id = upload.id;
    this.part = { bytes: upload.part_bytes, count: upload.part_count };
    this.arrived = new Set(upload.arrived);
    this.dispatchEvent(new Event("begun"));
    return upload;
  }

  async #sendParts(onProgress) {
    this.samples = [];
    const missing = Array.from({ length: this.part.count }, (_, at) => at + 1).filter((number) => !this.arrived.has(number));
    const lane = async () => {
      while (missing.length) {
        await this.#unpaused();
        const number = missing.shift();
        if (number === undefined) return;
        try {
          await this.#sendPart(number);
          this.arrived.add(number);
          onProgress();
        } catch (error) {
          if (!this.isPaused) throw error;
          missing.unshift(number);
        }
      }
    };
    try {
      await Promise.all(Array.from({ length: AT_ONCE }, lane));
    } finally {
      this.#abortParts();
    }
  }

  #sendPart(number) {
    const from = (number - 1) * this.part.bytes;
    const body = this.file.slice(from, from + this.#bytesOf(number));
    const request = new XMLHttpRequest(); // fetch tells nothing of what it has sent
    const flight = { request, sent: 0 };
    this.inFlight.set(number, flight);
    return new Promise((resolve, reject) => {
      request.open("PUT", `/v1/uploads/${this.id}/parts/${number}`);
      request.upload.onprogress = (event) => {
        flight.sent = event.loaded;
        this.#sample();
      };
      request.onload = () => (request.status < 300 ? resolve() : reject(problemOf(request)));
      request.onerror = async () => reject(await whyNothingWasSent(body));
      request.onabort = () => reject(new DOMException("aborted", "AbortError"));
      request.send(body);
    }).finally(() => {
      this.inFlight.delete(number);
      this.dispatchEvent(new Event("change"));
    });
  }

  async #complete() {
    for (;;) {
      try {
        return await call("POST", `/v1/uploads/${this.id}/complete`, { json: {}, signal: this.signal });
      } catch (error) {
        if (error.code !== "upload_completing") throw error;
        await this.#pauseFor(1);
      }
    }
  }

  #refuse(error) {
    this.problem = error;
    this.#become("refused");
    // What the service refuses is of no more use; that it goes is no matter of the person's.
    if (this.id && error.status) call("DELETE", `/v1/uploads/${this.id}`).catch(() => {});
  }

  #forget() {
    this.id = null;
    this.key = `${this.key}-again`.slice(-200);
    this.arrived = new Set();
  }

  async #waitOut(seconds) {
    this.#abortParts();
    const until = performance.now() + seconds * 1000;
    while (!this.isPaused && performance.now() < until) {
      this.retryIn = Math.ceil((until - performance.now()) / 1000);
      this.#become("waiting");
      if (await this.#pauseFor(1)) return;
    }
  }

  async #unpaused() {
    while (this.isPaused && !this.signal.aborted) {
      if (this.state !== "paused") this.#become("paused");
      await this.#pauseFor(3600);
    }
    if (this.state === "paused") this.samples = [];
    if (this.state === "paused") this.#become(this.part.count ? "sending" : "starting");
    if (this.signal.aborted || this.state === "stopped") throw new DOMException("stopped", "AbortError");
  }

  /** Wait; true where it was cut short. */
  #pauseFor(seconds) {
    return new Promise((resolve) => {
      const done = (early) => {
        clearTimeout(timer);
        waiting.delete(done);
        resolve(early);
      };
      const waiting = (this.waiting ??= new Set());
      const timer = setTimeout(() => done(false), seconds * 1000);
      waiting.add(done);
      this.nudge = () => [...waiting].forEach((each) => each(true));
    });
  }

  #sample() {
    const now = performance.now();
    this.samples.push({ at: now, sent: this.sent });
    while (this.samples.length > 2 && now - this.samples[0].at > PACE_SECONDS * 1000) this.samples.shift();
    this.dispatchEvent(new Event("change"));
  }

  #bytesOf(number) {
    return Math.min(this.part.bytes, this.total - (number - 1) * this.part.bytes);
  }

  #abortParts() {
    for (const { request } of this.inFlight.values()) request.abort();
  }

  #become(state) {
    if (this.state === "stopped") return;
    this.state = state;
    if (state !== "refused" && state !== "waiting") this.problem = null;
    this.dispatchEvent(new Event("change"));
  }
}

/** Send a small file in one request. @returns {Promise<string>} the upload's id */
export async function uploadWhole(blob, filename, signal) {
  const { id } = await call("POST", "/v1/uploads", { json: { filename, bytes: blob.size }, signal });
  await call("PUT", `/v1/uploads/${id}`, { body: blob, headers: { "Content-Type": "application/octet-stream" }, signal });
  return id;
}

/** The same file picked twice has the same fingerprint. */
export function fingerprint({ name, size, lastModified }) {
  return `${name}|${size}|${lastModified}`;
}

function nameFor(name) {
  return name.replace(/[\u0000-\u001f\u007f]/g, "_").slice(-200) || "clip";
}
