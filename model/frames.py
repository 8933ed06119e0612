"""Pictures with their labels, and the size in which the network sees them."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from model.errors import AnnotationError


@dataclass(frozen=True)
class AnnotatedFrame:
    """A frame whose objects somebody has outlined.

    `image` is (H, W, 3) uint8 RGB; `labels` is (H, W) uint8, 0 for background, 1..K for the objects.
    """

    image: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]


def working_size(height: int, width: int, short_side_px: int) -> tuple[int, int]:
    """Height and width with the given short side and the same shape; never larger than the frame itself."""
    ratio = min(1.0, short_side_px / min(height, width))
    return max(1, round(height * ratio)), max(1, round(width * ratio))


def shrink(image: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    """The picture (H, W, 3) or (H, W) in `size` (height, width), each pixel the mean of those it replaces."""
    if image.shape[:2] == size:
        return image
    return np.asarray(cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)


def coverage(labels: npt.NDArray[np.uint8], objects: int, size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Per object, how much of each pixel of a picture of `size` it covers: (K, height, width), 0–1."""
    covered = np.empty((objects, *size), np.float32)
    for number in range(objects):
        mask = np.where(labels == number + 1, np.uint8(255), np.uint8(0))
        covered[number] = shrink(mask, size) / np.float32(255)
    return covered


def check(annotated: Sequence[AnnotatedFrame], objects: int) -> None:
    """Raise AnnotationError unless the frames are of one clip and show each of the `objects` somewhere."""
    if not annotated:
        raise AnnotationError("There is no annotated frame to learn from: give at least one.")
    seen: set[int] = set()
    for frame in annotated:
        if frame.image.shape != (*frame.labels.shape, 3):
            raise AnnotationError(
                f"An annotated frame of shape {frame.image.shape} has labels of shape {frame.labels.shape}: "
                "they must be of the same size, and the frame RGB."
            )
        if frame.labels.shape != annotated[0].labels.shape:
            raise AnnotationError("The annotated frames differ in size: they must come from one clip.")
        seen.update(np.unique(frame.labels).tolist())
    missing = set(range(1, objects + 1)) - seen
    if missing:
        raise AnnotationError(
            f"No annotated frame shows object {min(missing)}: outline each object at least once."
        )
    if max(seen) > objects:
        raise AnnotationError(f"The labels name object {max(seen)}, but only {objects} are expected.")
