"""A small picture with one object before a plain ground, and another beside it."""

import io

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

HEIGHT, WIDTH = 180, 240

Plane = npt.NDArray[np.bool_]
Bytes = npt.NDArray[np.uint8]


def disc(x: int, y: int, radius: int) -> Plane:
    drawn = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(drawn, (x, y), radius, 1, -1)
    return drawn > 0


def _scene() -> Bytes:
    rng = np.random.default_rng(5)
    ground = np.full((HEIGHT, WIDTH, 3), (70, 110, 70), np.float64)
    ground += rng.normal(0, 6, ground.shape)
    ground[DISC] = np.array((200, 60, 40)) + rng.normal(0, 6, (int(DISC.sum()), 3))
    other = disc(205, 40, 20)
    ground[other] = np.array((60, 60, 190)) + rng.normal(0, 6, (int(other.sum()), 3))
    return np.asarray(cv2.GaussianBlur(ground.clip(0, 255).astype(np.uint8), (0, 0), 0.8), np.uint8)


DISC = disc(100, 90, 45)
CORNERS = (55.0, 45.0, 146.0, 136.0)
BOX = "55,45,146,136"
SCENE = _scene()


def encoded(picture: Bytes, kind: str = "PNG") -> bytes:
    target = io.BytesIO()
    Image.fromarray(picture).save(target, kind)
    return target.getvalue()


def strokes_of(on_object: Plane, on_background: Plane) -> bytes:
    levels = np.where(on_object, np.uint8(255), np.where(on_background, np.uint8(128), np.uint8(0)))
    return encoded(levels)


def overlap(found: Plane, truth: Plane) -> float:
    return float((found & truth).sum() / (found | truth).sum())
