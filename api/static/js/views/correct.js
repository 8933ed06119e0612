// Correcting a job: drawing over the masks that are wrong, on as many frames as need it, and sending them.

import { Problem, call, jobUrl } from "../api.js";
import { announce, h, icon, toast } from "../dom.js";
import { MaskEditor } from "../draw/editor.js";
import { Corrections } from "../look/corrections.js";
import { Doubts } from "../look/doubt.js";
import { FrameChooser } from "../look/chooser.js";
import { labelsOf } from "../look/labels.js";
import { Subject, nameOf } from "../look/subject.js";
import { Track } from "../look/track.js";

/** @param {HTMLElement} main @param {{id: string, query: URLSearchParams}} params @param {AbortSignal} signal */
export async function show(main, { id, query }, signal) {
  main.append(h("p", { class: "loading" }, "Loading the job…"));
  const job = await call("GET", jobUrl(id), { signal });
  if (signal.aborted) return;
  document.title = `Correct ${nameOf(job)} – Rotomill`;
  if (job.status !== "succeeded" || !job.results.length) {
    main.replaceChildren(h("div", { class: "card" }, h("h1", {}, "There is nothing to correct"),
      h("p", {}, "Only a job that is done, and whose files are still there, can be corrected. ", h("a", { href: `#/jobs/${id}` }, "See the job"))));
    return;
  }
  const track = await trackOf(new Subject(job), signal);
  if (signal.aborted) return;
  const page = new CorrectPage(main, job, track, signal);
  await page.open(Number(query.get("frame") ?? 0));
}

async function trackOf(subject, signal) {
  try {
    return subject.has("track.json") ? new Track(await subject.json("track.json", signal)) : null;
  } catch (error) {
    if (signal.aborted || !(error instanceof Problem)) throw error;
    return null;
  }
}

class CorrectPage {
  constructor(main, job, track, signal) {
    this._job = job;
    this._signal = signal;
    this._frame = -1;
    this._opening = 0;
    this._dirty = false;
    this._trouble = h("p", { class: "error", role: "alert" });
    const place = h("div", { class: "correct-editor" });
    this._corrections = new Corrections({
      job, send: () => this._send(), open: (frame) => this.open(frame), forget: (frame) => this._forget(frame),
    });
    this._chooser = new FrameChooser({
      frames: job.clip.frames,
      doubts: track ? new Doubts(track, job.annotated_frames ?? [0]) : null,
      choose: (frame) => this.open(frame), signal,
    });
    this._back = h("a", { class: "button", href: `#/jobs/${job.id}` }, icon("previous"), "Back to the job");
    main.replaceChildren(
      h("header", { class: "job-head" }, h("div", { class: "job-title" },
        h("h1", {}, `Correct ${nameOf(job)}`),
        h("p", { class: "muted" }, "Draw over what is wrong. Correct one frame or several, then send them: a new job learns from all of them."))),
      h("div", { class: "correcting" },
        h("section", { class: "card correct-main", "aria-label": "Frame" }, this._chooser.element, this._trouble, place),
        h("div", { class: "look-side" }, this._corrections.element,
          this._back)));
    this._editor = new MaskEditor(place, { signal });
    this._editor.addEventListener("change", () => this._changed(), { signal });
    signal.addEventListener("abort", () => this._keep());
    window.addEventListener("beforeunload", (event) => {
      if (this._corrections.size || this._dirty) event.preventDefault();
    }, { signal });
  }

  /** Shows a frame with its mask: the corrected one where there is one. */
  async open(wanted, { anew = false } = {}) {
    const frame = Math.min(this._job.clip.frames - 1, Math.max(0, Math.round(wanted) || 0));
    const turn = ++this._opening;
    this._trouble.textContent = "";
    if (frame === this._frame && !anew) return this._chooser.show(frame, { loading: false });
    this._keep();
    this._chooser.show(frame, { loading: true });
    try {
      const [picture, mask] = await Promise.all([this._picture(frame), this._mask(frame)]);
      if (turn !== this._opening || this._signal.aborted) return picture.close();
      // what was drawn while this was on its way
      if (anew) this._corrections.drop(frame);
      else this._keep();
      const before = this._editor.stage.frame;
      this._loading = true;
      await this._editor.setFrame(picture, { labels: mask, objects: this._job.objects });
      before?.close();
      this._editor.firstColor = this._job.options.overlay_color ?? "#1e90ff";
      this._frame = frame;
      this._dirty = false;
      this._mend(frame);
    } catch (error) {
      if (this._signal.aborted || turn !== this._opening) return;
      this._trouble.textContent = error.message;
    } finally {
      this._loading = false;
      if (turn === this._opening) this._chooser.show(frame, { loading: false });
    }
  }

  async _picture(frame) {
    return createImageBitmap(await call("GET", jobUrl(this._job.id, `frames/${frame}`), { signal: this._signal }));
  }

  async _mask(frame) {
    const drawn = this._corrections.labels(frame);
    if (drawn) return drawn.slice();
    try {
      return await labelsOf(await call("GET", jobUrl(this._job.id, `masks/${frame}`), { signal: this._signal }));
    } catch (error) {
      // a job without masks among its results can be corrected from nothing
      if (error instanceof Problem && error.status === 404) return null;
      throw error;
    }
  }

  _mend(frame) {
    history.replaceState(null, "", `#/jobs/${this._job.id}/correct?frame=${frame}`);
    this._back.href = `#/jobs/${this._job.id}?frame=${frame}`;
    this._corrections.current(frame);
    announce(`Frame ${frame}`);
  }

  _changed() {
    if (this._loading || this._frame < 0) return;
    this._dirty = true;
    this._corrections.note(this._frame);
  }

  /** Takes what is drawn on the frame on show. */
  _keep() {
    if (!this._dirty || this._frame < 0) return;
    this._dirty = false;
    // by the job's own numbers, also where an object was removed: the others must not move up
    const { ids, map } = this._editor.drawing;
    const known = new Set(ids);
    this._corrections.keep(this._frame, map.data.map((label) => (known.has(label) ? label : 0)));
  }

  async _forget(frame) {
    this._corrections.drop(frame);
    if (frame !== this._frame) return;
    this._dirty = false;
    await this.open(frame, { anew: true });
  }

  async _send() {
    this._keep();
    try {
      const job = await call("POST", jobUrl(this._job.id, "refine"), {
        form: await this._corrections.form(), headers: { "Idempotency-Key": this._corrections.key }, signal: this._signal,
      });
      this._corrections.clear();
      toast("The correction is on its way.", "ok");
      location.hash = `#/jobs/${job.id}`;
    } catch (error) {
      if (!this._signal.aborted) this._corrections.complain(error.message);
    }
  }
}
