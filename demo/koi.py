"""The object: a koi seen from above, whose outline is a formula, so that its exact mask is known."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from demo.texture import Picture, Plane, Rng, color, fractal, mix, noise, smoothstep

# Half the body's width from the nose to where the tail swallows it, in body lengths. The position along the
# fish is given as its square root: equal steps there make the nose blunt.
_ROOT_ALONG = (0.0, 0.1, 0.2, 0.32, 0.45, 0.57, 0.67, 0.77, 0.87, 0.94, 1.0, 1.04)
_HALF_WIDTH = (0.0, 0.031, 0.059, 0.086, 0.107, 0.117, 0.114, 0.096, 0.064, 0.038, 0.018, 0.0)

_WHITE, _ORANGE, _BLACK = color("#f6efe2"), color("#e8531b"), color("#20242b")
_FIN = color("#f3c9a0")


@dataclass(frozen=True)
class Pose:
    """Where the fish is: the middle of its body and its length in pixels, its heading and swing in radians."""

    x: float
    y: float
    length: float
    heading: float
    swing: float


@dataclass(frozen=True)
class Appearance:
    """One fish after pose: its colours (H, W, 3) in 0..1, and `inside`, its signed distance in pixels."""

    picture: Picture
    inside: Plane

    @property
    def cover(self) -> Plane:
        """How much of each pixel the fish covers, in 0..1."""
        return np.asarray(np.clip(self.inside + 0.5, 0.0, 1.0), np.float32)


class Koi:
    """A fish with a pattern of its own."""

    _GRID = 256  # pixels of the pattern for one body length; finer than the fish ever is on screen

    def __init__(self, rng: Rng) -> None:
        size = self._GRID * 2
        self._patches = 0.75 * noise(rng, size, size, 52.0) + 0.25 * fractal(rng, size, size, 18.0)
        self._spots = noise(rng, size, size, 34.0)
        self._grain = fractal(rng, size, size, 5.0)

    def drawn(self, pose: Pose, height: int, width: int) -> Appearance:
        """Return how the fish looks in a frame of this size."""
        along, across = _body_coordinates(pose, height, width)
        body = _body(along, across)
        fins = np.maximum(_tail(along, across), _side_fins(along, across, pose.swing))
        # skin up to half a pixel outside, or fins would shine through the body's own edge
        skin = np.asarray(np.clip(body * pose.length + 1.5, 0.0, 1.0), np.float32)
        picture = mix(self._fins(along, across), self._skin(along, across), skin)
        inside = np.maximum(body, fins) * np.float32(pose.length)
        return Appearance(np.asarray(picture, np.float32), np.asarray(inside, np.float32))

    def _skin(self, along: Plane, across: Plane) -> Picture:
        half = _half_width(along)
        orange = smoothstep(0.47, 0.52, self._sampled(self._patches, along, across))
        black = smoothstep(0.74, 0.78, self._sampled(self._spots, along, across)) * smoothstep(
            0.13, 0.19, along
        )
        skin = mix(np.broadcast_to(_WHITE, (*along.shape, 3)), _ORANGE, orange)
        skin = mix(skin, _BLACK, np.asarray(0.9 * black, np.float32))
        around = across / np.maximum(half, 1e-3)
        roundness = np.clip(1.12 - 0.5 * (around + 0.25) ** 2, 0.35, 1.15)
        grain = 0.9 + 0.2 * self._sampled(self._grain, along, across)
        skin = skin * (roundness * grain * _scales(along, across))[..., None]
        skin = mix(skin, color("#8c3413"), _ridge(along, across))
        return mix(skin, color("#0b0d10"), _eyes(along, across))

    def _fins(self, along: Plane, across: Plane) -> Picture:
        angle = np.where(
            along > 0.85, across / np.maximum(along - 0.7, 0.05), (along - 0.1) / (np.abs(across) + 0.03)
        )
        rays = 0.86 + 0.14 * np.sin(angle * 34)
        orange = smoothstep(0.42, 0.6, self._sampled(self._patches, along, across))
        fins = mix(np.broadcast_to(_FIN, (*along.shape, 3)), _ORANGE, np.asarray(0.65 * orange, np.float32))
        return np.asarray(fins * rays[..., None], np.float32)

    def _sampled(self, pattern: Plane, along: Plane, across: Plane) -> Plane:
        x = np.asarray((along + 0.3) * self._GRID, np.float32)
        y = np.asarray((across + 0.5) * self._GRID + self._GRID / 2, np.float32)
        return np.asarray(
            cv2.remap(pattern, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32
        )


def _body_coordinates(pose: Pose, height: int, width: int) -> tuple[Plane, Plane]:
    """Return for each pixel how far along the fish it is (nose 0, root of the tail 1), and how far aside.

    The fish swims towards +x in its own frame; its spine is a wave that grows towards the tail.
    """
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = (x - pose.x) / pose.length, (y - pose.y) / pose.length
    c, s = math.cos(pose.heading), math.sin(pose.heading)
    along = np.asarray(0.5 - (x * c + y * s), np.float32)
    across = np.asarray(-x * s + y * c, np.float32)
    growing = 0.012 + 0.075 * np.clip(along, 0.0, 1.5) ** 2
    spine = growing * np.sin(4.6 * along - pose.swing)
    return along, np.asarray(across - spine, np.float32)


def _half_width(along: Plane) -> Plane:
    root = np.sqrt(np.clip(along, 0.0, None))
    fine = np.linspace(0.0, 1.2, 241)
    profile = np.interp(fine, _ROOT_ALONG, _HALF_WIDTH)
    # rounds the corners of the table; odd reflection keeps the ends where they are
    smooth = np.convolve(
        np.pad(profile, 10, mode="reflect", reflect_type="odd"), np.hanning(23)[1:-1] / 11, "valid"
    )
    return np.asarray(np.interp(root, fine, smooth), np.float32)


def _body(along: Plane, across: Plane) -> Plane:
    # ended at 1.06: where the width is nothing, the spine itself would still be half inside
    ends = np.minimum(along + 0.003, 1.06 - along)
    return np.asarray(np.minimum(_half_width(along) - np.abs(across), ends), np.float32)


def _tail(along: Plane, across: Plane) -> Plane:
    """A forked fan behind the body."""
    back = along - 0.93
    half = 0.022 + 0.42 * np.clip(back, 0.0, 1.0) - 0.28 * np.clip(back, 0.0, 1.0) ** 2
    end = 0.27 + 0.55 * np.abs(across) - 2.2 * across**2
    inside = np.minimum(np.minimum(half - np.abs(across), back), (end - back) * 0.8)
    return np.asarray(inside, np.float32)


def _side_fins(along: Plane, across: Plane, swing: float) -> Plane:
    """Two fins behind the gills that paddle, and two smaller ones further back."""
    paddle = 0.12 * math.sin(swing)
    fins = [
        _fin(along, across * side, at, root, reach, tilt + paddle * side)
        for side in (1.0, -1.0)
        for at, root, reach, tilt in ((0.27, 0.085, 0.165, 0.9), (0.62, 0.06, 0.085, 0.75))
    ]
    return np.asarray(np.max(np.stack(fins), axis=0), np.float32)


def _fin(along: Plane, aside: Plane, at: float, root: float, reach: float, tilt: float) -> Plane:
    """A leaf from its root on the flank, `reach` long, turned back by `tilt` from straight outwards."""
    x, y = along - at, aside - root
    out = y * math.cos(tilt) + x * math.sin(tilt)
    off = x * math.cos(tilt) - y * math.sin(tilt)
    t = np.clip(out / reach, 0.0, 1.0)
    half = reach * 0.46 * np.sqrt(t) * (1 - t**2.6) + 0.012
    return np.asarray(np.minimum(half - np.abs(off), np.minimum(out + 0.03, reach - out)) * 0.9, np.float32)


def _scales(along: Plane, across: Plane) -> Plane:
    """A net of scales behind the head."""
    u, v = along * 105, across * 105
    net = np.abs(np.sin((u + v) * 0.9) * np.sin((u - v) * 0.9))
    return np.asarray(1.0 - 0.16 * smoothstep(0.18, 0.3, along) * (1.0 - net) ** 3, np.float32)


def _ridge(along: Plane, across: Plane) -> Plane:
    """The folded back fin: a dark line on the spine."""
    line = (
        smoothstep(-0.011, -0.003, -np.abs(across))
        * smoothstep(0.33, 0.38, along)
        * smoothstep(-0.68, -0.6, -along)
    )
    return np.asarray(0.6 * line, np.float32)


def _eyes(along: Plane, across: Plane) -> Plane:
    distance = np.hypot(along - 0.068, np.abs(across) - 0.052)
    return smoothstep(-0.016, -0.010, -distance)
