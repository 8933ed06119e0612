"""The background: a pond's bed of pebbles under moving light, with lily pads in its corners."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from demo.texture import Picture, Plane, Rng, color, fractal, mix, noise, smoothstep

_PEBBLES = ("#5d7076", "#748a8c", "#4b5f68", "#8d9a8f", "#a39b85", "#6a7a6c", "#3f545c", "#838f9b")
_WATER = color("#12707a")
_SUN = color("#dff5e4")


def bed(rng: Rng, height: int, width: int) -> Picture:
    """Return (H, W, 3) pebbles as they look through a little water."""
    labels, edge = _cells(rng, height, width, spacing=25.0)
    palette = np.stack([color(text) for text in _PEBBLES])
    chosen = palette[rng.integers(len(palette), size=int(labels.max()) + 1)]
    chosen *= rng.uniform(0.75, 1.2, (len(chosen), 1)).astype(np.float32)
    grain = 0.75 + 0.5 * fractal(rng, height, width, 6.0)
    # blurred: the distance to the rim has creases, and stones have none
    height_map = np.asarray(cv2.GaussianBlur(smoothstep(0.2, 6.5, edge), (0, 0), 1.3), np.float32)
    picture = chosen[labels] * (grain * _light(height_map) * (0.34 + 0.8 * height_map))[..., None]
    depth = 0.1 + 0.25 * fractal(rng, height, width, 120.0, octaves=2)
    return mix(np.asarray(picture, np.float32), _WATER, np.asarray(depth, np.float32))


def _cells(rng: Rng, height: int, width: int, spacing: float) -> tuple[np.ndarray, Plane]:
    """Return which pebble each pixel belongs to, and how far it is from that pebble's rim, in pixels."""
    seeds = np.full((height, width), 255, np.uint8)
    for y in np.arange(0.0, height, spacing * 0.85):
        for x in np.arange(0.0, width, spacing):
            at = np.array([x, y]) + rng.uniform(-0.55, 0.55, 2) * spacing
            column, row = at.astype(int)
            if 0 <= row < height and 0 <= column < width:
                seeds[row, column] = 0
    _, labels = cv2.distanceTransformWithLabels(seeds, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    labels = _wobbled(rng, np.asarray(labels, np.float32))
    rim = (labels != np.roll(labels, 1, 0)) | (labels != np.roll(labels, 1, 1))
    edge = cv2.distanceTransform((~rim).astype(np.uint8), cv2.DIST_L2, 5)
    return labels.astype(np.int32), np.asarray(edge, np.float32)


def _wobbled(rng: Rng, labels: Plane) -> Plane:
    """Bend the straight borders of a Voronoi diagram, so that its cells look like stones."""
    height, width = labels.shape
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x += 12 * (noise(rng, height, width, 13.0) - 0.5)
    y += 12 * (noise(rng, height, width, 13.0) - 0.5)
    return np.asarray(cv2.remap(labels, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT), np.float32)


def _light(height_map: Plane) -> Plane:
    """Shade a relief by a sun in the upper left."""
    smooth = cv2.GaussianBlur(height_map, (0, 0), 1.6)
    slope_x, slope_y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    return np.asarray(np.clip(1.0 + 0.35 * (slope_x + slope_y), 0.55, 1.5), np.float32)


@dataclass(frozen=True)
class Sunlight:
    """The net of light that waves throw on the ground: two nets that drift through each other."""

    first: Plane
    second: Plane

    @classmethod
    def over(cls, rng: Rng, height: int, width: int) -> Sunlight:
        """Make the nets for frames of this size."""
        room = 96
        return cls(*(_net(rng, height + room, width + room) for _ in range(2)))

    def at(self, seconds: float, height: int, width: int) -> Plane:
        """Return the (H, W) brightness in 0..1 at a time."""
        drift = 9.0 * seconds
        one = _window(self.first, 10 + drift, 10 + drift * 0.5, height, width)
        other = _window(self.second, 86 - drift, 40 + drift * 0.6, height, width)
        return np.asarray(np.minimum(one, other) ** 1.5, np.float32)


def _net(rng: Rng, height: int, width: int) -> Plane:
    smooth = 0.7 * noise(rng, height, width, 46.0) + 0.3 * noise(rng, height, width, 21.0)
    return np.asarray(np.clip(1.0 - 5.5 * np.abs(smooth - 0.5), 0.0, 1.0), np.float32)


def _window(plane: Plane, x: float, y: float, height: int, width: int) -> Plane:
    matrix = np.array([[1, 0, -x], [0, 1, -y]], np.float32)
    moved = cv2.warpAffine(
        plane, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return np.asarray(moved, np.float32)


def lit(picture: Picture, light: Plane) -> Picture:
    """Return a picture under the net of light."""
    return mix(picture * (0.9 + 0.75 * light)[..., None], _SUN, np.asarray(0.16 * light, np.float32))


@dataclass(frozen=True)
class Pad:
    """A lily pad: its centre and radius in pixels, and the direction of its notch in radians."""

    x: float
    y: float
    radius: float
    notch: float


def lily_pads(rng: Rng, picture: Picture, pads: list[Pad]) -> Picture:
    """Return the picture with the pads and their shadows on it."""
    for pad in pads:
        picture = _lily_pad(rng, picture, pad)
    return picture


def _lily_pad(rng: Rng, picture: Picture, pad: Pad) -> Picture:
    height, width = picture.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    radius, angle = np.hypot(x - pad.x, y - pad.y), np.arctan2(y - pad.y, x - pad.x)
    turn = np.abs((angle - pad.notch + np.pi) % (2 * np.pi) - np.pi)
    rim = pad.radius * (1 + 0.025 * np.sin(7 * angle + pad.notch))
    inside = np.minimum(rim - radius, (turn - 0.16) * radius)
    cover = np.clip(inside + 0.5, 0.0, 1.0)
    veins = np.abs(np.sin(angle * 9 + pad.notch)) ** 18 * smoothstep(0.1, 0.5, radius / pad.radius)
    tone = 0.8 + 0.35 * fractal(rng, height, width, 16.0) - 0.18 * (radius / pad.radius) ** 3
    green = mix(color("#3f8f3a") * tone[..., None], color("#a9cf7a"), np.asarray(0.5 * veins, np.float32))
    green = mix(green, color("#6e4f35"), np.asarray(0.55 * smoothstep(-2.6, -0.4, -inside), np.float32))
    shadow = cv2.GaussianBlur(np.roll(cover, (11, 8), (0, 1)), (0, 0), 5.0)
    shaded = picture * (1 - 0.5 * shadow)[..., None]
    return mix(np.asarray(shaded, np.float32), green, np.asarray(cover, np.float32))
