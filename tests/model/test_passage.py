"""A pass over a clip: what is annotated is carried on, and a little way back."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from model import passage
from model.passage import passed, steps_back
from model.segmentation import Segmentation

Picture = npt.NDArray[np.uint8]


@dataclass
class Numbered:
    """A frame whose picture shows its number."""

    index: int

    @property
    def image(self) -> Picture:
        return np.full((2, 2, 3), self.index, np.uint8)


class Fading:
    """A session that is the less sure the further it is from what was annotated, and says which way it came."""

    def __init__(self, way: int = 1, fades: float = 0.02) -> None:
        self._way, self._fades, self._from = way, fades, -100

    def anchor(self, frame: Picture, labels: Picture) -> Segmentation:
        self._from = int(frame[0, 0, 0])
        return Segmentation(labels, (1.0,))

    def step(self, frame: Picture) -> Segmentation:
        distance = abs(int(frame[0, 0, 0]) - self._from)
        labels = np.full((2, 2), 10 + self._way, np.uint8)
        return Segmentation(labels, (max(0.0, 1 - self._fades * distance),))

    def again(self) -> "Fading | None":
        return Fading(-1, self._fades)


class Alone(Fading):
    def again(self) -> None:
        return None


GIVEN = np.full((2, 2), 1, np.uint8)


def ways(given: list[int], frames: int = 40, session: Any = None) -> list[int]:
    """How each frame was come by: 1 is given, 11 forwards, 9 backwards."""
    clip = (Numbered(index) for index in range(frames))
    labels = dict.fromkeys(given, GIVEN)
    found = list(passed(clip, labels, session or Fading(), lambda: None))
    assert [frame.index for frame, _ in found] == list(range(frames))
    return [int(segmentation.labels[0, 0]) for _, segmentation in found]


def test_with_the_first_frame_alone_all_goes_forward() -> None:
    assert ways([0]) == [1, *[11] * 39]


def test_before_an_annotated_frame_what_is_surer_from_there_is_taken() -> None:
    """Half of the way between two; and no more than the reach."""
    assert ways([0, 10], 12) == [1, *[11] * 4, *[9] * 5, 1, 11]
    far = ways([0, 39])
    assert far[39 - passage.REACH :] == [*[9] * passage.REACH, 1]
    assert far[1 : 39 - passage.REACH] == [11] * (38 - passage.REACH)


def test_the_way_back_ends_at_the_annotated_frame_before() -> None:
    assert ways([0, 3, 4, 6], 8) == [1, 11, 9, 1, 1, 9, 1, 11]


def test_before_the_first_annotated_frame_all_in_reach_is_found_from_it() -> None:
    assert ways([4], 6) == [9, 9, 9, 9, 1, 11]


def test_where_frames_are_found_by_themselves_nothing_is_seen_twice() -> None:
    assert ways([0, 10], 12, Alone()) == [1, *[11] * 9, 1, 11]


def test_few_large_pictures_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passage, "MOST_BYTES", 2 * 12)
    assert ways([0, 10], 11) == [1, *[11] * 7, 9, 9, 1]


def test_frames_come_as_soon_as_nothing_can_change_them() -> None:
    seen: list[int] = []

    def clip() -> Any:
        for index in range(30):
            seen.append(index)
            yield Numbered(index)

    came = passed(clip(), {0: GIVEN, 20: GIVEN}, Fading(), lambda: None)
    assert [next(came)[0].index for _ in range(3)] == [0, 1, 2]
    assert seen[-1] == 2


def test_the_work_can_be_stopped_on_the_way_back() -> None:
    def stop() -> None:
        raise KeyboardInterrupt

    clip = (Numbered(index) for index in range(20))
    with pytest.raises(KeyboardInterrupt):
        list(passed(clip, {0: GIVEN, 10: GIVEN}, Fading(), stop))


def test_steps_back_are_counted_before() -> None:
    assert steps_back([0]) == 0
    assert steps_back([0, 5, 6, 100]) == 4 + 0 + passage.REACH
    assert steps_back([3]) == 3
