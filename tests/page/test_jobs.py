"""Jobs on the page: several objects, a correction, the API going away and coming back, the gallery."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import expect

from tests.e2e.stack import Stack, wait_ready
from tests.page import hand
from tests.page.browser import Visit
from tests.page.player import Player
from tests.worker.clips import box_mask, make_clip

SIZE = (320, 180)
FRAMES = 16
# as the page asks for them
OUTPUTS = ["overlay.mp4", "preview.mp4", "masks.zip", "track.json", "poster.jpg"]


@pytest.fixture(autouse=True, scope="module")
def clip(stack: Stack) -> None:
    """The clip of this module's jobs, `clip.mp4` in the stack's folder."""
    make_clip(stack.folder / "clip.mp4", frames=FRAMES, size=SIZE)


@pytest.fixture(scope="module")
def finished(stack: Stack) -> str:
    """A job that is done."""
    job_id = stack.submit(mask=box_mask(size=SIZE), outputs=OUTPUTS, metadata={"name": "The first"})
    assert stack.wait_ended(job_id, seconds=200)["status"] == "succeeded"
    return job_id


@contextmanager
def api_away(stack: Stack) -> Iterator[None]:
    """While inside, the API is gone and nobody starts it again."""
    stack.process.send_signal(signal.SIGSTOP)
    try:
        os.kill(stack.process_id("api"), signal.SIGKILL)
        yield
    finally:
        stack.process.send_signal(signal.SIGCONT)
    wait_ready(stack)


def test_several_objects_are_drawn_followed_and_shown(visit: Visit, stack: Stack) -> None:
    page = visit.page
    visit.go("/new")
    hand.pick(page, stack.folder / "clip.mp4")
    drawing = hand.Drawing(page, SIZE)
    drawing.tool("Brush")
    drawing.drag((120, 80), (180, 100))
    drawing.expect_drawn(1)
    page.get_by_title("Add another object").click()
    drawing.drag((40, 150), (90, 160))
    drawing.expect_drawn(2)
    first = drawing.share(1)
    drawing.tool("Eraser")
    drawing.drag((40, 150), (60, 155))
    assert drawing.share(1) == first, "one object's eraser has changed another"
    job_id = hand.start(page)
    Player(page)
    assert stack.job(job_id)["objects"] == 2
    for number in (1, 2):
        expect(page.get_by_role("heading", name=f"Object {number}")).to_be_visible()


def test_a_correction_is_drawn_sent_and_compared_with_before(
    visit: Visit, stack: Stack, finished: str
) -> None:
    page = visit.page
    visit.go(f"/jobs/{finished}")
    Player(page).show(9)
    page.get_by_role("button", name="Correct this frame").click()
    page.wait_for_url(f"**/#/jobs/{finished}/correct?frame=9")
    drawing = hand.Drawing(page, SIZE)
    before = drawing.share()
    drawing.tool("Brush")
    drawing.drag((20, 20), (300, 30))
    assert drawing.share() > before
    page.get_by_role("button", name="Send the correction").click()
    page.wait_for_url(re.compile(rf"#/jobs/(?!{finished})job_\w+$"))
    player = Player(page)
    correction = stack.job(page.url.rsplit("/", 1)[1])
    assert (correction["refines"], correction["annotated_frames"]) == (finished, [0, 9])
    for comparison in ("Wipe", "Beside", "Before", "After"):
        player.button(comparison).click()
        player.expect_frame(0)
    page.get_by_role("link", name="It corrects an earlier job").click()
    expect(page.get_by_role("link", name="Correction 1: done")).to_be_visible()


def test_the_page_waits_out_that_the_api_is_away(visit: Visit, stack: Stack) -> None:
    page = visit.page
    with stack.held("fine_tuning"):
        # another seed: an equal job would be done at once
        job_id = stack.submit(seed=1, mask=box_mask(size=SIZE), outputs=OUTPUTS)
        visit.go(f"/jobs/{job_id}")
        expect(
            page.get_by_role("region", name="Progress").get_by_text("Learning what you drew")
        ).to_be_visible()
        with api_away(stack):
            expect(page.get_by_text("The connection is lost; reconnecting…")).to_be_visible()
        expect(page.get_by_text("The connection is lost; reconnecting…")).to_be_hidden()
    Player(page)
    visit.forget("ERR_")


def test_a_drawing_outlives_that_the_api_is_away(visit: Visit, stack: Stack) -> None:
    page = visit.page
    visit.go("/new")
    hand.pick(page, stack.folder / "clip.mp4")
    drawing = hand.Drawing(page, SIZE)
    drawing.tool("Brush")
    drawing.drag((120, 80), (180, 100))
    expect(page.get_by_text("16 frames")).to_be_visible()
    with api_away(stack):
        page.get_by_role("button", name="Start", exact=True).click()
        expect(page.get_by_text("The service cannot be reached just now.").first).to_be_visible()
    job_id = hand.start(page)
    visit.forget("ERR_")
    with stack.http as http:
        http.post(f"/v1/jobs/{job_id}/cancel")
    expect(page.get_by_role("heading", name="The job was canceled")).to_be_visible()


def test_jobs_are_found_opened_copied_and_deleted(visit: Visit, stack: Stack, finished: str) -> None:
    page = visit.page
    mask = box_mask(size=SIZE)
    # equal but for the name: it is done at once
    stack.submit(mask=mask, outputs=OUTPUTS, metadata={"name": "To be deleted"})
    visit.go("/")
    cards = page.get_by_role("list", name="Jobs").get_by_role("listitem")
    expect(cards.nth(1)).to_be_visible()
    page.get_by_role("searchbox", name="Search jobs").fill("be deleted")
    expect(cards).to_have_count(1)
    cards.first.hover()
    expect(cards.first.locator("video.is-playing")).to_be_attached()
    cards.first.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No job is like that.")).to_be_visible()
    page.get_by_role("button", name="Show all jobs").click()
    page.get_by_label("Status").select_option(label="Done")
    page.get_by_role("link", name="Same settings as The first").last.click()
    expect(page.get_by_text("its settings are those of The first")).to_be_visible()
    hand.pick(page, stack.folder / "clip.mp4")
    expect(page.get_by_role("radio", name="Fast")).to_be_checked()
