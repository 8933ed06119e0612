// A job that is not sent yet, kept in the browser: what is drawn and chosen outlives a reload of the page.

const DATABASE = "rotomill";
const STORE = "drafts";
const KEY_OF_TAB = "rotomill.draft"; // each tab has its own draft
const KEPT_MILLISECONDS = 24 * 3600 * 1000;
const SAVE_MILLISECONDS = 250;

/**
 * @typedef {Object} Draft
 * @property {{name: string, size: number, lastModified: number}} file
 * @property {string | null} uploadId @property {string} uploadKey
 * @property {{width: number, height: number} | null} size of a frame
 * @property {number[]} ids of the objects
 * @property {Object<string, Uint32Array>} frames the masks, as runs, by the frames' numbers
 * @property {Blob | null} picture of frame 0
 * @property {Object} options @property {string} jobKey
 */

/** Once the person has signed out, this page keeps nothing more. */
let isOver = false;

/** The tab's draft, or null. @returns {Promise<Draft | null>} */
export async function readDraft() {
  const key = keyOfTab();
  if (!key) return null;
  const found = await within("readonly", (store) => store.get(key));
  return found && Date.now() - found.savedAt < KEPT_MILLISECONDS ? found : null;
}

/** Keep the draft. A browser that keeps nothing costs the person a reload's work, and no more. */
async function writeDraft(draft) {
  const key = keyOfTab({ makes: true });
  if (!key || isOver) return;
  await within("readwrite", (store) => {
    const asked = store.put({ ...draft, savedAt: Date.now() }, key);
    store.transaction.commit?.(); // without it, a page that goes now takes it back
    return asked;
  });
}

/** Forget the draft of who signs out, also what would still be kept of it. */
export async function closeDrafts() {
  isOver = true;
  await dropDraft();
}

/** Forget the tab's draft, and those that other tabs have left behind. */
export async function dropDraft() {
  const key = keyOfTab();
  if (key) sessionStorage.removeItem(KEY_OF_TAB);
  await within("readwrite", (store) => {
    if (key) store.delete(key);
    const walk = store.openCursor();
    walk.onsuccess = () => {
      const at = walk.result;
      if (!at) return;
      if (Date.now() - at.value.savedAt > KEPT_MILLISECONDS) at.delete();
      at.continue();
    };
    return walk;
  });
}

/** Keeps a draft as it changes, until it has become a job; at once where the page may be gone in a moment. */
export class DraftKeeper {
  /** @param {() => Omit<Draft, "savedAt"> | null} draft as it is now @param {AbortSignal} signal ends with the view */
  constructor(draft, signal) {
    this.draft = draft;
    this.isEnded = false;
    this.timer = 0;
    const atOnce = () => this.timer && this.now();
    window.addEventListener("pagehide", atOnce, { signal });
    document.addEventListener("visibilitychange", () => document.hidden && atOnce(), { signal });
    signal.addEventListener("abort", atOnce);
  }

  /** Something has changed; more may in a moment. */
  soon() {
    clearTimeout(this.timer);
    if (!this.isEnded) this.timer = setTimeout(() => this.now(), SAVE_MILLISECONDS);
  }

  async now() {
    this.#calm();
    const draft = this.isEnded ? null : this.draft();
    if (draft) await writeDraft(draft);
  }

  async end() {
    this.isEnded = true;
    this.#calm();
    await dropDraft();
  }

  #calm() {
    clearTimeout(this.timer);
    this.timer = 0;
  }
}

/** Which draft is this tab's; null where there is none, or the browser keeps nothing for the page. */
function keyOfTab({ makes = false } = {}) {
  try {
    const known = sessionStorage.getItem(KEY_OF_TAB);
    if (known || !makes) return known;
    const key = crypto.randomUUID?.() ?? String(Math.random());
    sessionStorage.setItem(KEY_OF_TAB, key);
    return key;
  } catch {
    return null;
  }
}

/** @type {IDBDatabase | null} stays open, so that a change can be kept while the page goes */
let database = null;

async function within(mode, does) {
  try {
    database ??= await opened();
    const transaction = database.transaction(STORE, mode);
    const asked = does(transaction.objectStore(STORE));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
    return asked.result ?? null;
  } catch {
    return null; // private windows may have no database
  }
}

function opened() {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(DATABASE, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore(STORE);
    asked.onsuccess = () => {
      asked.result.onclose = asked.result.onversionchange = () => {
        asked.result.close();
        database = null;
      };
      resolve(asked.result);
    };
    asked.onerror = asked.onblocked = () => reject(asked.error);
  });
}
