"""Frames that never were: an annotated picture with its objects and its background moved apart.

After *Lucid data dreaming* (Khoreva et al., IJCV 2019): cut the objects out, fill the hole, move both and
put them together again, in another light. Here a smooth random displacement takes the place of thin-plate
splines, and the hole is filled from coarse to fine: milliseconds instead of seconds.
"""

import math
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Planes = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Motion:
    """How far an object or the background may go, each way."""

    rotation_degrees: float
    scale: float
    """Of the logarithm: 0.1 is about ten per cent."""
    shift: float
    """Share of the size of what moves."""
    bend: float
    """Share of the size by which parts move against each other."""


STEP: Final = Motion(6.0, 0.06, 0.08, 0.02)
"""From one frame to one of the next."""

LEAP: Final = Motion(20.0, 0.25, 0.25, 0.05)
"""From the annotated frame to any other."""

BACKGROUND: Final = Motion(5.0, 0.08, 0.08, 0.01)


@dataclass(frozen=True)
class Pose:
    """An affine map (2, 3) and a coarse grid (4, 4, 2) of displacements, both in pixels."""

    matrix: npt.NDArray[np.float64]
    bend: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Scene:
    """A picture taken apart: its background without the objects, and each object's cover, (K, H, W) 0–1."""

    picture: Picture
    background: Picture
    covers: Planes


def taken_apart(picture: Picture, covers: Planes) -> Scene:
    """The scene of a picture (H, W, 3) and its objects' covers (K, H, W) float32, 0–1."""
    return Scene(picture, filled(picture, covers.max(axis=0)), covers)


