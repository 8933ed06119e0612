// The view "New job": a clip on its way to the service while its object is drawn, and the job that comes of both.

import { call, jobUrl } from "../api.js";
import { announce, confirmed, toast } from "../dom.js";
import { takeDropped } from "../dropped.js";
import { ClipCard } from "../new/clip-card.js";
import { Desk } from "../new/desk.js";
import { DraftKeeper, dropDraft, readDraft } from "../new/drafts.js";
import { DropZone, unsuitable } from "../new/drop-zone.js";
import { OptionsForm } from "../new/options-form.js";
import { firstFrame, toJpeg } from "../new/pictures.js";
import { Room } from "../new/room.js";
import { StartBar } from "../new/start-bar.js";
import { missing, submit } from "../new/submission.js";
import { ClipUpload, fingerprint } from "../upload.js";

const SAMPLE = "/static/sample/clip.mp4";

/** The clip that was picked last: whoever looks at another view meanwhile need not pick it again. @type {File | null} */
let lastFile = null;

/** @param {HTMLElement} main @param {{query: URLSearchParams}} params @param {AbortSignal} signal */
export async function show(main, { query }, signal) {
  await new NewJob(main, signal).begin(query);
}

class NewJob {
  constructor(main, signal) {
    this.signal = signal;
    this.upload = null;
    this.lost = null; // a draft whose clip must be picked again
    this.jobKey = randomKey();
    this.zone = new DropZone({ onFile: (file) => this.take(file), onSample: () => this.takeSample() });
    this.card = new ClipCard({
      onPause: () => this.upload.pause(), onResume: () => this.upload.resume(), onRetry: () => this.upload.retry(),
      onOther: () => this.#startOver(), onPick: () => this.zone.open(),
    });
    this.options = new OptionsForm({ onChange: () => this.#optionsChanged() });
    this.desk = new Desk(signal);
    this.desk.addEventListener("drawn", () => this.#changed());
    this.desk.addEventListener("objects", () => this.#lookAgain());
    this.start = new StartBar({ onStart: () => this.#start(), onStop: () => this.#unqueue(), onGo: (frame) => this.desk.visit(frame) });
    const { desk, zone, card, options, start } = this;
    this.room = new Room(main, { desk, zone, card, options, start });
    this.keeper = new DraftKeeper(() => this.#draft(), signal);
    takeDropped((file) => this.#dropped(file), signal);
  }

  async begin(query) {
    this.#askTimes(null);
    const like = query.get("like");
    if (like) await this.#fillLike(like);
    // A clip may have been dropped while this was still loading: it goes before what was drawn before.
    const draft = this.upload ? null : await readDraft();
    if (this.upload || this.signal.aborted) return;
    if (query.get("sample")) await this.takeSample();
    else if (draft) await this.#restore(draft, Boolean(like));
  }

  // The clip.

  async takeSample() {
    if (this.upload || this.isTakingSample) return;
    this.isTakingSample = true;
    this.zone.refuse("");
    try {
      const blob = await call("GET", SAMPLE, { signal: this.signal });
      await this.take(new File([blob], "sample.mp4", { type: "video/mp4", lastModified: 0 }));
    } catch (error) {
      if (!this.signal.aborted) this.zone.refuse(`The sample could not be had: ${error.message}`);
    } finally {
      this.isTakingSample = false;
    }
  }

  /** Begin with a file; the same one again changes nothing. @param {File} file */
  async take(file) {
    const isSame = this.upload && fingerprint(this.upload.file) === fingerprint(file);
    if (isSame && !["refused", "stopped"].includes(this.upload.state)) {
      return toast(this.upload.state === "ready" ? "This clip is here already." : "This clip is on its way already.");
    }
    const wrong = unsuitable(file);
    if (wrong) return this.#refuse(wrong);
    const lost = this.lost ?? this.#unreadable();
    const goesOn = lost && lost.file.name === file.name && lost.file.size === file.size;
    if (!goesOn && !(await this.#mayForget())) return;
    if (!goesOn) this.#forget();
    this.lost = null;
    this.start.say(null);
    this.room.open();
    this.#send(file, goesOn ? { id: lost.uploadId, key: lost.uploadKey } : {});
    if (!this.desk.isReady) this.#showFirstFrame(file);
    this.keeper.soon();
  }

  /** A clip that could be read no longer goes on like one of before a reload, once it is picked again. */
  #unreadable() {
    const { upload } = this;
    if (upload?.problem?.code !== "file_unreadable") return null;
    return { file: upload.file, uploadId: upload.id, uploadKey: upload.key };
  }

  #send(file, { id = null, key } = {}) {
    if (file instanceof File) lastFile = file;
    this.sending?.abort();
    const sending = new AbortController();
    this.sending = sending;
    this.signal.addEventListener("abort", () => sending.abort());
    const upload = new ClipUpload(file, { id, key, signal: sending.signal });
    this.upload = upload;
    upload.addEventListener("change", () => upload === this.upload && this.#uploadChanged());
    upload.addEventListener("begun", () => this.keeper.soon());
    this.lastState = null;
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
    if (upload.state === "ready") this.#arrived(upload);
    if (upload.state === "refused") this.#uploadRefused();
    if (upload.state === "waiting") announce("The service cannot be reached. The upload goes on when it is back.");
  }

  async #arrived({ id, clip }) {
    announce("The clip has arrived.");
    this.#askTimes(clip);
    this.keeper.soon();
    try {
      const isOther = await this.desk.arrived(id, clip);
      if (isOther && this.desk.masks.frames.length) toast("The service sees another first frame than your browser did. Please look at the mask again.");
    } catch (error) {
      if (!this.signal.aborted) this.desk.frameBar.say(error.message);
    }
    if (this.isQueued && this.upload?.id === id) this.#start();
  }

  #uploadRefused() {
    this.#unqueue();
    announce(this.upload.problem.message);
    if (!this.desk.isReady) this.#refuse(this.upload.problem.message);
  }

  /** Say what is wrong with a file where files are chosen. */
  #refuse(text) {
    if (this.desk.isReady) return toast(text, "bad");
    this.room.close(text);
  }

  #dropped(file) {
    const isMask = file.type.startsWith("image/") && file.type !== "image/gif" && this.desk.isReady;
    return isMask ? this.desk.loadFile(file) : this.take(file);
  }

  async #showFirstFrame(file) {
    this.isDecoding = true;
    this.#showMessage();
    const bitmap = await firstFrame(file, this.signal);
    this.isDecoding = false;
    if (bitmap && this.upload?.file === file && !this.desk.isReady) {
      await this.desk.show(bitmap);
      this.picture = await toJpeg(bitmap);
      this.keeper.soon();
    }
    this.#showMessage();
  }

  #showMessage() {
    const { upload, desk } = this;
    if (desk.isReady || !upload) return desk.say("");
    const share = `${Math.floor((100 * upload.sent) / upload.total)} %`;
    if (this.isDecoding) desk.say("Reading the first frame …");
    else if (upload.state === "refused") desk.say(upload.problem.message);
    else if (upload.state === "ready") desk.say("The service reads the first frame …");
    else desk.say(`Your browser cannot show this clip, so its first frame comes from the service when the clip is there: ${share}.`);
  }

  // Another clip.

  async #startOver() {
    if (!(await this.#mayForget())) return;
    this.#forget();
    await dropDraft();
    this.room.close();
    this.zone.focus();
  }

  async #mayForget() {
    if (!this.desk.masks.frames.length) return true;
    return confirmed("What you have drawn belongs to the clip before and goes with it.", { verb: "Use another clip" });
  }

  #forget() {
    this.upload?.stop();
    this.upload = null;
    this.lost = null;
    this.picture = null;
    this.#unqueue();
    this.start.say(null);
    this.desk.reset();
    this.jobKey = randomKey();
  }

  // What is asked for.

  #optionsChanged() {
    this.desk.color = this.options.color.value;
    this.start.showTime(this.options.expected);
    this.#changed();
  }

  #changed() {
    this.jobKey = randomKey(); // what is asked for now is another job
    this.#lookAgain();
  }

