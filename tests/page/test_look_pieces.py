"""What the player and its timeline are made of, in the browser that they run in: times, doubts, colours, masks."""

import base64
import io
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import Browser
from pycocotools import mask as coco

from tests.e2e.stack import running
from tests.page.browser import visiting
from worker.colors import Color, davis_palette, overlay_colors, parse_hex

Mask = npt.NDArray[np.uint8]

FIRST_COLORS = ["#1e90ff", "#b14cff", "#000000"]
OBJECTS = 6

# All in one visit: opening the page takes longer than the arithmetic.
ASK = """async ({ first, masks, png, objects }) => {
  const of = (name) => import(`/static/js/look/${name}.js`);
  const [{ FrameClock }, { Track }, { Doubts }, { extremes }, { objectColors, onBlack }] =
    await Promise.all(["clock", "track", "doubt", "curves", "colors"].map(of));
  const [{ runs, overlap }, { MaskKey }, { labelsOf }, { Projection }] =
    await Promise.all(["agreement", "keying", "labels", "projection"].map(of));
  const told = {};

  const times = [0, 0.04, 0.12, 0.13, 0.5];
  const clock = new FrameClock(times);
  told.middles = times.map((_, frame) => clock.at(clock.middle(frame, 0.54)));
  told.nearest = times.map((time) => clock.nearest(time + 0.004));

  const point = (frame, over = {}) => ({ frame, time_seconds: frame / 25, object: 1, present: true,
    centroid: [50, 50], box: [40, 40, 20, 20], area: 400, confidence: 0.9, ...over });
  const gone = { present: false, centroid: null, box: null, area: 0, confidence: 0 };
  const points = Array.from({ length: 40 }, (_, frame) => point(frame));
  for (const frame of [10, 11]) points[frame] = point(frame, gone);
  points[20] = point(20, { confidence: 0.3 });
  points[30] = point(30, { area: 900 });
  points[35] = point(35, { confidence: 0.1 });
  for (const frame of [38, 39]) points[frame].time_seconds = 0;
  const track = new Track({ width: 100, height: 100, objects: 1, frames: 40, points });
  const doubts = new Doubts(track, [0, 35]);
  told.doubts = doubts.runs;
  told.jumps = [doubts.next(0), doubts.next(10), doubts.previous(20), doubts.next(39), doubts.previous(10)];
  told.end = [track.time(38), track.time(39)];

  const long = new Float32Array(18000).fill(0.5);
  long[9001] = 0.1;
  long[12345] = 0.9;
  const { least, greatest } = extremes(long, 700);
  told.extremes = [Math.min(...least), Math.max(...greatest)];

  told.colors = first.map((color) => objectColors({ options: { overlay_color: color }, objects }));
  told.overlap = masks.map(([one, other]) => overlap(runs(one), runs(other)));

  told.keyed = told.colors.map((colors) => {
    const canvas = new OffscreenCanvas(2 * objects, 1);
    const context = canvas.getContext("2d");
    context.fillRect(0, 0, 2 * objects, 1);
    colors.forEach((color, index) => {
      context.fillStyle = `rgb(${onBlack(color).join(" ")})`;
      context.fillRect(2 * index, 0, 1, 1);
    });
    const mask = new MaskKey(colors).read(canvas, [0, 0, 2 * objects, 1]);
    return [...mask.getContext("2d").getImageData(0, 0, 2 * objects, 1).data];
  });

  const bytes = Uint8Array.from(atob(png), (letter) => letter.charCodeAt(0));
  told.labels = [...await labelsOf(new Blob([bytes], { type: "image/png" }))];

  const projection = new Projection();
  projection.place(400, 300, 1);
  const front = projection.point(0, 0, 0);
  projection.turn(1, 9);
  projection.place(400, 300, 1);
  told.pivot = [front, projection.point(0, 0, 0)];
  return told;
}"""


