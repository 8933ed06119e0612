"""Pictures of every view, light and dark, at 1440 and 390 px: `python -m tests.page.screenshots FOLDER`."""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from tests.e2e.stack import ROOT, running
from tests.page.browser import PATIENCE_MILLISECONDS, Visit, browsing, visiting
from tests.page.keys import first_key
from tests.page.tour import Material, views
from tests.worker.clips import make_clip

REAL = Material(ROOT.parent / "shared/clips/blackswan-hevc.mp4", (854, 480), ((121, 67), (516, 391)))
WIDTHS = {1440: 900, 390: 844}
# A real job takes its time.
PATIENCE_FACTOR = 4


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="tests.page.screenshots", description=__doc__)
    parser.add_argument("folder", type=Path, help="where the pictures go")
    parser.add_argument("--braked", action="store_true", help="masks of a few steps only, sooner")
    options = parser.parse_args(arguments)
    options.folder.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=PATIENCE_FACTOR * PATIENCE_MILLISECONDS)
    with tempfile.TemporaryDirectory() as name, browsing() as browser:
        place = Path(name)
        tour(browser, place, options.folder, "tests.e2e.braked" if options.braked else "api")
        sign_in(browser, place, options.folder)


def tour(browser: Browser, place: Path, folder: Path, module: str) -> None:
    """Every view, both widths side by side in one service, so that both see it without jobs first."""
    material = REAL if REAL.clip.exists() else made(place)
    with running(place / "service", module) as stack, visits(browser, stack.url) as both:
        walks = [views(visit, stack, material) for visit in both.values()]
        for names in zip(*walks, strict=True):
            for width, visit in both.items():
                picture(visit.page, folder / f"{names[0]}-{width}")


def sign_in(browser: Browser, place: Path, folder: Path) -> None:
    first_key(place / "keys" / "data")
    settings = {"ROTOMILL_API_KEYS_REQUIRED": "true"}
    with running(place / "keys", **settings) as stack, visits(browser, stack.url) as both:
        for width, visit in both.items():
            visit.go("/")
            expect(visit.page.get_by_role("dialog", name="Sign in")).to_be_visible()
            picture(visit.page, folder / f"sign-in-{width}")


@contextmanager
def visits(browser: Browser, url: str) -> Iterator[dict[int, Visit]]:
    with ExitStack() as entered:
        yield {
            width: entered.enter_context(
                visiting(browser, url, width=width, height=height, touch=width < 500)
            )
            for width, height in WIDTHS.items()
        }


def picture(page: Page, path: Path) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=f"{path}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    print(path.name, flush=True)


def made(place: Path) -> Material:
    size = (320, 180)
    return Material(make_clip(place / "clip.mp4", frames=24, size=size), size, ((96, 50), (223, 130)))


if __name__ == "__main__":
    main()
