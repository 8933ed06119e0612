"""Temporal instability T: how much a mask's outline trembles from frame to frame, whatever the truth.

Source: Perazzi et al., CVPR 2016, section 4, and `measures/t_stability.py` of the first DAVIS toolkit: outlines are
matched point by point by their shape contexts (Belongie et al., PAMI 2002), in order, and the mean cost of
the matches is what remains that no motion explains.
"""

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
Points = npt.NDArray[np.float64]
Costs = npt.NDArray[np.float64]

SCALE: Final = 5.0
"""DAVIS multiplies by it, so that the numbers look like those of J and F."""

TOLERANCES: Final = (0.1, 3.0)
"""Of the two simplifications of the outline, in half pixels."""

SPACING_PX: Final = 3.0
"""Between points of the outline, at most."""

ANGLES: Final = 12
RADII: Final = np.logspace(np.log10(1 / 8), np.log10(2), 5)
"""Bounds of a shape context's rings, in mean distances between points."""


def instability(masks: Iterable[Mask]) -> float:
    """T of a sequence's (H, W) bool masks in order: 0 for masks that only move, the more the worse.

    Pairs of which one mask is empty do not count; NaN where no pair does.
    """
    costs = []
    before: Mask | None = None
    for mask in masks:
        if before is not None and before.any() and mask.any():
            costs.append(change(before, mask))
        before = mask
    return SCALE * float(np.mean(costs)) if costs else float("nan")


def change(first: Mask, second: Mask) -> float:
    """The mean cost of matching the main outlines of two masks, (H, W) bool and not empty; 0 to 1."""
    costs = _chi_squared(_shape_contexts(outline(first)), _shape_contexts(outline(second)))
    path = _cheapest_path(costs)
    rows, columns = path[np.argmin(costs[path[:, 0], path[:, 1]])]
    # the outlines begin anywhere: begin both where they agree best
    turned = np.roll(costs, (-rows, -columns), axis=(0, 1))
    path = _cheapest_path(turned)
    return float(_one_to_one(path, turned[path[:, 0], path[:, 1]]).mean())


def outline(mask: Mask) -> Points:
    """The points (N, 2), x and y, of a mask's longest outline, simplified and evenly spaced."""
    polygon = max(_crack_polygons(mask), key=len)
    doubled = (2 * polygon).astype(np.int32)[:, None]
    for tolerance in TOLERANCES:
        simpler = cv2.approxPolyDP(doubled, tolerance, closed=True)
        doubled = np.asarray(simpler, np.int32) if len(simpler) > 2 else doubled
    corners = doubled[:, 0] / 2
    return _spaced(np.vstack([corners, corners[:1]]))


def _crack_polygons(mask: Mask) -> list[Points]:
    """The closed outlines along the edges between pixels, the mask to their right."""
    following: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for start, end in _cracks(mask):
        following.setdefault(start, []).append(end)
    polygons = []
    while following:
        corner = next(iter(following))
        polygon, direction = [corner], (0, 0)
        while corner in following:
            ends = following[corner]
            # where two pixels touch at a corner, turn right: they are two shapes
            index = max(range(len(ends)), key=lambda i: _turn(direction, corner, ends[i]))
            end = ends.pop(index)
            if not ends:
                del following[corner]
            direction, corner = (end[0] - corner[0], end[1] - corner[1]), end
            polygon.append(corner)
        polygons.append(np.array(polygon[:-1], np.float64))
    return polygons


def _cracks(mask: Mask) -> Iterable[tuple[tuple[int, int], tuple[int, int]]]:
    """The edges of unit length between mask and rest, from corner to corner (x, y)."""
    padded = np.pad(mask, 1)
    inner = padded[1:-1, 1:-1]
    sides = (
        (padded[:-2, 1:-1], (0, 0), (1, 0)),
        (padded[1:-1, 2:], (1, 0), (1, 1)),
        (padded[2:, 1:-1], (1, 1), (0, 1)),
        (padded[1:-1, :-2], (0, 1), (0, 0)),
    )
    for neighbour, (from_x, from_y), (to_x, to_y) in sides:
        rows, columns = np.nonzero(inner & ~neighbour)
        starts = zip((columns + from_x).tolist(), (rows + from_y).tolist(), strict=True)
        ends = zip((columns + to_x).tolist(), (rows + to_y).tolist(), strict=True)
        yield from zip(starts, ends, strict=True)


