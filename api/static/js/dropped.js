// Files that are dropped on the page, wherever they fall: kept until a view is there that wants them.

let waiting = null;
let taker = null;

/** The files dropped from now on, and one that has been waiting, until `signal` ends. @param {(file: File) => void} take */
export function takeDropped(take, signal) {
  taker = take;
  signal.addEventListener("abort", () => {
    if (taker === take) taker = null;
  });
  const file = waiting;
  waiting = null;
  if (file) take(file);
}

/** Listen for files on the whole page. @param {() => boolean} mayOpen whether a file may open a new job from where the person is */
export function installDropping(mayOpen) {
  for (const kind of ["dragenter", "dragover"]) {
    window.addEventListener(kind, (event) => {
      event.preventDefault();
      document.documentElement.classList.add("is-dragging");
    });
  }
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.documentElement.classList.remove("is-dragging");
  });
  window.addEventListener("drop", (event) => {
    event.preventDefault(); // the browser must not leave the page for a file
    document.documentElement.classList.remove("is-dragging");
    const [file] = event.dataTransfer?.files ?? [];
    if (!file) return;
    if (taker) return taker(file);
    if (!mayOpen()) return;
    waiting = file;
    if (!location.hash.startsWith("#/new")) location.hash = "#/new";
  });
}
