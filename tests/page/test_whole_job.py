"""A whole job with a real clip: dropped, drawn on, watched, reloaded, looked at."""

import pytest
from playwright.sync_api import expect

from tests.e2e.stack import ROOT, Stack
from tests.page import hand
from tests.page.browser import Visit
from tests.page.player import Player

CLIP = ROOT.parent / "shared" / "clips" / "blackswan-hevc.mp4"
SIZE = (854, 480)
FRAMES = 50
# around the swan
CORNERS = ((121, 67), (516, 391))


@pytest.mark.skipif(not CLIP.exists(), reason="the real clips are not beside the checkout")
def test_from_dropping_a_clip_to_the_finished_overlay_with_two_reloads(visit: Visit, stack: Stack) -> None:
    page = visit.page
    visit.go("/new")
    expect(page.get_by_role("button", name="Choose a clip")).to_be_visible()
    hand.drop(page, CLIP)
    drawing = hand.Drawing(page, SIZE)
    drawing.box(*CORNERS)
    drawing.expect_drawn()
    share = drawing.share()
    assert 5 < share < 20, "the box has not fitted itself to the swan"

    hand.wait_kept(page)
    page.reload()
    assert hand.Drawing(page, SIZE).share() == share, "the reload has lost the drawing"
    with stack.held("encoding"):
        job_id = hand.start(page)
        film = page.locator("canvas.film-canvas[data-frame]")
        expect(film).to_be_visible()
        page.reload()
        expect(film).to_be_visible()
        expect(page.get_by_role("listitem").filter(has_text="Encode")).to_have_attribute(
            "aria-current", "step"
        )
    player = Player(page)
    assert stack.job(job_id)["status"] == "succeeded"
    expect(player.button("Overlay")).to_have_attribute("aria-pressed", "true")
    player.play_to_the_end(FRAMES - 1)
    player.show(20)
    page.keyboard.press("Tab")
    page.get_by_role("slider", name="Frame").press("ArrowRight")
    player.expect_frame(21)
    for view in ("Source", "Mask", "Cutout", "Side by side"):
        player.button(view).click()
        player.expect_frame(21)
    link = page.get_by_role("link", name="overlay.mp4")
    with page.expect_download() as download:
        link.click()
    assert download.value.path().stat().st_size == next(
        result["bytes"] for result in stack.job(job_id)["results"] if result["name"] == "overlay.mp4"
    )
