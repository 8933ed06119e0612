// The view "New job": a clip on its way to the service while its object is drawn, and the job that comes of both.

import { call, jobUrl } from "../api.js";
import { MaskEditor } from "../draw/editor.js";
import { announce, clear, confirmed, h, toast } from "../dom.js";
import { takeDropped } from "../dropped.js";
import { ClipCard } from "../new/clip-card.js";
import { dropDraft, readDraft, writeDraft } from "../new/drafts.js";
import { DropZone, unsuitable } from "../new/drop-zone.js";
import { FrameBar } from "../new/frame-bar.js";
import { Masks } from "../new/masks.js";
import { OptionsForm } from "../new/options-form.js";
import { areAlike, firstFrame, toJpeg, UploadFrames } from "../new/pictures.js";
import { StartBar } from "../new/start-bar.js";
import { missing, submit } from "../new/submission.js";
import { ClipUpload, fingerprint } from "../upload.js";

const SAVE_MILLISECONDS = 250;
const SAMPLE = "/static/sample/clip.mp4";

/** The clip that was picked last: whoever looks at another view meanwhile need not pick it again. @type {File | null} */
let lastFile = null;

/** @param {HTMLElement} main @param {{query: URLSearchParams}} params @param {AbortSignal} signal */
export async function show(main, { query }, signal) {
  const view = new NewJob(main, signal);
  await view.begin(query);
}

