"""One pass over a clip: masks are carried on from the annotated frames, and a little way back from them."""

from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from model.segmentation import Segmentation
from model.segmenters.interface import Session

Labels = npt.NDArray[np.uint8]

REACH: Final = 12
"""Frames before an annotated one that masks are carried back to, at most."""

MOST_BYTES: Final = 256 * 1024**2
"""Of pictures that wait for the annotated frame after them: of very large ones there are fewer."""


class Pictured(Protocol):
    """A frame: its number in the clip, and its picture (H, W, 3) uint8 RGB."""

    @property
    def index(self) -> int:
        """From 0."""
        ...

    @property
    def image(self) -> npt.NDArray[np.uint8]:
        """As the session takes it."""
        ...


Frame = TypeVar("Frame", bound=Pictured)


def passed(
    frames: Iterable[Frame], given: Mapping[int, Labels], session: Session, check: Callable[[], None]
) -> Iterator[tuple[Frame, Segmentation]]:
    """Each frame of a clip, in order, with its objects; the labels of some are `given`.

    A few frames before an annotated one wait for it: what is surer when seen from there is taken from there.
    `check` is called before each step back, and may raise to stop the work.
    """
    annotated = sorted(given)
    waiting: deque[tuple[Frame, Segmentation]] = deque()
    for frame in frames:
        labels = given.get(frame.index)
        if labels is not None:
            found = session.anchor(frame.image, labels)
            yield from _seen_from(frame, labels, tuple(waiting), session, check)
            waiting.clear()
            yield frame, found
            continue
        waiting.append((frame, session.step(frame.image)))
        coming = bisect_right(annotated, frame.index)
        reach = min(REACH, MOST_BYTES // frame.image.nbytes)
        while waiting and (coming == len(annotated) or waiting[0][0].index < annotated[coming] - reach):
            yield waiting.popleft()
    yield from waiting


def steps_back(annotated: Iterable[int]) -> int:
    """How many frames are looked at once more, at most, where these are annotated."""
    numbers = sorted(annotated)
    return sum(
        min(REACH, later - earlier - 1) for earlier, later in zip([-1, *numbers], numbers, strict=False)
    )


def _seen_from(
    frame: Frame,
    labels: Labels,
    before: Sequence[tuple[Frame, Segmentation]],
    session: Session,
    check: Callable[[], None],
) -> Sequence[tuple[Frame, Segmentation]]:
    """The frames before an annotated one, with what is found in them on the way back as far as that is surer."""
    back = session.again()
    if back is None or not before:
        return before
    back.anchor(frame.image, labels)
    kept, better = list(before), []
    while kept:
        check()
        earlier, found = kept[-1]
        other = back.step(earlier.image)
        if _sureness(other) < _sureness(found):
            break
        kept.pop()
        better.append((earlier, other))
    return [*kept, *reversed(better)]


def _sureness(found: Segmentation) -> float:
    return sum(found.confidence)
