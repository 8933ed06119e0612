"""Puts the outline where the picture has an edge: GrabCut (Rother et al., SIGGRAPH 2004), begun from probabilities."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

CERTAIN: Final = 0.8
"""A pixel this likely, or this unlikely, is settled before GrabCut begins."""

ITERATIONS: Final = 1

_NO_BOX: Final = (0, 0, 0, 0)

Bytes = npt.NDArray[np.uint8]
Planes = npt.NDArray[np.float32]
Plane = npt.NDArray[np.bool_]


def outlined(picture: Bytes, likely: Planes, inside: Plane, on_object: Plane, on_background: Plane) -> Plane:
    """The object (H, W) in a picture (H, W, 3): what is likely, strokes as they are, nothing outside the box."""
    classes = np.where(likely >= 0.5, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_PR_BGD))
    classes[likely >= CERTAIN] = cv2.GC_FGD
    classes[likely <= 1 - CERTAIN] = cv2.GC_BGD
    classes[~inside | on_background] = cv2.GC_BGD
    classes[on_object] = cv2.GC_FGD
    if _both_sides(classes):
        models = np.zeros((2, 1, 65), np.float64)
        cv2.setRNGSeed(0)  # its clusters begin at random
        cv2.grabCut(picture, classes, _NO_BOX, models[0], models[1], ITERATIONS, cv2.GC_INIT_WITH_MASK)
    return np.asarray((classes == cv2.GC_FGD) | (classes == cv2.GC_PR_FGD))


def _both_sides(classes: Bytes) -> bool:
    """Whether there are pixels of each side to learn colours from, and some to decide on."""
    counts = np.bincount(classes.ravel(), minlength=4)
    object_count = counts[cv2.GC_FGD] + counts[cv2.GC_PR_FGD]
    undecided = counts[cv2.GC_PR_FGD] + counts[cv2.GC_PR_BGD]
    few = 5  # GrabCut makes five clusters of each
    return bool(min(object_count, classes.size - object_count) >= few and undecided)
