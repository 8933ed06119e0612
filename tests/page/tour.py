"""Every view of the page in turn, for those who look at all of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import expect

from tests.e2e.stack import Stack
from tests.page import hand
from tests.page.browser import Visit
from tests.page.player import Player


@dataclass(frozen=True)
class Material:
    """A clip, and the corners of a box around its object."""

    clip: Path
    size: tuple[int, int]
    corners: tuple[hand.Point, hand.Point]


def views(visit: Visit, stack: Stack, material: Material, preset: str = "Fast") -> Iterator[str]:
    """Lead the visit through a service without jobs; the name of each view while it is on show."""
    page = visit.page
    visit.go("/")
    expect(page.get_by_role("heading", name="One mask in, every frame out")).to_be_visible()
    yield "gallery-empty"
    visit.go("/sample")
    Player(page)
    yield "sample"
    visit.go("/new")
    expect(page.get_by_role("button", name="Choose a clip")).to_be_visible()
    yield "new"
    hand.pick(page, material.clip)
    drawing = hand.Drawing(page, material.size)
    expect(page.get_by_role("region", name="Clip", exact=True)).to_contain_text("frames")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.get_by_text("Nothing is drawn yet.").first).to_be_visible()
    yield "drawing-empty"
    drawing.drag(*material.corners)
    shape = page.get_by_role("group", name="This shape")
    expect(shape.get_by_role("button", name="Done")).to_be_visible()
    yield "drawing-box"
    shape.get_by_role("button", name="Done").click()
    drawing.tool("Brush")
    yield "drawing-brush"
    yield from _job(visit, stack, material, preset)


def _job(visit: Visit, stack: Stack, material: Material, preset: str) -> Iterator[str]:
    page = visit.page
    with stack.held("encoding"):
        job_id = hand.start(page, preset)
        expect(page.get_by_role("button", name="Cancel the job")).to_be_visible()
        yield "watching-early"
        expect(page.locator("canvas.film-canvas[data-frame]")).to_be_visible()
        yield "watching"
    player = Player(page)
    player.show(8)
    yield "looking"
    page.get_by_role("button", name="Delete", exact=True).click()
    keep = page.get_by_role("dialog").get_by_role("button", name="Keep it")
    expect(keep).to_be_visible()
    yield "dialog"
    keep.click()
    visit.go(f"/jobs/{job_id}/correct?frame=8")
    drawing = hand.Drawing(page, material.size)
    drawing.tool("Brush")
    width, height = material.size
    drawing.drag((width * 0.1, height * 0.1), (width * 0.2, height * 0.12))
    expect(page.get_by_role("button", name="Send the correction")).to_be_enabled()
    yield "correcting"
    page.once("dialog", lambda dialog: dialog.accept())
    visit.go("/")
    expect(page.get_by_role("list", name="Jobs").get_by_role("listitem").first).to_be_visible()
    yield "gallery"
    visit.go("/jobs/nothing")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    yield "nothing"
