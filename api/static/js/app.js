// Where the page begins: which view stands for an address, and what all views share.

import { Unreachable } from "./api.js";
import { announce, clear, h, icon } from "./dom.js";
import { installDropping } from "./dropped.js";
import { showSession, signOut } from "./session.js";
import { installTheme } from "./theme.js";

const ROUTES = [
  { at: /^\/$/, name: "gallery", title: "Jobs", load: () => import("./views/gallery.js") },
  { at: /^\/new$/, name: "new", title: "New job", load: () => import("./views/new.js") },
  { at: /^\/sample$/, name: "sample", title: "Sample", load: () => import("./views/sample.js") },
  { at: /^\/jobs\/(job_[0-9a-f]{32})$/, name: "job", title: "Job", load: () => import("./views/job.js") },
  { at: /^\/jobs\/(job_[0-9a-f]{32})\/correct$/, name: "correct", title: "Correct", load: () => import("./views/correct.js") },
];

const main = document.getElementById("main");
let leaving = new AbortController();
let isFirst = true;

async function go() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const [path, query] = (location.hash.slice(1) || "/").split("?");
  const route = ROUTES.find(({ at }) => at.test(path));
  if (!route) return nowhere();
  document.title = `${route.title} – Rotomill`;
  for (const link of document.querySelectorAll("[data-route]")) {
    if (link.dataset.route === route.name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  main.dataset.view = route.name;
  try {
    const view = await loaded(route);
    if (signal.aborted) return;
    clear(main);
    if (!isFirst) {
      main.focus({ preventScroll: true });
      window.scrollTo(0, 0);
      announce(route.title);
    }
    isFirst = false;
    await view.show(main, { id: path.match(route.at)[1] ?? "", query: new URLSearchParams(query) }, signal);
  } catch (error) {
    if (!signal.aborted) broken(error);
  }
}

/** A view's code. Some browsers remember that it could not be had, so then the page is loaded anew. */
async function loaded(route) {
  try {
    return await route.load();
  } catch (error) {
    console.warn(error);
    throw Object.assign(new Unreachable(), { isStuck: true });
  }
}

function nowhere() {
  main.replaceChildren(h("div", { class: "card" }, h("h1", {}, "There is nothing here"),
    h("p", {}, "The address does not lead to a job. ", h("a", { href: "#/" }, "See all jobs"))));
}

function broken(error) {
  console.warn(error);
  main.replaceChildren(h("div", { class: "card", role: "alert" }, h("h1", {}, "This did not work"),
    h("p", {}, error?.message ?? String(error)),
    h("button", { class: "button primary", type: "button", on: { click: () => (error?.isStuck ? location.reload() : go()) } }, "Try again")));
}

installDropping(() => main.dataset.view !== "correct"); // what is drawn there would be lost
window.addEventListener("hashchange", go);
document.getElementById("sign-out").addEventListener("click", signOut);
installTheme(document.getElementById("theme"), icon("theme"));
showSession();
go();