  #lookAgain() {
    this.keeper.soon();
    if (this.start.hasProblem) this.start.say(this.#missing(), this.desk.current);
  }

  async #askTimes(clip) {
    await this.options.askTimes(clip, this.signal);
    this.start.showTime(this.options.expected);
  }

  async #fillLike(id) {
    try {
      const job = await call("GET", jobUrl(id), { signal: this.signal });
      this.options.fill({ ...job.options, metadata: job.metadata });
      this.zone.like(job.metadata.name || job.video?.filename || "the other job");
    } catch (error) {
      if (!this.signal.aborted) toast(`The settings of the other job could not be had: ${error.message}`, "bad");
    }
  }

  // The job.

  #missing() {
    if (!this.desk.isReady) return { text: "There is no frame to draw on yet." };
    return missing(this.desk.objects, this.desk.numbered);
  }

  async #start() {
    if (this.isSubmitting) return;
    const problem = this.#missing() ?? this.#clipProblem();
    this.start.say(problem, this.desk.current);
    this.isQueued = !problem && this.upload.state !== "ready";
    if (problem) return this.start.stop();
    if (this.isQueued) return this.start.queue(this.upload);
    this.isSubmitting = true;
    this.start.send();
    try {
      const { desk, upload, jobKey: key } = this;
      await this.keeper.now(); // with the key: after a reload, the same job is asked for
      const job = await submit({
        videoId: upload.id, masks: desk.numbered, size: desk.masks.size, options: this.options.value, key, signal: this.signal,
      });
      lastFile = null;
      await this.keeper.end();
      location.hash = `#/jobs/${job.id}`;
    } catch (error) {
      if (this.signal.aborted) return;
      this.start.stop();
      this.start.say({ text: error.message });
    } finally {
      this.isSubmitting = false;
    }
  }

  #clipProblem() {
    const { upload } = this;
    if (!upload) return { text: `Pick ${this.lost?.file.name ?? "the clip"} again first: not all of it has arrived.` };
    return upload.state === "refused" ? { text: `This clip cannot be used. ${upload.problem.message}` } : null;
  }

  #unqueue() {
    this.isQueued = false;
    this.start.stop();
  }

  // What outlives a reload.

  /** What a reload needs to go on, or null where there is nothing to go on with. */
  #draft() {
    const { upload, lost, desk } = this;
    const file = upload?.file ?? lost?.file;
    if (!file || ["refused", "stopped"].includes(upload?.state)) return null;
    const { name, size, lastModified } = file;
    return {
      file: { name, size, lastModified },
      uploadId: upload?.id ?? lost?.uploadId ?? null,
      uploadKey: upload?.key ?? lost?.uploadKey,
      size: desk.masks.size,
      ids: desk.labels,
      frames: Object.fromEntries(desk.masks.runs),
      picture: this.picture ?? null,
      options: this.options.value,
      jobKey: this.jobKey,
    };
  }

  async #restore(draft, keepsOptions) {
    this.desk.restore(draft);
    if (!keepsOptions) this.options.fill(draft.options);
    this.room.open();
    this.jobKey = draft.jobKey;
    this.picture = draft.picture;
    const picture = draft.picture && (await createImageBitmap(draft.picture).catch(() => null));
    if (this.upload || this.signal.aborted) return; // a clip was dropped meanwhile
    if (picture) await this.desk.show(picture);
    const known = await this.#uploadOf(draft);
    if (this.upload || this.signal.aborted) return; // a clip was dropped meanwhile
    const given = { id: known ? draft.uploadId : null, key: draft.uploadKey };
    if (known?.status === "complete") return this.#send(draft.file, given);
    if (lastFile && fingerprint(lastFile) === fingerprint(draft.file)) return this.#send(lastFile, given);
    this.lost = { ...draft, uploadId: given.id };
    this.card.showLost(draft.file, known);
    if (!this.desk.isReady) this.desk.say(`Pick ${draft.file.name} again to go on.`);
  }

  async #uploadOf(draft) {
    if (!draft.uploadId) return null;
    return call("GET", `/v1/uploads/${draft.uploadId}`, { signal: this.signal }).catch(() => null);
  }
}

function randomKey() {
  return crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
}
