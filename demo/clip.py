"""Renders a short clip of a koi in a pond, and its exact masks; run as `python -m demo.clip FOLDER`."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from demo import pond
from demo.koi import Koi, Pose
from demo.texture import Picture, Plane, color, mix

Frame = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]

# DAVIS draws its first object in this red; viewers show the masks in colour.
_PALETTE = (0, 0, 0, 128, 0, 0)
_MARGIN = 48  # of the pond around the frame, for the camera to move in
_SENSOR_NOISE = 2.5  # standard deviation in grey levels


@dataclass(frozen=True)
class Scene:
    """What is rendered: the size in pixels, the number of frames and their rate; the seed fixes the rest."""

    seed: int = 4
    width: int = 480
    height: int = 270
    frames: int = 72
    rate: int = 24


@dataclass(frozen=True)
class Rendered:
    """Where a clip and its truth lie: `masks` is a folder of `00000.png` and so on."""

    clip: Path
    mask: Path
    masks: Path


def render(scene: Scene) -> Iterator[tuple[Frame, Mask]]:
    """Yield each frame, (H, W, 3) uint8 RGB, with the (H, W) mask of the fish in it."""
    rng = np.random.default_rng(scene.seed)
    ground = _ground(rng, scene)
    light = pond.Sunlight.over(rng, scene.height, scene.width)
    fish = Koi(rng)
    for index, pose in enumerate(_path(rng, scene)):
        seen = fish.drawn(pose, scene.height, scene.width)
        background = _camera(ground, scene, index / max(scene.frames - 1, 1))
        background = background * (1 - 0.55 * _shadow(seen.cover, pose.length))[..., None]
        net = light.at(index / scene.rate, scene.height, scene.width)
        picture = mix(pond.lit(background, net), pond.lit(seen.picture, 0.6 * net), seen.cover)
        yield _developed(rng, picture), seen.inside > 0


def _ground(rng: np.random.Generator, scene: Scene) -> Picture:
    height, width = scene.height + 2 * _MARGIN, scene.width + 2 * _MARGIN
    unit = scene.height / 270
    pads = [
        pond.Pad(width - 92 * unit, height - 70 * unit, 56 * unit, 3.6),
        pond.Pad(width - 26 * unit, height - 128 * unit, 34 * unit, 2.4),
        pond.Pad(96 * unit, 64 * unit, 46 * unit, 0.9),
    ]
    return pond.lily_pads(rng, pond.bed(rng, height, width), pads)


def _path(rng: np.random.Generator, scene: Scene) -> Iterator[Pose]:
    """The fish swims to the right in a gentle bend, and rises: it turns and grows a little."""
    unit = scene.height / 270
    x, y = 148.0 * unit, 160.0 * unit
    phase = rng.uniform(0, 2 * math.pi)
    for index in range(scene.frames):
        done, seconds = index / max(scene.frames - 1, 1), index / scene.rate
        heading = 0.16 - 0.62 * done + 0.05 * math.sin(5.5 * seconds + phase)
        yield Pose(x, y, unit * (172 + 34 * done), heading, 5.5 * seconds + phase)
        speed = unit * 58 / scene.rate
        x, y = x + speed * math.cos(heading), y + speed * math.sin(heading)


def _camera(ground: Picture, scene: Scene, done: float) -> Picture:
    """Cut the frame out of the pond; the camera follows the fish a little."""
    matrix = np.array(
        [[1, 0, -_MARGIN * (0.7 + 0.6 * done)], [0, 1, -_MARGIN * (1.1 - 0.3 * done)]], np.float32
    )
    cut = cv2.warpAffine(ground, matrix, (scene.width, scene.height), flags=cv2.INTER_LINEAR)
    return np.asarray(cut, np.float32)


def _shadow(cover: Plane, length: float) -> Plane:
    """The fish's shadow on the ground: lower right, and soft."""
    matrix = np.array([[1, 0, 0.10 * length], [0, 1, 0.15 * length]], np.float32)
    moved = cv2.warpAffine(cover, matrix, (cover.shape[1], cover.shape[0]))
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), 0.035 * length), np.float32)


def _developed(rng: np.random.Generator, picture: Picture) -> Frame:
    """Add what a camera adds: darker corners and noise."""
    height, width = picture.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    picture = mix(picture, color("#04262b"), np.asarray(0.28 * (x**2 + y**2) ** 1.5 / 2.0, np.float32))
    grain = rng.standard_normal(picture.shape, dtype=np.float32) * np.float32(_SENSOR_NOISE)
    return np.asarray(np.clip(picture * 255 + grain, 0, 255), np.uint8)


def write(scene: Scene, folder: Path) -> Rendered:
    """Render a scene into `clip.mp4` (H.264), `mask.png` and `truth/00000.png` … in a folder."""
    rendered = Rendered(folder / "clip.mp4", folder / "mask.png", folder / "truth")
    rendered.masks.mkdir(parents=True, exist_ok=True)

    def frames() -> Iterator[Frame]:
        for index, (frame, mask) in enumerate(render(scene)):
            write_mask(rendered.masks / f"{index:05d}.png", mask)
            if index == 0:
                write_mask(rendered.mask, mask)
            yield frame

    encode(rendered.clip, frames(), scene)
    return rendered


def write_mask(path: Path, mask: Mask) -> None:
    """Write an indexed PNG: 0 is background, 1 the object."""
    image = Image.fromarray(mask.astype(np.uint8), mode="P")
    image.putpalette(_PALETTE)
    image.save(path, optimize=True)


def encode(path: Path, frames: Iterable[Frame], scene: Scene) -> None:
    """Write H.264 with BT.709 colours; the same frames give the same bytes."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", rate=scene.rate, options={"crf": "15", "preset": "medium"})
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        _tag_bt709(stream.codec_context)
        stream.codec_context.time_base = Fraction(1, scene.rate)
        stream.codec_context.thread_count = 1  # x264's choices depend on the number of its threads
        for index, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format="yuv420p", dst_colorspace="ITU709"
            )
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def _tag_bt709(codec: av.VideoCodecContext) -> None:
    """Say how the colours are coded; players guess where nothing is said."""
    codec.color_primaries, codec.color_trc, codec.colorspace = 1, 1, 1  # BT.709 in ISO/IEC 23091-2
    codec.color_range = 1  # limited


if __name__ == "__main__":
    print(write(Scene(), Path(sys.argv[1])).clip)
