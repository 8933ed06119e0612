// Turning and zooming a projection by drag, wheel, pinch and keys.

const RADIANS_PER_PX = 0.009;
const KEY_RADIANS = 0.14;

/**
 * @param {HTMLElement} element
 * @param {import("./projection.js").Projection} projection
 * @param {() => void} draw
 * @param {AbortSignal} signal
 */
export function turning(element, projection, draw, signal) {
  const fingers = new Map();
  const on = (name, heard) => element.addEventListener(name, heard, { signal, passive: false });
  on("pointerdown", (event) => {
    element.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, event);
  });
  on("pointermove", (event) => {
    const last = fingers.get(event.pointerId);
    if (!last) return;
    const before = spread(fingers);
    fingers.set(event.pointerId, event);
    if (fingers.size === 1) {
      projection.turn((event.clientX - last.clientX) * RADIANS_PER_PX, (event.clientY - last.clientY) * RADIANS_PER_PX);
    } else if (before) {
      projection.magnify(spread(fingers) / before);
    }
    draw();
  });
  for (const name of ["pointerup", "pointercancel"]) on(name, (event) => fingers.delete(event.pointerId));
  on("wheel", (event) => {
    // the page scrolls as everywhere else; who has come here to look closer holds Ctrl, as a trackpad's pinch does
    if (!event.ctrlKey && document.activeElement !== element) return;
    event.preventDefault();
    projection.magnify(Math.exp(-event.deltaY * 0.002));
    draw();
  });
  on("keydown", (event) => {
    const acts = {
      ArrowLeft: () => projection.turn(-KEY_RADIANS, 0),
      ArrowRight: () => projection.turn(KEY_RADIANS, 0),
      ArrowUp: () => projection.turn(0, -KEY_RADIANS),
      ArrowDown: () => projection.turn(0, KEY_RADIANS),
      "+": () => projection.magnify(1.15),
      "=": () => projection.magnify(1.15),
      "-": () => projection.magnify(1 / 1.15),
      0: () => projection.reset(),
    };
    const act = acts[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
    draw();
  });
}

function spread(fingers) {
  if (fingers.size < 2) return 0;
  const [one, other] = [...fingers.values()];
  return Math.hypot(one.clientX - other.clientX, one.clientY - other.clientY);
}
