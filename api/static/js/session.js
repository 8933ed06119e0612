// Signing in with an API key, where the service wants one.

import { h, opened } from "./dom.js";
import { closeDrafts } from "./new/drafts.js";

/** @type {Promise<void>|null} all calls that were refused wait for one dialog */
let asking = null;

/** Ask for a key until one is taken. Every caller meanwhile waits for the same answer. */
export function signIn() {
  asking ??= _ask().finally(() => { asking = null; });
  return asking;
}

async function _ask() {
  const error = h("p", { class: "error", id: "key-error", role: "alert" });
  const input = /** @type {HTMLInputElement} */ (h("input", {
    type: "password", id: "key", name: "key", required: true, autocomplete: "current-password",
    spellcheck: "false", "aria-describedby": "key-hint key-error",
  }));
  const button = h("button", { class: "button primary", type: "submit" }, "Sign in");
  const form = h("form", {},
    h("div", { class: "field" }, h("label", { for: "key" }, "API key"), input,
      h("span", { class: "hint", id: "key-hint" }, "It begins with rm_. Whoever runs this service makes them."), error),
    h("div", { class: "row" }, button));
  const { dialog, closed } = opened("Sign in", [form]);
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.setAttribute("disabled", "");
    error.textContent = "";
    error.textContent = await _objection(input.value.trim());
    button.removeAttribute("disabled");
    if (error.textContent) input.focus();
    else dialog.close();
  });
  await closed;
  await showSession();
}

/** Why the key is not taken; empty if it is. */
async function _objection(key) {
  try {
    const answer = await fetch("/v1/session", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ key }), credentials: "same-origin",
    });
    if (answer.ok) return "";
    return (await answer.json().catch(() => ({}))).detail ?? `The service answered ${answer.status}.`;
  } catch {
    return "The service cannot be reached just now. Try again in a moment.";
  }
}

/** Show "Sign out" to who has signed in. */
export async function showSession() {
  const button = document.getElementById("sign-out");
  try {
    const answer = await fetch("/v1/session", { credentials: "same-origin" });
    const session = answer.ok ? await answer.json() : {};
    button.hidden = !(session.keys_required && session.signed_in);
    button.title = session.owner ? `Signed in as ${session.owner}` : "";
  } catch {
    button.hidden = true;
  }
}

/** Sign out, and begin again with nothing of the last person's on the page. */
export async function signOut() {
  try {
    await fetch("/v1/session", { method: "DELETE", credentials: "same-origin" });
    await closeDrafts();
  } finally {
    location.hash = "#/";
    location.reload();
  }
}
