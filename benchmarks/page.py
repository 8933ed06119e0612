"""What the page weighs, when it is there, and how it keeps up with a hand that draws: `python -m benchmarks.page`."""

import argparse
import itertools
import math
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page

from tests.e2e.stack import running
from tests.page.browser import browsing, visiting
from tests.page.hand import Drawing, pick
from tests.worker.clips import make_clip

OPENINGS = 7
STROKE_SECONDS = 3.0
FULL_HD = (1920, 1080)

# What came over the network but for media: the page's own files and the answers to its calls.
WEIGHT = """() => {
  const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const own = all.filter(({ name }) => !/\\.(mp4|jpg|png|webm)(\\?|$)/.test(name));
  return { files: own.length, bytes: own.reduce((sum, { transferSize }) => sum + transferSize, 0) };
}"""
PAINTED = """() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null"""

WATCH_FRAMES = """() => {
  window.framesSeen = [];
  const see = (now) => {
    if (!window.framesSeen) return;
    window.framesSeen.push(now);
    requestAnimationFrame(see);
  };
  requestAnimationFrame(see);
}"""
TAKE_FRAMES = """() => {
  const seen = window.framesSeen;
  window.framesSeen = null;
  return seen;
}"""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.page", description=__doc__)
    parser.add_argument("--openings", type=int, default=OPENINGS, help="how often each view is opened anew")
    parser.add_argument("--stroke-seconds", type=float, default=STROKE_SECONDS, help="length of each stroke")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name, running(Path(name), "api") as stack, browsing() as browser:
        for route, usable in (("/", "New job"), ("/new", "Choose a clip")):
            report_opening(
                route, [opening(browser, stack.url, route, usable) for _ in range(options.openings)]
            )
        clip = make_clip(Path(name) / "clip.mp4", frames=24, size=FULL_HD)
        with visiting(browser, stack.url) as visit:
            visit.go("/new")
            report_drawing(visit.page, clip, options.stroke_seconds)


def opening(browser: Browser, url: str, route: str, usable: str) -> dict[str, float]:
    """One first visit, with nothing cached: milliseconds from the start of the navigation, and what came."""
    with visiting(browser, url) as visit:
        visit.page.goto(f"{url}/#{route}", wait_until="commit")
        control(visit.page, usable).wait_for()
        milliseconds = visit.page.evaluate("() => performance.now()")
        visit.page.wait_for_load_state("networkidle")
        weight = visit.page.evaluate(WEIGHT)
        return {"usable": milliseconds, "painted": visit.page.evaluate(PAINTED) or math.nan, **weight}


def control(page: Page, name: str) -> Locator:
    """What a person would press first in a view, inside the view itself."""
    return page.get_by_role("main").get_by_text(name).first


def report_opening(route: str, found: Sequence[dict[str, float]]) -> None:
    painted, usable = (statistics.median(one[key] for one in found) for key in ("painted", "usable"))
    worst = max(one["usable"] for one in found)
    weight = found[0]
    print(
        f"#{route}: first contentful paint {painted:.0f} ms, usable {usable:.0f} ms (worst {worst:.0f} ms of "
        f"{len(found)}); {weight['files']:.0f} files, {weight['bytes'] / 1024:.0f} KiB"
    )


def report_drawing(page: Page, clip: Path, seconds: float) -> None:
    pick(page, clip)
    drawing = Drawing(page, FULL_HD)
    for tool in ("Brush", "Eraser"):
        drawing.tool(tool)
        gaps = stroke(drawing, seconds)
        rate = 1000 * len(gaps) / sum(gaps)
        late = sorted(gaps)[int(0.95 * len(gaps))]
        told = f"95 % of frames within {late:.1f} ms, worst {max(gaps):.1f} ms"
        print(f"{tool} on 1920x1080: {rate:.1f} frames a second; {told}")
        if tool == "Brush":
            drawing.expect_drawn()


def stroke(drawing: Drawing, seconds: float) -> list[float]:
    """Draw with the mouse in circles; the milliseconds between the frames that the browser painted meanwhile."""
    mouse, (width, height) = drawing.page.mouse, FULL_HD

    def on_circle(angle: float) -> tuple[float, float]:
        return drawing.at(
            (width / 2 + 0.4 * height * math.cos(angle), height / 2 + 0.4 * height * math.sin(angle))
        )

    mouse.move(*on_circle(0))
    mouse.down()
    drawing.page.evaluate(WATCH_FRAMES)
    points = [on_circle(step / 12) for step in range(76)]
    start, step = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        step += 1
        mouse.move(*points[step % len(points)])
    seen: list[float] = drawing.page.evaluate(TAKE_FRAMES)
    mouse.up()
    return [later - earlier for earlier, later in itertools.pairwise(seen)]


if __name__ == "__main__":
    main()
