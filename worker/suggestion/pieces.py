"""What of a found mask belongs to the object: no crumbs, no pinholes."""

from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

CRUMB: Final = 0.05
"""Of the largest piece: what is smaller was not meant."""

PINHOLE: Final = 0.003
"""Of the object: a hole this small is none."""

Plane = npt.NDArray[np.bool_]


def whole(found: Plane, kept: Plane, left_out: Plane) -> Plane:
    """The mask without small pieces and with small holes filled, but for what strokes say."""
    found = _without_crumbs(found, kept)
    most = PINHOLE * np.count_nonzero(found)
    holes = ~found
    count, parts, facts, _ = cv2.connectedComponentsWithStats(holes.astype(np.uint8), connectivity=4)
    small = facts[:, cv2.CC_STAT_AREA] <= most
    small[np.unique(parts[left_out])] = False
    small[0] = False  # the object itself
    filled = small[parts] if count > 1 else np.zeros_like(found)
    return np.asarray(found | filled)


def _without_crumbs(found: Plane, kept: Plane) -> Plane:
    count, parts, facts, _ = cv2.connectedComponentsWithStats(found.astype(np.uint8), connectivity=8)
    if count < 2:
        return found
    areas = facts[:, cv2.CC_STAT_AREA].copy()
    areas[0] = 0
    belongs = areas >= CRUMB * areas.max()
    belongs[np.unique(parts[kept])] = True
    belongs[0] = False
    return np.asarray(belongs[parts])