def _turn(direction: tuple[int, int], corner: tuple[int, int], end: tuple[int, int]) -> int:
    """1 for a turn to the right, -1 to the left, 0 straight on (y points down)."""
    return direction[0] * (end[1] - corner[1]) - direction[1] * (end[0] - corner[0])


def _spaced(closed: Points) -> Points:
    """The points of a closed line, with more between those that are too far apart; the last is not repeated."""
    lengths = np.linalg.norm(np.diff(closed, axis=0), axis=1)
    pieces = np.maximum(1, np.ceil(lengths / SPACING_PX)).astype(int)
    found = [
        start + (end - start) * (np.arange(count) / count)[:, None]
        for start, end, count in zip(closed[:-1], closed[1:], pieces, strict=True)
    ]
    return np.concatenate(found)


def _shape_contexts(points: Points) -> Costs:
    """For each point, the shares (N, 60) of all points in rings and sectors around it."""
    offsets = points[None] - points[:, None]
    distances = np.hypot(offsets[..., 0], offsets[..., 1])
    ring = np.searchsorted(RADII * distances.mean(), distances, side="right")
    turn = np.arctan2(offsets[..., 1], offsets[..., 0]) % (2 * np.pi)
    sector = np.minimum((turn * ANGLES / (2 * np.pi)).astype(int), ANGLES - 1)
    count, rings = len(points), len(RADII)
    rows = np.repeat(np.arange(count), count).reshape(count, count)
    cells = (rows * rings + ring) * ANGLES + sector
    histograms = np.bincount(cells[ring < rings], minlength=count * rings * ANGLES)
    contexts = histograms.reshape(count, rings * ANGLES).astype(np.float64)
    return np.asarray(contexts / contexts.sum(axis=1, keepdims=True), np.float64)


def _chi_squared(first: Costs, second: Costs) -> Costs:
    """The distance of each of the first (N, B) to each of the second (M, B): (N, M), 0 to 1."""
    # Σ (a − b)² / (a + b) = Σa + Σb − 4 Σ ab / (a + b), and shares add up to one: half the arithmetic, and in
    # half the memory, since this is where the time goes
    ours, theirs = first.astype(np.float32), second.astype(np.float32)
    costs = np.empty((len(ours), len(theirs)))
    for row, context in enumerate(ours):
        used = context > 0
        share = context[used]
        costs[row] = 1 - 2 * (theirs[:, used] * (share / (theirs[:, used] + share))).sum(axis=1)
    return np.maximum(costs, 0)


def _cheapest_path(costs: Costs) -> npt.NDArray[np.intp]:
    """The cells (L, 2) of the cheapest way from the first to the last, right, down or both (time warping)."""
    height, width = costs.shape
    # cells on one anti-diagonal depend only on the two before it
    total = np.full((height + 1, width + 1), np.inf)
    total[0, 0] = 0
    for diagonal in range(height + width - 1):
        rows = np.arange(max(0, diagonal - width + 1), min(height, diagonal + 1))
        columns = diagonal - rows
        least = np.minimum(total[rows, columns + 1], total[rows + 1, columns])
        total[rows + 1, columns + 1] = costs[rows, columns] + np.minimum(least, total[rows, columns])
    row, column = height, width
    path = []
    while row and column:
        path.append((row - 1, column - 1))
        steps = ((row - 1, column - 1), (row - 1, column), (row, column - 1))
        row, column = min(steps, key=lambda cell: total[cell])
    return np.array(path[::-1], np.intp)


def _one_to_one(path: npt.NDArray[np.intp], costs: Costs) -> Costs:
    """The costs of the pairs that remain when each point keeps its cheapest partner only."""
    for side in (0, 1):
        order = np.argsort(costs, kind="stable")
        _, first = np.unique(path[order, side], return_index=True)
        kept = order[first]
        path, costs = path[kept], costs[kept]
    return costs
