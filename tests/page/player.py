"""The player of a finished job, as a person uses it."""

from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

# Whether the picture has more than one colour: a canvas that nothing was drawn on has one.
PAINTED = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  for (let at = 4; at < data.length; at += 4) {
    if (data[at] !== data[0] || data[at + 1] !== data[1] || data[at + 2] !== data[2]) return true;
  }
  return false;
}"""


@dataclass
class Player:
    """A player, once its first picture is there."""

    page: Page

    def __post_init__(self) -> None:
        self.canvas = self.page.locator("canvas.player-canvas")
        expect(self.canvas).to_have_attribute("data-frame", "0")

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    def show(self, frame: int) -> None:
        """Go to a frame by its number."""
        field = self.page.get_by_role("spinbutton", name="Frame, 0 to")
        field.fill(str(frame))
        field.press("Enter")
        self.expect_frame(frame)

    def expect_frame(self, frame: int) -> None:
        expect(self.canvas).to_have_attribute("data-frame", str(frame))
        assert self.canvas.evaluate(PAINTED), f"frame {frame} shows nothing"

    def play_to_the_end(self, last: int) -> None:
        self.button("Play").click()
        expect(self.canvas).to_have_attribute("data-frame", str(last))
        expect(self.button("Play")).to_be_visible()