def filled(picture: Picture, hole: npt.NDArray[np.float32]) -> Picture:
    """The picture (H, W, 3) with the hole (H, W), 0–1, filled from its surroundings, coarse to fine."""
    known = (cv2.dilate(hole, np.ones((5, 5), np.uint8)) < 0.05).astype(np.float32)
    levels = [(picture.astype(np.float32) * known[..., None], known)]
    while min(levels[-1][1].shape) > 2 and levels[-1][1].min() < 0.5:
        colours, weights = levels[-1]
        size = ((weights.shape[1] + 1) // 2, (weights.shape[0] + 1) // 2)
        levels.append(
            (
                np.asarray(cv2.resize(colours, size, interpolation=cv2.INTER_AREA), np.float32),
                np.asarray(cv2.resize(weights, size, interpolation=cv2.INTER_AREA), np.float32),
            )
        )
    colours, weights = levels[-1]
    whole = colours / np.maximum(weights, 1e-3)[..., None]
    for colours, weights in reversed(levels[:-1]):
        coarse = np.asarray(cv2.resize(whole, weights.shape[::-1], interpolation=cv2.INTER_LINEAR))
        whole = colours + (1 - weights[..., None]) * coarse
    return np.clip(whole, 0, 255).astype(np.uint8)


def drawn(rng: np.random.Generator, limits: Motion, box: tuple[float, float, float, float]) -> Pose:
    """A random pose about the middle of a box (x, y, width, height) in pixels."""
    x, y, width, height = box
    size = math.sqrt(max(width * height, 16.0))
    angle = math.radians(rng.uniform(-limits.rotation_degrees, limits.rotation_degrees))
    scale = math.exp(rng.uniform(-limits.scale, limits.scale))
    stretch = math.exp(rng.uniform(-limits.scale, limits.scale) / 3)
    cosine, sine = math.cos(angle) * scale, math.sin(angle) * scale
    linear = np.array([[cosine * stretch, -sine], [sine * stretch, cosine]])
    centre = np.array([x + width / 2, y + height / 2])
    shift = rng.uniform(-limits.shift, limits.shift, 2) * size
    matrix = np.column_stack([linear, centre + shift - linear @ centre])
    return Pose(matrix, (rng.normal(0, limits.bend, (4, 4, 2)) * size).astype(np.float32))


def after(pose: Pose, then: Pose) -> Pose:
    """`pose`, and `then` on top of it."""
    square = np.vstack([pose.matrix, [0, 0, 1]])
    return Pose(then.matrix @ square, pose.bend + then.bend)


def posed(planes: npt.NDArray[np.float32], pose: Pose, *, border: int) -> npt.NDArray[np.float32]:
    """The picture (H, W) or (H, W, C) float32 in a pose; `border` is OpenCV's way to go on outside."""
    height, width = planes.shape[:2]
    inverse = cv2.invertAffineTransform(pose.matrix).astype(np.float32)
    columns, rows = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    bend = np.asarray(cv2.resize(pose.bend, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    x = inverse[0, 0] * columns + inverse[0, 1] * rows + inverse[0, 2] + bend[..., 0]
    y = inverse[1, 0] * columns + inverse[1, 1] * rows + inverse[1, 2] + bend[..., 1]
    return np.asarray(cv2.remap(planes, x, y, cv2.INTER_LINEAR, borderMode=border), np.float32)


def composed(scene: Scene, background: Pose, objects: list[Pose | None]) -> tuple[Picture, Planes]:
    """A frame of the scene and its covers; an object whose pose is None is not in it."""
    picture = posed(scene.background.astype(np.float32), background, border=cv2.BORDER_REFLECT_101)
    covers = np.zeros_like(scene.covers)
    source = scene.picture.astype(np.float32)
    for number, pose in enumerate(objects):
        if pose is None:
            continue
        cover = posed(scene.covers[number], pose, border=cv2.BORDER_CONSTANT)
        seen = posed(source, pose, border=cv2.BORDER_REFLECT_101)
        picture += cover[..., None] * (seen - picture)
        covers *= 1 - cover
        covers[number] = cover
    return np.clip(picture, 0, 255).astype(np.uint8), covers


def lit(picture: Picture, rng: np.random.Generator, strength: float = 1.0) -> Picture:
    """The picture in another light: each channel's gain, a gamma and an offset."""
    gain = np.exp(rng.uniform(-0.15, 0.15, 3) * strength)
    gamma = math.exp(rng.uniform(-0.2, 0.2) * strength)
    offset = rng.uniform(-15, 15) * strength
    levels = 255 * (np.arange(256)[:, None] / 255) ** gamma * gain + offset
    table = np.clip(np.rint(levels), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(picture, table[:, None, :]), np.uint8)


def box_of(cover: npt.NDArray[np.float32]) -> tuple[float, float, float, float]:
    """The box (x, y, width, height) of what is covered by half or more; the whole picture if nothing is."""
    x, y, width, height = cv2.boundingRect((cover > 0.5).astype(np.uint8))
    if not width:
        return 0.0, 0.0, float(cover.shape[1]), float(cover.shape[0])
    return float(x), float(y), float(width), float(height)


def mistaken(cover: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """A mask (H, W), 0–1, that is wrong as the last frame's mask is: moved, swollen, torn, or elsewhere.

    One in ten says nothing at all and one in twelve is far off.
    """
    kind = rng.uniform()
    if kind < 0.1 or cover.max() < 0.5:
        return np.zeros_like(cover)
    box = box_of(cover)
    limits = Motion(8.0, 0.12, 0.8, 0.03) if kind < 0.18 else Motion(5.0, 0.08, 0.07, 0.03)
    wrong = posed(cover, drawn(rng, limits, box), border=cv2.BORDER_CONSTANT)
    size = math.sqrt(box[2] * box[3])
    reach = int(rng.uniform(0, 0.06) * size)
    if reach and rng.uniform() < 0.5:
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
        morph = cv2.dilate if rng.uniform() < 0.5 else cv2.erode
        wrong = np.asarray(morph(wrong, kernel), np.float32)
    if rng.uniform() < 0.4:
        wrong = _torn(wrong, rng)
    spread = rng.uniform(0.3, 0.03 * size + 0.5)
    return np.asarray(cv2.GaussianBlur(wrong, (0, 0), spread), np.float32)


def _torn(mask: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """The mask with some parts missing and some of the surroundings added."""
    height, width = mask.shape
    noise = rng.normal(size=(8, 8)).astype(np.float32)
    smooth = np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    near = cv2.dilate(mask, np.ones((max(3, height // 16),) * 2, np.uint8))
    torn = np.where(smooth > 1.3, 0, mask)
    return np.where(smooth < -1.3, near, torn).astype(np.float32)
