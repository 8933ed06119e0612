"""What a person does on the page: bring a clip, draw on its frame, start the job."""

import base64
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

Point = tuple[float, float]

DROP = """([name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], name, { type }));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
  }
}"""


def drop(page: Page, file: Path, kind: str = "video/mp4") -> None:
    """Let go of a file over the page."""
    page.evaluate(DROP, [file.name, kind, base64.b64encode(file.read_bytes()).decode()])


def pick(page: Page, file: Path) -> None:
    """Choose a file in the browser's own dialog."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a clip").click()
    chooser.value.set_files(file)


# Whether the browser keeps a draft with something drawn. A wait of Playwright's own would need `eval`, which the page
# forbids.
KEPT = """async () => {
  if (!(await indexedDB.databases()).some(({ name }) => name === "rotomill")) return false;
  const done = (request) => new Promise((resolve) => { request.onsuccess = () => resolve(request.result); });
  const database = await done(indexedDB.open("rotomill"));
  const drafts = await done(database.transaction("drafts").objectStore("drafts").getAll());
  database.close();
  return drafts.some(({ frames }) => Object.keys(frames).length > 0);
}"""


def wait_kept(page: Page, seconds: float = 60) -> None:
    """Wait until a reload would lose nothing: the page keeps what is drawn a moment after the hand rests."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(KEPT):
        assert time.monotonic() < deadline, "what is drawn is not kept"
        page.wait_for_timeout(100)


@dataclass
class Drawing:
    """The drawing area, once a frame is there."""

    page: Page
    size: tuple[int, int]
    """Of the frame, in pixels."""

    def __post_init__(self) -> None:
        width, height = self.size
        self.area = self.page.get_by_role("application", name=f"frame of {width} by {height} pixels")
        expect(self.area).to_be_visible()

    def tool(self, name: str) -> None:
        """Choose a tool: Box, Brush, Eraser, Polygon, Fill, Move."""
        button = self.page.get_by_role("toolbar", name="Drawing tools").get_by_role("button", name=name)
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def at(self, point: Point) -> Point:
        """Where a point of the frame is on the screen, while the whole frame is shown."""
        place = self.area.bounding_box()
        assert place is not None
        width, height = self.size
        scale = min(place["width"] / width, place["height"] / height)
        left = place["x"] + (place["width"] - width * scale) / 2
        top = place["y"] + (place["height"] - height * scale) / 2
        return left + point[0] * scale, top + point[1] * scale

    def drag(self, *points: Point) -> None:
        """Press the mouse, go along the points of the frame, let go."""
        self.area.scroll_into_view_if_needed()
        first, *others = (self.at(point) for point in points)
        self.page.mouse.move(*first)
        self.page.mouse.down()
        for other in others:
            self.page.mouse.move(*other, steps=4)
        self.page.mouse.up()

    def box(self, corner: Point, opposite: Point) -> None:
        """Drag a box and wait until it has fitted itself."""
        self.drag(corner, opposite)
        done = self.page.get_by_role("group", name="This shape").get_by_role("button", name="Done")
        done.click()

    def share(self, object_number: int = 1) -> float:
        """The part of the frame that the object covers, in percent; 0 where nothing is drawn."""
        name = self.area.get_attribute("aria-label") or ""
        found = [part for part in name.split(", ") if f"object {object_number}:" in part]
        return float(found[0].rsplit(": ", 1)[1].removesuffix(" %")) if found and "%" in found[0] else 0.0

    def expect_drawn(self, object_number: int = 1) -> None:
        """Wait until the object has been drawn."""
        chip = self.page.get_by_role("group", name="Objects").get_by_role(
            "button", name=f"Object {object_number}", exact=True
        )
        expect(chip).to_be_visible()


def start(page: Page, preset: str = "Fast") -> str:
    """Ask for the job; its id, once the page shows it."""
    page.get_by_role("radio", name=preset).check()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url("**/#/jobs/job_*")
    return page.url.rsplit("/", 1)[1]


def clicks(page: Page, names: Sequence[str]) -> None:
    """Press these buttons, one after the other."""
    for name in names:
        page.get_by_role("button", name=name, exact=True).click()
