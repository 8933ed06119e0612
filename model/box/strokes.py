"""Strokes as a person draws them to correct a mask: over the largest mistake, on its own side of the outline."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

MOST: Final = 3
"""Strokes of one correction."""

SPECK: Final = 0.002
"""Of the picture: a mistake smaller than this nobody minds."""

Plane = npt.NDArray[np.bool_]


def corrections(
    found: Plane, truth: Plane, inside: Plane, rng: np.random.Generator
) -> npt.NDArray[np.float32]:
    """(2, H, W), 0 or 1: up to MOST strokes on the object, and on the background.

    Each lies in one of the largest mistakes within the box; where there is none, now and then on what is right.
    """
    strokes = np.zeros((2, *truth.shape), np.float32)
    wrong = inside & (found != truth)
    for _ in range(int(rng.integers(1, MOST + 1))):
        sides = [part for side in (truth, ~truth) if (part := largest(wrong & side)) is not None]
        place = max(sides, key=np.count_nonzero, default=None)
        if place is None and rng.uniform() < 0.3:
            place = inside & (truth if rng.uniform() < 0.5 else ~truth)
        if place is None or not place.any():
            break
        on_object = bool(truth[place].mean() > 0.5)
        drawn = stroke(place, rng) & inside & (truth == on_object)
        strokes[0 if on_object else 1][drawn] = 1
        wrong = wrong & ~place
    return strokes


def largest(wrong: Plane) -> Plane | None:
    """The largest connected part of what is wrong; None if there is none worth a stroke."""
    count, parts, facts, _ = cv2.connectedComponentsWithStats(wrong.astype(np.uint8), connectivity=4)
    if count < 2:
        return None
    number = 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax())
    if facts[number, cv2.CC_STAT_AREA] < SPECK * wrong.size:
        return None
    return np.asarray(parts == number)


def stroke(place: Plane, rng: np.random.Generator) -> Plane:
    """A line from the middle of a place towards another of its points, about as wide as a brush."""
    depth = cv2.distanceTransform(np.pad(place, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    y0, x0 = np.unravel_index(int(depth.argmax()), depth.shape)
    deep = np.argwhere(depth >= 0.5 * depth.max())
    y1, x1 = deep[int(rng.integers(len(deep)))]
    drawn = np.zeros(place.shape, np.uint8)
    width = max(1, round(min(0.03 * max(place.shape), float(depth.max()))))
    cv2.line(drawn, (int(x0), int(y0)), (int(x1), int(y1)), 1, width)
    return np.asarray(drawn > 0)
