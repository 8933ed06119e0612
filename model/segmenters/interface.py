"""What every segmenter offers: learn the annotated frames once, then segment the clip in order."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from model.frames import AnnotatedFrame
from model.learnt import Description, Learnt
from model.segmentation import Segmentation

OnStep = Callable[[int, int], None]
"""Hears (steps done, steps at most); what it raises stops the work."""


class Session(Protocol):
    """One clip, frame after frame in its order. What it keeps does not grow with the clip's length."""

    def anchor(self, frame: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> Segmentation:
        """The labels (H, W) of this frame (H, W, 3) are the caller's own: go on from them."""
        ...

    def step(self, frame: npt.NDArray[np.uint8]) -> Segmentation:
        """The objects in the next frame, (H, W, 3) uint8 RGB."""
        ...

    def again(self) -> "Session | None":
        """Another beginning of the clip, for a way back through it; None where frames are found by themselves."""
        ...


class Segmenter(Protocol):
    """A method with its settings, for any clip."""

    description: Description
    """What a reader of the results should know: the method, its network, its parent."""
    steps: int
    """Of learning, at most."""
    seconds_per_step: float
    seconds_per_frame: float
    """First guesses, on two processor cores at 480p, until a job has measured its own."""
    learns_each_object: bool
    """Whether what it learns is of a certain number of objects, and of no use for any other."""

    def learn(
        self,
        annotated: Sequence[AnnotatedFrame],
        *,
        objects: int,
        seed: int,
        on_step: OnStep,
        enough: Callable[[], bool],
        start: Learnt | None = None,
    ) -> Learnt:
        """Learn the `objects` objects, of which each is annotated somewhere; ends early when `enough()`.

        Goes on from `start`, which a segmenter of the same description has learnt of the same clip, in no more steps.

        Raises AnnotationError if there is nothing to learn from, and NetworkError or CheckpointError if `start` is
        not this segmenter's.
        """
        ...

    def session(self, learnt: Learnt, annotated: Sequence[AnnotatedFrame], *, objects: int) -> Session:
        """Begin a clip. NetworkError if what was learnt is not this segmenter's."""
        ...
