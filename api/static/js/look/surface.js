// A canvas that is as sharp as the screen, as wide as its place, and redrawn when size or theme changes.

/**
 * Calls `draw(context, width, height)`, in CSS pixels, at first and whenever the place or the theme changes.
 * @param {HTMLCanvasElement} canvas Its height is given by CSS.
 * @param {(context: CanvasRenderingContext2D, width: number, height: number) => void} draw
 * @param {AbortSignal} signal
 * @returns {() => void} Draws again, at the next picture of the screen.
 */
export function sharp(canvas, draw, signal) {
  let waiting = 0;
  const now = () => {
    waiting = 0;
    const { clientWidth: width, clientHeight: height } = canvas;
    if (signal.aborted || !width || !height) return;
    const scale = Math.min(3, window.devicePixelRatio || 1);
    const [wide, high] = [Math.round(width * scale), Math.round(height * scale)];
    if (canvas.width !== wide) canvas.width = wide;
    if (canvas.height !== high) canvas.height = high;
    const context = canvas.getContext("2d");
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, width, height);
    draw(context, width, height);
  };
  const soon = () => {
    waiting ||= requestAnimationFrame(now);
  };
  const sizes = new ResizeObserver(soon);
  sizes.observe(canvas);
  document.addEventListener("themechange", soon, { signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", soon, { signal });
  signal.addEventListener("abort", () => {
    sizes.disconnect();
    cancelAnimationFrame(waiting);
  });
  return soon;
}

/** The page's colours and type, as a canvas wants them. */
export function palette(element) {
  const style = getComputedStyle(element);
  const value = (name) => style.getPropertyValue(name).trim();
  const onDark = style.colorScheme.trim() === "dark";
  return {
    text: value("--text"),
    muted: value("--muted"),
    line: value("--line"),
    surface: value("--surface"),
    ground: value("--bg"),
    raised: value("--raised"),
    accent: value("--accent"),
    warn: value("--warn"),
    onDark,
    font: `12px ${style.fontFamily}`,
  };
}
