"""No network: the mask of the last annotated frame, carried along the optical flow. The baseline."""

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from model.flow import Flow, moved
from model.frames import AnnotatedFrame, coverage, shrink, working_size
from model.learnt import Description, Learnt
from model.segmentation import Segmentation, as_given, decided
from model.segmenters.interface import OnStep

SHORT_SIDE_PX: Final = 360


class FlowSegmenter:
    """Carries masks from frame to frame. Learns nothing, and loses what it lost."""

    def __init__(self) -> None:
        self.description: Description = {"name": "flow"}
        self.steps = 0
        self.seconds_per_step = 0.0
        self.seconds_per_frame = 0.03
        self.learns_each_object = False

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
        """Nothing."""
        del annotated, objects, seed, on_step, enough, start
        return Learnt()

    def session(self, learnt: Learnt, annotated: Sequence[AnnotatedFrame], *, objects: int) -> "FlowSession":
        """A clip whose masks before the first annotated frame are empty."""
        del learnt, annotated
        return FlowSession(objects)


class FlowSession:
    """The last frame and its masks, both small."""

    def __init__(self, objects: int) -> None:
        self._objects = objects
        self._flow = Flow()
        self._last: tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]] | None = None

    def anchor(self, frame: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> Segmentation:
        """As `Session`."""
        size = working_size(labels.shape[0], labels.shape[1], SHORT_SIDE_PX)
        self._last = shrink(frame, size), coverage(labels, self._objects, size)
        return as_given(labels, self._objects)

    def again(self) -> "FlowSession":
        """As `Session`."""
        return FlowSession(self._objects)

    def step(self, frame: npt.NDArray[np.uint8]) -> Segmentation:
        """As `Session`."""
        height, width = frame.shape[:2]
        if self._last is None:
            return as_given(np.zeros((height, width), np.uint8), self._objects)
        small = shrink(frame, working_size(height, width, SHORT_SIDE_PX))
        before, masks = self._last
        flow = self._flow.between(small, before)
        masks = np.stack([moved(mask, flow) for mask in masks])
        self._last = small, masks
        full = [cv2.resize(mask, (width, height), interpolation=cv2.INTER_LINEAR) for mask in masks]
        return decided(np.stack(full).astype(np.float32))
