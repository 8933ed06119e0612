"""Procedural textures: smooth noise, and small functions on float pictures in 0..1."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.float32]
Picture = npt.NDArray[np.float32]
Rng = np.random.Generator


def noise(rng: Rng, height: int, width: int, cell: float) -> Plane:
    """Return (H, W) value noise in about 0..1 whose features are `cell` pixels wide."""
    grid = rng.random((int(height / cell) + 4, int(width / cell) + 4), np.float32)
    size = (int(grid.shape[1] * cell) + 1, int(grid.shape[0] * cell) + 1)
    large = cv2.resize(grid, size, interpolation=cv2.INTER_CUBIC)
    # from the middle of the grid: the outermost cells are extrapolated
    edge = int(cell)
    return np.asarray(large[edge : edge + height, edge : edge + width], np.float32)


def fractal(rng: Rng, height: int, width: int, cell: float, octaves: int = 4) -> Plane:
    """Return (H, W) noise in about 0..1 with ever finer and fainter detail."""
    total, weight = np.zeros((height, width), np.float32), 0.0
    for octave in range(octaves):
        strength = 0.5**octave
        total += strength * noise(rng, height, width, max(cell / 2**octave, 1.5))
        weight += strength
    return np.asarray(total / weight, np.float32)


def smoothstep(low: float, high: float, values: Plane) -> Plane:
    """Return 0 below `low`, 1 above `high`, and a smooth way between."""
    x = np.clip((values - low) / (high - low), 0.0, 1.0)
    return np.asarray(x * x * (3 - 2 * x), np.float32)


def mix(first: Picture, second: Picture | npt.NDArray[np.float32], share: Plane) -> Picture:
    """Blend (H, W, 3) pictures, or a colour into one, by an (H, W) share of the second."""
    return np.asarray(first + (second - first) * share[..., None], np.float32)


def color(text: str) -> npt.NDArray[np.float32]:
    """Return "#rrggbb" as (3,) floats in 0..1."""
    return np.asarray(np.frombuffer(bytes.fromhex(text.removeprefix("#")), np.uint8) / 255, np.float32)
