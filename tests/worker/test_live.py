"""Pictures of a running job are stored beside the work, which never waits for them, and are gone at its end."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from storage.errors import ObjectsUnavailableError
from storage.keys import live_key, live_prefix, result_key
from storage.objects import Objects
from worker.live import FAREWELL_SECONDS, LivePictures

JOB = "job_" + "1" * 32
BLUE = (30, 144, 255)
GREY = np.full((48, 64, 3), 128, np.uint8)
BOX: npt.NDArray[np.uint8] = np.zeros((48, 64), np.uint8)
BOX[10:30, 20:40] = 1


class GatedObjects(Objects):
    """A store that takes what it is sent when its gate opens, and says how often it was asked."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.gate = threading.Event()
        self.asked = 0

    def put_once(self, key: str, content: bytes) -> None:
        self.asked += 1
        self.gate.wait(30)
        super().put_once(key, content)


class RefusingObjects(Objects):
    """A store that takes nothing."""

    def put_once(self, key: str, content: bytes) -> None:
        raise ObjectsUnavailableError(f"{key}, {len(content)} bytes: not today")

    def delete_prefix(self, prefix: str) -> None:
        raise ObjectsUnavailableError(prefix)


@pytest.fixture
def gated(objects_address: str) -> Iterator[GatedObjects]:
    found = GatedObjects(objects_address)
    yield found
    found.gate.set()


def watching(objects: Objects, frames: int = 12) -> LivePictures:
    """Without a rest for what painting costs."""
    return LivePictures(objects, JOB, 1, frames=frames, colors=[BLUE], clock=lambda: 0.0)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def stored(objects: Objects) -> list[str]:
    return sorted(found.key for found in objects.list(live_prefix(JOB, 1)))


def test_a_frame_is_stored_with_its_object_tinted(objects: Objects) -> None:
    with watching(objects) as live:
        live.show(7, GREY, BOX)
        until(lambda: stored(objects))
        assert stored(objects) == [live_key(JOB, 1, 7)]
        content = np.frombuffer(b"".join(objects.read(live_key(JOB, 1, 7))), np.uint8)
    shown = cv2.imdecode(content, cv2.IMREAD_COLOR_RGB)
    assert shown is not None
    assert shown.shape == (48, 64, 3)
    assert shown[20, 30, 2] > shown[20, 30, 0] + 50
    assert np.abs(shown[40, 10].astype(int) - 128).max() < 8


def test_of_the_frames_that_come_meanwhile_the_newest_is_next(gated: GatedObjects) -> None:
    with watching(gated) as live:
        live.show(0, GREY, BOX)
        until(lambda: gated.asked)
        for frame in range(1, 10):
            live.show(frame, GREY, BOX)
        gated.gate.set()
        until(lambda: len(stored(gated)) == 2)
        assert stored(gated) == [live_key(JOB, 1, 0), live_key(JOB, 1, 9)]


def test_no_more_than_five_a_second_are_made(objects: Objects) -> None:
    began = time.monotonic()
    with watching(objects) as live:
        for frame in range(10):
            live.show(frame, GREY, BOX)
            time.sleep(0.05)
        made, passed = len(stored(objects)), time.monotonic() - began
    assert made <= 1 + 5 * passed


def test_of_a_long_clip_500_frames_at_most_are_made(objects: Objects) -> None:
    with watching(objects, frames=5000) as live:
        live.show(10, GREY, BOX)
        live.show(11, GREY, BOX)
        until(lambda: stored(objects))
        assert stored(objects) == [live_key(JOB, 1, 10)]


def test_a_silent_store_keeps_nobody_and_what_it_stores_too_late_is_removed(gated: GatedObjects) -> None:
    began = time.monotonic()
    with watching(gated) as live:
        live.show(0, GREY, BOX)
        until(lambda: gated.asked)
        before = time.monotonic()
        live.show(1, GREY, BOX)
        assert time.monotonic() - before < 0.1
    assert time.monotonic() - began < FAREWELL_SECONDS + 5
    live.remove()
    gated.gate.set()
    until(lambda: not any(thread.name == "live-pictures" for thread in threading.enumerate()))
    assert stored(gated) == []


def test_a_store_that_refuses_hurts_nobody(objects_address: str) -> None:
    with watching(RefusingObjects(objects_address)) as live:
        for frame in range(3):
            live.show(frame, GREY, BOX)
    live.remove()


def test_a_picture_that_cannot_be_made_hurts_nobody(objects: Objects) -> None:
    with watching(objects) as live:
        live.show(0, GREY[:0], BOX[:0])
    assert stored(objects) == []


def test_results_stay_when_the_pictures_go(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "masks.zip").write_bytes(b"zip")
    key = result_key(JOB, 1, "masks.zip")
    objects.put_file(key, tmp_path / "masks.zip", lambda _done: None)
    with watching(objects) as live:
        live.show(0, GREY, BOX)
        until(lambda: stored(objects))
    live.remove()
    assert [found.key for found in objects.list("results")] == [key]