class NewJob {
  constructor(main, signal) {
    this.signal = signal;
    this.masks = new Masks();
    this.current = 0;
    this.jobKey = randomKey();
    this.zone = new DropZone({ onFile: (file) => this.take(file), onSample: () => this.takeSample() });
    this.card = new ClipCard({
      onPause: () => this.upload.pause(), onResume: () => this.upload.resume(), onRetry: () => this.upload.retry(),
      onOther: () => this.#startOver(), onPick: () => this.zone.open(),
    });
    this.frameBar = new FrameBar({ onGo: (frame) => this.#go(frame) });
    this.options = new OptionsForm({ onChange: () => this.#optionsChanged() });
    this.start = new StartBar({ onStart: () => this.#start(), onStop: () => this.#unqueue(), onGo: (frame) => this.#go(frame) });
    this.message = h("div", { class: "new-message", role: "status" });
    this.work = h("div", { class: "new-work" });
    this.desk = h("div", { class: "new-desk", hidden: true }, this.work,
      h("aside", { class: "new-side", "aria-label": "Clip and options" }, this.card.element,
        h("section", { class: "card", "aria-label": "Options" }, this.options.element, this.start.element)));
    main.append(h("h1", { class: "new-title" }, "New job"), this.zone.input, this.zone.element, this.desk);
    this.main = main;
    takeDropped((file) => this.#dropped(file), signal);
  }

  async begin(query) {
    this.#askTimes(null);
    const like = query.get("like");
    if (like) await this.#fillLike(like);
    // A clip may have been dropped while this was still loading: it goes before what was drawn before.
    const draft = this.upload ? null : await readDraft();
    if (this.upload || this.signal.aborted) return;
    if (draft && !query.get("sample")) await this.#restore(draft, Boolean(like));
    else if (query.get("sample")) await this.takeSample();
  }

  // The clip.

  async takeSample() {
    if (this.upload || this.isTakingSample) return;
    this.isTakingSample = true;
    this.zone.refuse("");
    try {
      const blob = await call("GET", SAMPLE, { signal: this.signal });
      this.take(new File([blob], "sample.mp4", { type: "video/mp4", lastModified: 0 }));
    } catch (error) {
      if (!this.signal.aborted) this.zone.refuse(`The sample could not be had: ${error.message}`);
    } finally {
      this.isTakingSample = false;
    }
  }

  /** Begin with a file; the same one again changes nothing. @param {File} file */
  async take(file) {
    const same = this.upload && fingerprint(this.upload.file) === fingerprint(file);
    if (same && !["refused", "stopped"].includes(this.upload.state)) {
      return toast(this.upload.state === "ready" ? "This clip is here already." : "This clip is on its way already.");
    }
    const wrong = unsuitable(file);
    if (wrong) return this.#refuse(wrong);
    const { lost } = this;
    const goesOn = lost && lost.file.name === file.name && lost.file.size === file.size;
    if (!goesOn && !(await this.#mayLeaveDrawing())) return;
    if (!goesOn) this.#forgetDrawing();
    this.lost = null;
    this.start.say(null);
    this.#openDesk();
    this.#send(file, goesOn ? { id: lost.uploadId, key: lost.uploadKey } : {});
    if (!this.editor.isReady) this.#showFirstFrame(file);
    this.#saveSoon();
  }

  #send(file, { id = null, key } = {}) {
    if (file instanceof File) lastFile = file;
    this.sending?.abort();
    this.sending = new AbortController();
    const leave = () => this.sending.abort();
    this.signal.addEventListener("abort", leave);
    this.upload = new ClipUpload(file, { id, key, signal: this.sending.signal });
    const { upload } = this;
    upload.addEventListener("change", () => upload === this.upload && this.#uploadChanged());
    upload.addEventListener("begun", () => this.#saveSoon());
    this.#uploadChanged();
    upload.run();
  }

  #uploadChanged() {
    const { upload } = this;
    this.card.show(upload);
    this.start.showUpload(upload);
    this.#showMessage();
    if (upload.state === this.lastState) return;
    this.lastState = upload.state;
    if (upload.state === "ready") this.#arrived(upload.id, upload.clip);
    if (upload.state === "refused") this.#uploadRefused();
    if (upload.state === "waiting") announce("The service cannot be reached. The upload goes on when it is back.");
  }

  async #arrived(uploadId, clip) {
    announce("The clip has arrived.");
    this.clip = clip;
    this.frames = new UploadFrames(uploadId);
    this.frameBar.enable(clip.frames, "");
    this.#askTimes(clip);
    this.#saveSoon();
    try {
      await this.#useServersFrame(clip);
    } catch (error) {
      if (!this.signal.aborted) this.frameBar.say(error.message);
    }
    if (this.isQueued) this.#start();
  }

  /** The service's own picture where the browser has none, or one that differs: masks are for what the service sees. */
  async #useServersFrame(clip) {
    const bitmap = await this.frames.fetch(this.current, this.signal);
    const { editor } = this;
    if (!editor.isReady) return this.#showFrame(bitmap);
    const shown = editor.stage.frame;
    if (shown.width !== clip.width || shown.height !== clip.height) {
      this.masks.keep(this.current, editor.drawing);
      this.masks.resize(clip.width, clip.height);
      await this.#showFrame(bitmap);
    } else if (!areAlike(shown, bitmap)) {
      editor.setPicture(bitmap);
      toast("The service sees another first frame than your browser. Please look at the mask again.");
    }
  }

  #uploadRefused() {
    this.start.stop();
    this.isQueued = false;
    announce(this.upload.problem.message);
    if (!this.editor?.isReady) this.#refuse(this.upload.problem.message);
  }

  /** Say what is wrong with a file where files are chosen. */
  #refuse(text) {
    if (this.desk.hidden || !this.editor?.isReady) {
      this.#closeDesk();
      this.zone.refuse(text);
    } else {
      toast(text, "bad");
    }
  }

  #dropped(file) {
    if (file.type.startsWith("image/") && file.type !== "image/gif" && this.editor?.isReady) this.editor.loadFile(file);
    else this.take(file);
  }

  // The desk: editor, frames, clip and options.

  #openDesk() {
    this.zone.refuse("");
    this.zone.element.hidden = true;
    this.desk.hidden = false;
    this.main.firstChild.classList.add("visually-hidden");
    if (this.editor) return;
    this.editing = new AbortController();
    this.signal.addEventListener("abort", () => this.editing.abort());
    this.editor = new MaskEditor(this.work, { signal: this.editing.signal });
    this.editor.stageElement.append(this.message);
    this.work.append(this.frameBar.element);
    this.editor.addEventListener("change", () => this.#drawn());
    this.editor.addEventListener("objects", () => this.#objectsChanged());
  }

  #closeDesk() {
    this.desk.hidden = true;
    this.zone.element.hidden = false;
    this.main.firstChild.classList.remove("visually-hidden");
  }

  async #showFirstFrame(file) {
    this.isDecoding = true;
    this.#showMessage();
    const bitmap = await firstFrame(file, this.signal);
    this.isDecoding = false;
    const isWanted = bitmap && this.upload?.file === file && !this.editor.isReady;
    if (isWanted) {
      await this.#showFrame(bitmap);
      this.picture = await toJpeg(bitmap);
      this.#saveSoon();
    }
    this.#showMessage();
  }

  async #showFrame(bitmap) {
    const { editor } = this;
    const wasReady = editor.isReady;
    await editor.setFrame(bitmap, { labels: this.masks.labels(this.current), objects: editor.drawing?.ids ?? this.ids ?? 1 });
    editor.firstColor = this.options.color.value;
    editor.fileName = `mask_${String(this.current).padStart(5, "0")}.png`;
    this.frameBar.show(this.current, this.masks.frames);
    this.#showMessage();
    if (!wasReady && !document.activeElement?.closest("aside")) editor.focus();
  }

  #showMessage() {
    if (!this.editor) return;
    const { upload } = this;
    let text = "";
    if (!this.editor.isReady && upload) {
      const share = `${Math.floor((100 * upload.sent) / upload.total)} %`;
      if (this.isDecoding) text = "Reading the first frame …";
      else if (upload.state === "refused") text = upload.problem.message;
      else if (upload.state === "ready") text = "The service reads the first frame …";
      else text = `Your browser cannot show this clip, so its first frame comes from the service when the clip is there: ${share}.`;
    }
    if (this.message.textContent !== text) this.message.textContent = text;
    this.message.hidden = !text;
  }

  async #go(frame) {
    if (!this.frames || frame === this.current) return;
    this.going?.abort();
    this.going = new AbortController();
    const { signal } = this.going;
    this.frameBar.say(`Getting frame ${frame} …`);
    try {
      const bitmap = await this.frames.fetch(frame, signal);
      if (signal.aborted || this.signal.aborted) return;
      this.masks.keep(this.current, this.editor.drawing);
      this.current = frame;
      await this.#showFrame(bitmap);
      this.frameBar.say("");
      announce(`Frame ${frame}.`);
      this.#saveSoon();
    } catch (error) {
      if (signal.aborted || this.signal.aborted) return;
      this.frameBar.show(this.current, this.masks.frames);
      this.frameBar.say(`Frame ${frame} could not be had: ${error.message}`);
    }
  }

