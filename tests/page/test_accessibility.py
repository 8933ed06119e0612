"""axe-core finds nothing wrong with any view, light and dark, at a desk's width and a telephone's."""

from pathlib import Path

from playwright.sync_api import ViewportSize

from tests.e2e.stack import Stack
from tests.page.accessibility import violations, violations_in_both_themes
from tests.page.browser import Visit
from tests.page.tour import Material, views
from tests.worker.clips import make_clip

SIZE = (320, 180)
DESK = ViewportSize(width=1440, height=900)
TELEPHONE = ViewportSize(width=390, height=844)
WIDER = "() => document.documentElement.scrollWidth - innerWidth"


def test_no_view_violates_a_rule_or_is_wider_than_the_screen(
    visit: Visit, stack: Stack, tmp_path: Path
) -> None:
    page = visit.page
    clip = make_clip(tmp_path / "clip.mp4", frames=16, size=SIZE)
    found = []
    for view in views(visit, stack, Material(clip, SIZE, ((96, 50), (223, 130)))):
        found += [f"{view}, {line}" for line in violations_in_both_themes(page)]
        page.set_viewport_size(TELEPHONE)
        found += [f"{view}, narrow: {line}" for line in violations(page)]
        if page.evaluate(WIDER) > 0:
            found.append(f"{view} is wider than a telephone")
        page.set_viewport_size(DESK)
    assert not found, "\n".join(found)


def test_what_is_wrong_would_be_found(visit: Visit) -> None:
    visit.page.set_content(
        "<main><img src='data:,'><button style='color: #999; background: #aaa'>Press this</button></main>"
    )
    rules = " ".join(violations(visit.page))
    assert "image-alt" in rules
    assert "color-contrast" in rules
    visit.complaints.clear()
