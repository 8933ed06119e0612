// What may go wrong with an upload, and which of it passes by waiting.

import { Problem, Unreachable } from "./api.js";

/** A file that was moved or changed on its disk looks like a broken connection: ask it for a byte. */
export async function whyNothingWasSent(body) {
  try {
    await body.slice(0, 1).arrayBuffer();
    return new Unreachable();
  } catch {
    return new Problem(0, { code: "file_unreadable", detail: "The file can no longer be read: it was moved or changed. Pick it again." });
  }
}

/** What an answer to a part says. @param {XMLHttpRequest} request */
export function problemOf(request) {
  let told = {};
  try {
    told = JSON.parse(request.responseText);
  } catch {
    // a proxy's own page; the status says enough
  }
  const problem = new Problem(request.status, told);
  problem.retryAfter = Number(request.getResponseHeader("retry-after")) || 0;
  return problem;
}

const PASSING = new Set([401, 408, 409, 429]);

/** What has arrived is no longer there: the file is sent from its beginning. */
export const isGone = (error) => error instanceof Problem && ["upload_not_found", "upload_expired", "part_not_found"].includes(error.code);

/** What waiting does not help. A fault of the page itself is such a thing too. */
export const isFinal = (error) =>
  !(error instanceof Unreachable) && !(error.status >= 500) && !PASSING.has(error.status) && !isGone(error);
