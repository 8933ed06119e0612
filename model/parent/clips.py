"""What a parent learns from: short clips of real sequences and of still pictures set in motion."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from model.datasets import read_image, read_labels, training_sequence
from model.frames import shrink, working_size
from model.lucid import (
    BACKGROUND,
    LEAP,
    STEP,
    Motion,
    Pose,
    Scene,
    after,
    box_of,
    composed,
    drawn,
    lit,
    taken_apart,
)

Sample = TypeVar("Sample", np.uint8, np.float32)

FRAMES: Final = 4
"""Of a training clip: the annotated one and three that follow each other."""

STORED_PX: Final = 320
"""Short side of the pictures that training keeps in memory, unless told otherwise."""

DISTANCES: Final = (1, 1, 2, 3, 5, 8)
"""Frames from one of the three to the next, either way."""

Picture = npt.NDArray[np.uint8]
Cover = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Shot:
    """Pictures (H, W, 3) uint8 with their masks (H, W) uint8, 0 or 255: a sequence, or a single still."""

    name: str
    pictures: tuple[Picture, ...]
    masks: tuple[Picture, ...]


@dataclass(frozen=True)
class Clip:
    """Pictures (FRAMES, S, S, 3) uint8 and covers (FRAMES, S, S) float32, 0–1; the first is the annotated one."""

    pictures: Picture
    covers: Cover


def sequences(root: Path, names: Sequence[str], short_side_px: int = STORED_PX) -> list[Shot]:
    """The sequences of a DAVIS root, shrunk."""
    shots = []
    for name in names:
        found = training_sequence(root, name)
        pictures, masks = zip(
            *(_stored(found.image(i), found.labels(i), short_side_px) for i in range(len(found))), strict=True
        )
        shots.append(Shot(name, tuple(pictures), tuple(masks)))
    return shots


def stills(root: Path, short_side_px: int = STORED_PX) -> list[Shot]:
    """The pictures of `root/JPEGImages` whose mask of the same name lies in `root/Annotations`, shrunk."""
    shots = []
    for path in sorted((root / "JPEGImages").glob("*.jpg")):
        mask = root / "Annotations" / f"{path.stem}.png"
        if mask.exists():
            picture, cover = _stored(read_image(path), read_labels(mask), short_side_px)
            shots.append(Shot(path.stem, (picture,), (cover,)))
    return shots


def _stored(picture: Picture, labels: Picture, short_side_px: int) -> tuple[Picture, Picture]:
    size = working_size(labels.shape[0], labels.shape[1], short_side_px)
    mask = np.where(labels > 127, np.uint8(255), np.uint8(0))
    return shrink(picture, size), shrink(mask, size)


@dataclass(frozen=True)
class Source:
    """Draws clips of `size` x `size` pixels: from sequences in motion, and from stills by moving them."""

    moving: Sequence[Shot]
    still: Sequence[Shot]
    size: int
    share_still: float = 0.4

    def draw(self, rng: np.random.Generator) -> Clip:
        """One clip; `rng` decides all of it."""
        if not self.moving or (self.still and rng.uniform() < self.share_still):
            return self._from_still(rng)
        return self._from_sequence(rng)

    def _from_sequence(self, rng: np.random.Generator) -> Clip:
        shot = self.moving[int(rng.integers(len(self.moving)))]
        frames = _chosen(len(shot.masks), rng)
        covers = [shot.masks[i].astype(np.float32) / np.float32(255) for i in frames]
        mirror = rng.uniform() < 0.5
        followed = self._view(np.maximum.reduce(covers[1:]), rng, mirror)
        views = [self._view(covers[0], rng, mirror), followed]
        views += [
            after(followed, drawn(rng, Motion(1.5, 0.02, 0.01, 0), (0, 0, self.size, self.size)))
            for _ in frames[2:]
        ]
        light = int(rng.integers(2**31))
        pictures = [
            lit(lit(self._cut(shot.pictures[i], view), np.random.default_rng(light)), rng, 0.3)
            for i, view in zip(frames, views, strict=True)
        ]
        cut = [self._cut(cover, view) for cover, view in zip(covers, views, strict=True)]
        return Clip(np.stack(pictures), np.stack(cut))

    def _from_still(self, rng: np.random.Generator) -> Clip:
        shot = self.still[int(rng.integers(len(self.still)))]
        cover = shot.masks[0].astype(np.float32) / np.float32(255)
        view = self._view(cover, rng, rng.uniform() < 0.5)
        scene = taken_apart(self._cut(shot.pictures[0], view), self._cut(cover, view)[None])
        if rng.uniform() < 0.35:
            scene = self._elsewhere(scene, rng)
        return self._animated(scene, rng)

    def _elsewhere(self, scene: Scene, rng: np.random.Generator) -> Scene:
        """The objects of a scene before another still, whose own object distracts."""
        other = self.still[int(rng.integers(len(self.still)))]
        view = self._view(other.masks[0].astype(np.float32) / np.float32(255), rng, rng.uniform() < 0.5)
        return Scene(scene.picture, self._cut(other.pictures[0], view), scene.covers)

    def _animated(self, scene: Scene, rng: np.random.Generator) -> Clip:
        box = box_of(scene.covers[0])
        whole = (0.0, 0.0, float(self.size), float(self.size))
        gone = rng.integers(1, FRAMES) if rng.uniform() < 0.12 else FRAMES
        pictures, covers = [], []
        object_pose, ground_pose = drawn(rng, LEAP, box), drawn(rng, BACKGROUND, whole)
        for number in range(FRAMES):
            if number == 1:
                object_pose = drawn(rng, LEAP, box)
            elif number > 1:
                object_pose = after(object_pose, drawn(rng, STEP, box))
                ground_pose = after(ground_pose, drawn(rng, Motion(2, 0.03, 0.03, 0), whole))
            poses: list[Pose | None] = [None if number >= gone else object_pose]
            picture, cover = composed(scene, ground_pose, poses)
            pictures.append(lit(picture, rng, 0.5))
            covers.append(cover[0])
        return Clip(np.stack(pictures), np.stack(covers))

    def _view(self, cover: Cover, rng: np.random.Generator, mirror: bool) -> Pose:
        """From a stored picture to a square in which the object is 15 to 90 per cent wide, about its middle."""
        x, y, width, height = box_of(cover)
        share = rng.uniform(0.15, 0.9)
        side = np.clip(max(width, height) / share, 0.25 * min(cover.shape), min(cover.shape))
        scale = self.size / side
        aspect = np.exp(rng.uniform(0, 0.2))
        angle = np.radians(rng.normal(0, 7))
        linear = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) @ np.diag(
            [scale * aspect * (-1 if mirror else 1), scale]
        )
        # the square stays within the picture, so that there is little to mirror
        edge = side / 2
        wanted = np.array([x + width / 2, y + height / 2]) + rng.uniform(-0.2, 0.2, 2) * side
        centre = np.clip(wanted, edge, np.array(cover.shape[::-1]) - edge)
        middle = np.full(2, self.size / 2)
        return Pose(np.column_stack([linear, middle - linear @ centre]), np.zeros((4, 4, 2), np.float32))

    def _cut(self, plane: npt.NDArray[Sample], view: Pose) -> npt.NDArray[Sample]:
        # shrinking below half without averaging would alias: the stored picture is halved first
        matrix = view.matrix.copy()
        shrinkage = np.sqrt(abs(np.linalg.det(matrix[:, :2])))
        if shrinkage < 0.6:
            plane = cv2.resize(plane, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]  # OpenCV keeps the type
            matrix[:, :2] *= 2
        return cv2.warpAffine(  # type: ignore[return-value]  # as above
            plane, matrix, (self.size, self.size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
        )


def _chosen(count: int, rng: np.random.Generator) -> list[int]:
    """The annotated frame and the three that are followed; at the start of a clip the two meet."""
    distance = int(rng.choice(DISTANCES)) * int(rng.choice((-1, 1)))
    span = abs(distance) * (FRAMES - 2)
    if span >= count:
        distance, span = int(np.sign(distance)), FRAMES - 2
    low = int(rng.integers(0, count - span))
    followed = [low + abs(distance) * step for step in range(FRAMES - 1)]
    if distance < 0:
        followed.reverse()
    annotated = followed[0] if rng.uniform() < 0.25 else int(rng.integers(count))
    return [annotated, *followed]
