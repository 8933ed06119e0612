"""What the mask editor is made of, in the browser that it runs in: shapes, steps, files."""

from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.e2e.stack import running
from tests.page.browser import visiting

# Every piece is asked in one visit: what is tested is arithmetic, and opening the page takes longer than all of it.
ASK = """async () => {
  const of = (name) => import(`/static/js/draw/${name}.js`);
  const [{ LabelMap }, { History }, { fillStroke, fillPolygon }, { regionAt, holesOf }] =
    await Promise.all(["label-map", "history", "shapes", "regions"].map(of));
  const [{ packed, unpacked }, { indexedPng }, { readMask }, { Drawing }, { View }] =
    await Promise.all(["runs", "png", "mask-file", "drawing", "view"].map(of));
  const same = (one, other) => one.length === other.length && one.every((value, at) => value === other[at]);
  const pixels = (map, label) => map.data.filter((at) => at === label).length;
  const counted = (map) => [0, 1, 2].every((label) => map.counts[label] === pixels(map, label));
  const told = {};

  const ring = new LabelMap(120, 90);
  fillStroke(ring, { x: 60, y: 45 }, { x: 60, y: 45 }, 30, 1);
  told.disc = ring.counts[1] / (Math.PI * 900);
  const disc = ring.counts[1];
  fillStroke(ring, { x: 60, y: 45 }, { x: 60, y: 45 }, 10, 0);
  told.hole = holesOf(ring, 1).pixels === disc - ring.counts[1] && !regionAt(ring, 60, 45).meetsEdge;
  told.open = regionAt(ring, 0, 0).meetsEdge && holesOf(new LabelMap(9, 9), 1) === null;
  const square = new LabelMap(40, 40);
  fillPolygon(square, [{ x: 10, y: 10 }, { x: 30, y: 10 }, { x: 30, y: 30 }, { x: 10, y: 30 }], 1);
  told.square = square.counts[1];
  const outside = new LabelMap(40, 40);
  fillStroke(outside, { x: -50, y: -50 }, { x: 90, y: 90 }, 5, 1);
  told.outside = counted(outside) && outside.at(20, 20) === 1 && outside.at(-1, 0) === -1;

  const map = new LabelMap(200, 100);
  const history = new History(map, 4000);
  for (let step = 0; step < 60; step++) {
    fillStroke(map, { x: step * 3, y: 20 }, { x: step * 3, y: 80 - step }, 4, 1 + (step % 2));
    history.commit(step);
  }
  const end = map.data.slice();
  const bytes = history.bytes;
  let undone = 0;
  while (history.canUndo) { history.undo(null); undone++; }
  while (history.canRedo) history.redo(null);
  told.steps = { bytes, undone, again: same(map.data, end) && counted(map) };
  fillStroke(map, { x: 5, y: 5 }, { x: 9, y: 9 }, 8, 2);
  history.revert();
  told.reverted = same(map.data, end) && !history.hasChanges;

  told.runs = same(unpacked(packed(end, 200, 100), 200, 100), end);
  const drawing = new Drawing(40, 30, { objects: 3 });
  drawing.ids.forEach((id, at) => {
    const point = { x: 8 + at * 12, y: 15 };
    fillStroke(drawing.map, point, point, 4, id);
  });
  drawing.commit();
  const three = drawing.compact();
  drawing.remove(drawing.ids[1]);
  const two = drawing.compact();
  drawing.undo();
  told.objects = { two: [...new Set(two)].sort(), back: same(drawing.compact(), three), third: two[15 * 40 + 32] };

  const file = await indexedPng(three, 40, 30);
  const read = await readMask(file, 40, 30);
  told.file = { kept: same(read.labels, three), objects: read.objects };
  told.size = await readMask(file, 41, 30).catch((error) => error.message);
  const noise = new OffscreenCanvas(64, 64);
  const context = noise.getContext("2d");
  for (let at = 0; at < 4096; at++) {
    context.fillStyle = `rgb(${(at * 37) % 256} ${(at * 91) % 256} ${(at * 53) % 256})`;
    context.fillRect(at % 64, at >> 6, 1, 1);
  }
  const reading = readMask(await noise.convertToBlob(), 64, 64);
  told.photograph = await reading.then(() => "taken", (error) => error.constructor.name);
  const soft = new OffscreenCanvas(64, 64);
  const pen = soft.getContext("2d");
  pen.fillRect(0, 0, 64, 64);
  pen.fillStyle = "#fff";
  pen.arc(32, 32, 20.3, 0, 7);
  pen.fill();
  told.soft = (await readMask(await soft.convertToBlob(), 64, 64)).objects;

  const view = new View();
  view.setStage(400, 300);
  view.setFrame(1920, 1080);
  const before = view.toFrame(100, 90);
  view.zoom(3, 100, 90);
  const after = view.toFrame(100, 90);
  view.move(1e6, 1e6);
  const shown = view.toStage(0, 0);
  const moved = Math.hypot(before.x - after.x, before.y - after.y);
  told.view = { stays: moved < 1e-6, inSight: shown.x < 400 && shown.y < 300 };
  return told;
}"""


@pytest.fixture(scope="module")
def told(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with running(tmp_path_factory.mktemp("service"), "api") as stack, visiting(browser, stack.url) as visit:
        visit.go("/new")
        found: dict[str, Any] = visit.page.evaluate(ASK)
        return found


def test_brush_and_polygon_fill_the_pixels_whose_centres_they_cover(told: dict[str, Any]) -> None:
    assert abs(told["disc"] - 1) < 0.01
    assert told["square"] == 20 * 20
    assert told["outside"], "a stroke beyond the frame's edge has miscounted"


def test_fill_tells_a_hole_from_the_open_background(told: dict[str, Any]) -> None:
    assert told["hole"]
    assert told["open"]


def test_undo_and_redo_come_back_to_the_pixel_and_keep_no_more_than_they_may(told: dict[str, Any]) -> None:
    steps = told["steps"]
    assert steps["bytes"] <= 4000
    assert 0 < steps["undone"] < 60, "nothing was forgotten, or everything"
    assert steps["again"]
    assert told["reverted"], "a stroke that was broken off has left pixels"


def test_masks_kept_for_a_reload_lose_nothing(told: dict[str, Any]) -> None:
    assert told["runs"]


def test_objects_are_numbered_without_gaps_and_a_removed_one_comes_back(told: dict[str, Any]) -> None:
    assert told["objects"] == {"two": [0, 1, 2], "back": True, "third": 2}


def test_a_saved_mask_loads_as_it_was(told: dict[str, Any]) -> None:
    assert told["file"] == {"kept": True, "objects": 3}


def test_a_mask_of_another_size_and_a_photograph_are_refused_and_soft_edges_are_not(
    told: dict[str, Any],
) -> None:
    assert told["size"].startswith("This mask is 40×30, the frame is 41×30.")
    assert told["photograph"] == "NotAMask"
    assert told["soft"] == 1


def test_zooming_keeps_what_is_under_the_pointer_and_the_frame_stays_in_sight(told: dict[str, Any]) -> None:
    assert told["view"] == {"stays": True, "inSight": True}
