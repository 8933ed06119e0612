"""Bringing a clip and drawing on it: HEVC, bad files, touch, the keyboard alone."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, CDPSession, expect

from tests.e2e.stack import Stack
from tests.page import hand
from tests.page.browser import Visit, visiting
from tests.worker.clips import cut, make_clip

SIZE = (320, 180)
# a little more than the red box of frame 0
CORNERS = ((96, 50), (223, 130))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "clip.mp4", frames=16, size=SIZE)


def test_the_first_frame_of_a_hevc_clip_comes_from_the_service(visit: Visit, tmp_path: Path) -> None:
    options = {"x265-params": "log-level=none"}
    hevc = make_clip(tmp_path / "hevc.mp4", frames=16, size=SIZE, codec="libx265", options=options)
    visit.go("/new")
    hand.pick(visit.page, hevc)
    drawing = hand.Drawing(visit.page, SIZE)
    drawing.box(*CORNERS)
    drawing.expect_drawn()
    assert 8 < drawing.share() < 15, "the box has not fitted itself to what is 11 % of the frame"


def test_a_bad_file_is_refused_in_words_where_files_are_chosen(visit: Visit, clip: Path) -> None:
    page = visit.page
    visit.go("/new")
    picture = clip.with_name("picture.png")
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    hand.pick(page, picture)
    choosing = page.get_by_role("region", name="Choose a clip")
    expect(choosing.get_by_role("alert")).to_contain_text("picture.png is a picture. Choose a clip")
    hand.pick(page, cut(clip, 0.3))
    expect(choosing.get_by_role("alert")).to_contain_text("the file is cut off")
    visit.forget("422")


def test_an_empty_mask_and_an_empty_object_are_said_at_once(visit: Visit, clip: Path) -> None:
    page = visit.page
    visit.go("/new")
    hand.pick(page, clip)
    drawing = hand.Drawing(page, SIZE)
    begin = page.get_by_role("button", name="Start", exact=True)
    begin.click()
    expect(begin).to_have_accessible_description(
        "Nothing is drawn yet. Mark the object on the first frame: drag a box around it."
    )
    drawing.tool("Polygon")
    for point in ((60, 40), (260, 40), (160, 150)):
        page.mouse.click(*drawing.at(point))
    page.keyboard.press("Enter")
    drawing.expect_drawn()
    expect(begin).to_have_accessible_description("")
    page.get_by_title("Add another object").click()
    begin.click()
    expect(begin).to_have_accessible_description("Object 2 has nothing drawn. Draw it, or remove it.")


def test_fingers_draw_zoom_and_start_the_job(browser: Browser, stack: Stack, clip: Path) -> None:
    with visiting(browser, stack.url, width=390, height=844, touch=True) as visit:
        page = visit.page
        visit.go("/new")
        hand.pick(page, clip)
        drawing = hand.Drawing(page, SIZE)
        fingers = page.context.new_cdp_session(page)
        drawing.area.scroll_into_view_if_needed()
        touch(fingers, [drawing.at(CORNERS[0])], [drawing.at(CORNERS[1])])
        page.get_by_role("group", name="This shape").get_by_role("button", name="Done").tap()
        drawing.expect_drawn()
        share, zoom = drawing.share(), page.get_by_role("group", name="Zoom")
        size = zoom.inner_text()
        touch(
            fingers,
            [drawing.at((140, 90)), drawing.at((180, 90))],
            [drawing.at((60, 90)), drawing.at((260, 90))],
        )
        expect(zoom).not_to_have_text(size)
        assert drawing.share() == share, "two fingers have drawn"
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, (
            "the page is wider than the screen"
        )
        job_id = hand.start(page)
        with stack.http as http:
            http.post(f"/v1/jobs/{job_id}/cancel")
        expect(page.get_by_role("heading", name="The job was canceled")).to_be_visible()
        visit.assert_clean()


def touch(fingers: CDPSession, starts: list[hand.Point], ends: list[hand.Point]) -> None:
    """Put fingers down, move them in a few steps, lift them."""
    steps = 6
    for step in range(steps + 1):
        points = [
            {"x": x0 + (x1 - x0) * step / steps, "y": y0 + (y1 - y0) * step / steps, "id": number}
            for number, ((x0, y0), (x1, y1)) in enumerate(zip(starts, ends, strict=True))
        ]
        kind = "touchStart" if step == 0 else "touchMove"
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def test_the_keyboard_alone_draws_undoes_and_starts_the_job(visit: Visit, stack: Stack, clip: Path) -> None:
    page, keys = visit.page, visit.page.keyboard
    visit.go("/")
    reach(visit, "New job")
    keys.press("Enter")
    expect(page.get_by_role("button", name="Choose a clip")).to_be_visible()
    reach(visit, "Choose a clip")
    with page.expect_file_chooser() as chooser:
        keys.press("Enter")
    chooser.value.set_files(clip)
    drawing = hand.Drawing(page, SIZE)
    reach(visit, "Drawing area")
    keys.press("b")
    for key in ("Space", "ArrowRight", "ArrowRight", "ArrowDown", "Space"):
        keys.press(key)
    drawing.expect_drawn()
    share = drawing.share()
    assert share > 0
    keys.press("Control+z")
    assert drawing.share() == 0
    keys.press("Control+Shift+z")
    assert drawing.share() == share
    reach(visit, "Fast")
    keys.press("Space")
    reach(visit, "Start")
    keys.press("Enter")
    page.wait_for_url("**/#/jobs/job_*")
    reach(visit, "Cancel the job")
    keys.press("Enter")
    reach(visit, "Cancel the job")
    keys.press("Enter")
    expect(page.get_by_role("heading", name="The job was canceled")).to_be_visible()


FOCUSED = """() => {
  const { activeElement: at } = document;
  if (at.matches("body, main, dialog")) return { name: "", seen: true };
  const label = at.labels?.[0]?.textContent ?? "";
  const box = at.getBoundingClientRect();
  return { name: at.getAttribute("aria-label") || label || at.textContent, seen: box.width > 0 && box.height > 0 };
}"""


def reach(visit: Visit, name: str, most: int = 60) -> None:
    """Press Tab until what has the focus is called so; arrows lead on inside a group of choices."""
    for _ in range(most):
        focused: dict[str, Any] = visit.page.evaluate(FOCUSED)
        if name in focused["name"]:
            assert focused["seen"], f"{name} has the focus and is not to be seen"
            return
        is_radio = visit.page.evaluate("document.activeElement.type === 'radio'")
        visit.page.keyboard.press("ArrowUp" if is_radio and name == "Fast" else "Tab")
    raise AssertionError(f"the keyboard does not lead to {name}")