  #drawn() {
    const { editor } = this;
    if (!editor.isReady) return;
    this.masks.keep(this.current, editor.drawing);
    this.frameBar.show(this.current, this.masks.frames);
    this.#changed();
    this.#objectsChanged();
  }

  #objectsChanged() {
    this.#saveSoon();
    if (this.start.hasProblem) this.start.say(this.#missing(), this.current);
  }

  #optionsChanged() {
    if (this.editor?.isReady) this.editor.firstColor = this.options.color.value;
    this.start.showTime(this.options.expected);
    this.#changed();
  }

  async #askTimes(clip) {
    await this.options.askTimes(clip, this.signal);
    this.start.showTime(this.options.expected);
  }

  #changed() {
    this.jobKey = randomKey(); // what is asked for now is another job
    this.#saveSoon();
  }

  async #fillLike(id) {
    try {
      const job = await call("GET", jobUrl(id), { signal: this.signal });
      this.options.fill({ ...job.options, metadata: job.metadata });
      this.zone.lead.textContent = `Drop a clip here: its settings are those of ${job.metadata.name || job.video?.filename || "the other job"}`;
    } catch (error) {
      if (!this.signal.aborted) toast(`The settings of the other job could not be had: ${error.message}`, "bad");
    }
  }

  // The job.

  #missing() {
    const { editor } = this;
    if (!editor?.isReady) return { text: "There is no frame to draw on yet." };
    this.masks.keep(this.current, editor.drawing);
    return missing(editor.objects, this.masks.numbered(editor.drawing.ids));
  }

  async #start() {
    if (this.isSubmitting) return;
    const problem = this.#missing();
    this.start.say(problem, this.current);
    this.isQueued = false;
    if (problem) return;
    if (!this.upload) return this.start.say({ text: `Pick ${this.lost?.file.name ?? "the clip"} again first: not all of it has arrived.` });
    if (this.upload.state === "refused") return this.start.say({ text: `This clip cannot be used: ${this.upload.problem.message}` });
    if (this.upload.state !== "ready") {
      this.isQueued = true;
      return this.start.queue(this.upload);
    }
    this.isSubmitting = true;
    this.start.send();
    try {
      const { upload, editor, jobKey: key } = this;
      const masks = this.masks.numbered(editor.drawing.ids);
      const job = await submit({ videoId: upload.id, masks, size: this.masks.size, options: this.options.value, key, signal: this.signal });
      this.isSent = true;
      await dropDraft();
      location.hash = `#/jobs/${job.id}`;
    } catch (error) {
      if (this.signal.aborted) return;
      this.start.stop();
      this.start.say({ text: error.message });
    } finally {
      this.isSubmitting = false;
    }
  }

  #unqueue() {
    this.isQueued = false;
    this.start.stop();
  }

  // What outlives a reload.

  #saveSoon() {
    clearTimeout(this.saving);
    if (!this.isSent) this.saving = setTimeout(() => this.#save(), SAVE_MILLISECONDS);
  }

  #save() {
    const file = this.upload?.file ?? this.lost?.file;
    if (!file || this.isSent || this.upload?.state === "refused" || this.upload?.state === "stopped") return;
    const { name, size, lastModified } = file;
    return writeDraft({
      file: { name, size, lastModified },
      uploadId: this.upload?.id ?? this.lost?.uploadId ?? null,
      uploadKey: this.upload?.key ?? this.lost?.uploadKey,
      size: this.masks.size,
      ids: this.editor?.drawing?.ids ?? this.ids ?? [1],
      frames: Object.fromEntries(this.masks.runs),
      current: this.current,
      picture: this.picture ?? null,
      options: this.options.value,
      jobKey: this.jobKey,
    });
  }

  async #restore(draft, keepsOptions) {
    this.masks.runs = new Map(Object.entries(draft.frames).map(([frame, runs]) => [Number(frame), runs]));
    this.masks.size = draft.size;
    this.ids = draft.ids;
    if (!keepsOptions) this.options.fill(draft.options);
    this.#openDesk();
    this.jobKey = draft.jobKey;
    this.picture = draft.picture;
    if (draft.picture) await this.#showFrame(await createImageBitmap(draft.picture));
    if (this.upload) return; // a clip was dropped meanwhile
    const known = await this.#uploadOf(draft);
    if (known?.status === "complete") {
      return this.#send(draft.file, { id: draft.uploadId, key: draft.uploadKey });
    }
    if (lastFile && fingerprint(lastFile) === fingerprint(draft.file)) {
      return this.#send(lastFile, { id: known ? draft.uploadId : null, key: draft.uploadKey });
    }
    this.lost = { ...draft, uploadId: known ? draft.uploadId : null };
    const sizes = (known?.arrived ?? []).map((part) => Math.min(known.part_bytes, draft.file.size - (part - 1) * known.part_bytes));
    this.card.showLost(draft.file.name, (100 * sizes.reduce((sum, size) => sum + size, 0)) / draft.file.size);
  }

  async #uploadOf(draft) {
    if (!draft.uploadId) return null;
    return call("GET", `/v1/uploads/${draft.uploadId}`, { signal: this.signal }).catch(() => null);
  }

  async #mayLeaveDrawing() {
    if (!this.masks.frames.length) return true;
    return confirmed("What you have drawn belongs to the clip before and goes with it.", { verb: "Use the other clip" });
  }

  async #startOver() {
    if (!(await this.#mayLeaveDrawing())) return;
    this.#forgetDrawing();
    await dropDraft();
    this.#closeDesk();
  }

  #forgetDrawing() {
    this.upload?.stop();
    this.upload = null;
    this.lost = null;
    this.frames = null;
    this.clip = null;
    this.current = 0;
    this.ids = null;
    this.picture = null;
    this.lastState = null;
    this.isQueued = false;
    this.masks.clear();
    this.frameBar.enable(0, "Other frames can be drawn on too, as soon as the clip has arrived.");
    this.frameBar.show(0, []);
    this.start.stop();
    this.start.say(null);
    this.editing?.abort();
    clear(this.work);
    this.editor = null;
    this.jobKey = randomKey();
  }
}

function randomKey() {
  return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
}