def _mask_pairs() -> list[tuple[Mask, Mask]]:
    rng = np.random.default_rng(5)
    pairs: list[tuple[Mask, Mask]] = []
    for _ in range(6):
        one = np.zeros((60, 80), np.uint8)
        x, y = rng.integers(0, 40, 2)
        one[y : y + 20, x : x + 30] = 1
        other = np.roll(one, rng.integers(-8, 8, 2), (0, 1))
        pairs.append((one, other * (rng.random(one.shape) > 0.1).astype(np.uint8)))
    return [*pairs, (np.zeros((60, 80), np.uint8), np.ones((60, 80), np.uint8))]


PAIRS = _mask_pairs()
LABELS = np.arange(24, dtype=np.uint8).reshape(4, 6)


def _packed(mask: Mask) -> str:
    return str(coco.encode(np.asfortranarray(mask))["counts"].decode())


def _png() -> str:
    image = Image.fromarray(LABELS, mode="P")
    image.putpalette([part for color in davis_palette() for part in color])
    file = io.BytesIO()
    image.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


@pytest.fixture(scope="module")
def told(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    given = {
        "first": FIRST_COLORS,
        "masks": [[_packed(one), _packed(other)] for one, other in PAIRS],
        "png": _png(),
        "objects": OBJECTS,
    }
    with running(tmp_path_factory.mktemp("service"), "api") as stack, visiting(browser, stack.url) as visit:
        visit.go("/")
        found: dict[str, Any] = visit.page.evaluate(ASK, given)
        return found


def test_a_seek_to_the_middle_of_a_frames_time_shows_that_frame_at_any_rate(told: dict[str, Any]) -> None:
    assert told["middles"] == [0, 1, 2, 3, 4]
    assert told["nearest"] == [0, 1, 2, 3, 4]


def test_absent_uncertain_and_jumping_objects_are_doubtful_and_drawn_frames_never(
    told: dict[str, Any],
) -> None:
    assert [(run["first"], run["last"], run["reasons"]) for run in told["doubts"]] == [
        (10, 11, ["absent"]),
        (20, 20, ["low confidence"]),
        (30, 31, ["sudden change of area"]),
    ]


def test_the_nearest_doubtful_place_is_found_in_both_directions(told: dict[str, Any]) -> None:
    assert told["jumps"] == [10, 20, 10, None, None]


def test_times_that_a_track_lacks_at_its_end_go_on_as_before(told: dict[str, Any]) -> None:
    assert told["end"] == pytest.approx([38 / 25, 39 / 25])


def test_no_peak_is_lost_where_many_frames_share_a_column(told: dict[str, Any]) -> None:
    assert told["extremes"] == pytest.approx([0.1, 0.9])


def _colors(first: str) -> list[Color]:
    return list(overlay_colors(parse_hex(first), OBJECTS))


def test_objects_have_the_colours_in_which_the_service_paints_them(told: dict[str, Any]) -> None:
    for first, found in zip(FIRST_COLORS, told["colors"], strict=True):
        assert np.abs(np.array(found) - np.array(_colors(first))).max() <= 1


def test_each_objects_colour_on_black_is_read_as_its_mask_also_where_it_is_dark(told: dict[str, Any]) -> None:
    for first, found in zip(FIRST_COLORS, told["keyed"], strict=True):
        pixels = np.array(found).reshape(OBJECTS, 2, 4)
        assert (pixels[:, 0, 3] == 255).all()
        assert (pixels[:, 1, 3] == 0).all()
        assert np.abs(pixels[:, 0, :3] - np.array(_colors(first))).max() <= 1


def test_packed_masks_overlap_by_as_many_pixels_as_the_masks_do(told: dict[str, Any]) -> None:
    for (one, other), found in zip(PAIRS, told["overlap"], strict=True):
        assert found == {"both": int((one & other).sum()), "either": int((one | other).sum())}


def test_the_services_masks_are_read_by_their_numbers(told: dict[str, Any]) -> None:
    assert told["labels"] == LABELS.reshape(-1).tolist()


def test_the_path_turns_about_its_middle(told: dict[str, Any]) -> None:
    assert told["pivot"][0][:2] == told["pivot"][1][:2] == [200, 150]
