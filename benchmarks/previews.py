"""What previews cost: `python -m benchmarks.previews CLIP MASK`.

Live pictures: the seconds of segmenting with and without them, in turn, and what their thread took. `preview.mp4`
beside `overlay.mp4`: for a frame of the clip's size, and of 1080p, to which the clip is enlarged. Processor seconds are
of all threads of this process (encoders included, decoding not), so that other processes change little of them.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.profile import Stages
from storage.jobs import Stage
from storage.objects import Objects
from worker import live, media, pipeline
from worker.__main__ import NO_LIMITS
from worker.archive import MaskReader
from worker.confined import confined
from worker.live import LivePictures
from worker.masks import read_masks
from worker.media import ClipFacts, Frame, Kind, VideoWriter, half_size
from worker.pipeline import Order
from worker.render import live_picture, overlay, stacked
from worker.settings import WorkerSettings
from worker.tuning import machine_of, warm_up

Pixels = npt.NDArray[np.uint8]
Paint = Callable[[Pixels, Pixels], Pixels]

COLORS: Final = ((30, 144, 255),)
LARGE: Final = (1920, 1080)


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and of processors."""

    wall: float
    processor: float


class ThreadClock:
    """Processor seconds of the thread that asks; and how many passed between each first and second reading."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._began: float | None = None

    def __call__(self) -> float:
        now = time.thread_time()
        if self._began is None:
            self._began = now
        else:
            self.seconds += now - self._began
            self._began = None
        return now


def main(argv: Sequence[str] | None = None) -> int:
    asked = _arguments(argv)
    facts = media.inspect(asked.clip, NO_LIMITS)
    annotated, objects = read_masks({0: asked.mask.read_bytes()}, (facts.width, facts.height))
    order = Order(
        asked.clip, facts, annotated, objects, "fast", frozenset({pipeline.MASKS}), COLORS[0], seed=0
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _compare_segmenting(order, folder, asked.repeats)
        _compare_videos(asked.clip, facts, folder)
    return 0


def _compare_segmenting(order: Order, folder: Path, repeats: int) -> None:
    """The same clip with the same network, watched and not, in turn."""
    warm_up(machine_of(WorkerSettings()))
    _segment(order, folder, None)  # makes the network that the others use
    spent: dict[bool, list[Spent]] = {False: [], True: []}
    for turn in range(2 * repeats):
        watched = turn % 2 == 1
        objects = Objects(f"file://{folder / f'objects-{turn}'}") if watched else None
        spent[watched].append(_segment(order, folder, objects))
    if not repeats:
        return
    print(f"segmenting, {order.facts.frames} frames, {repeats} times each, median")
    for watched, found in spent.items():
        wall, processor = (
            statistics.median(getattr(one, name) for one in found) for name in ("wall", "processor")
        )
        print(f"  {'with' if watched else 'without'} pictures {wall:.2f} s, processor {processor:.2f} s")


def _segment(order: Order, folder: Path, objects: Objects | None) -> Spent:
    began: dict[Stage, float] = {}

    class Watch(Stages):
        def begin(self, stage: Stage) -> None:
            super().begin(stage)
            began[stage] = time.process_time()

    stages, clock = Watch(), ThreadClock()
    pictures = (
        LivePictures(objects, "job", 1, frames=order.facts.frames, colors=COLORS, clock=clock)
        if objects
        else nullcontext(None)
    )
    with pictures as watching:
        show = watching.show if watching else pipeline.to_nobody
        pipeline.run(
            order, folder, machine_of(WorkerSettings()), confined(WorkerSettings()), stages, show=show
        )
    stages.end()
    if objects:
        stored = len(list(objects.list("results")))
        wall = stages.seconds[Stage.SEGMENTING]
        print(f"{stored} pictures took {clock.seconds:.2f} processor seconds in {wall:.1f} s", flush=True)
    return Spent(stages.seconds[Stage.SEGMENTING], began[Stage.ENCODING] - began[Stage.SEGMENTING])


def _compare_videos(clip: Path, facts: ClipFacts, folder: Path) -> None:
    for width, height in ((facts.width, facts.height), LARGE):
        large = replace(facts, width=width, height=height)
        frames = list(_frames(clip, folder / pipeline.MASKS, (width, height)))
        half = half_size(width, height)
        print(f"{len(frames)} frames of {width}x{height}, a frame:")
        for kind, paint in (
            (Kind.OVERLAY, lambda image, labels: overlay(image, labels, COLORS)),
            (Kind.PREVIEW, lambda image, labels, half=half: stacked(image, labels, COLORS, half)),
        ):
            _encode(folder / "result.mp4", kind, large, frames, paint)
        _paint_live(frames)


def _paint_live(frames: Sequence[tuple[Frame, Pixels]]) -> None:
    spent = _spent(lambda: [live_picture(frame.image, labels, COLORS) for frame, labels in frames])
    share = spent.processor / len(frames) / live.SHARE_OF_A_CORE
    print(f"  live picture  {_a_frame(spent, frames)}: one every {max(0.2, share):.2f} s")


def _frames(clip: Path, masks: Path, size: tuple[int, int]) -> Iterator[tuple[Frame, Pixels]]:
    with MaskReader(masks) as reader:
        for frame, labels in zip(media.frames(clip), reader, strict=True):
            image = cv2.resize(frame.image, size, interpolation=cv2.INTER_CUBIC).astype(np.uint8)
            resized = cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT).astype(np.uint8)
            yield replace(frame, image=image), resized


def _encode(
    path: Path, kind: Kind, facts: ClipFacts, frames: Sequence[tuple[Frame, Pixels]], paint: Paint
) -> None:
    def write() -> None:
        with VideoWriter(path, kind, facts) as writer:
            for frame, labels in frames:
                writer.write(replace(frame, image=paint(frame.image, labels)))

    painting = _spent(lambda: [paint(frame.image, labels) for frame, labels in frames])
    whole = _spent(write)
    size = path.stat().st_size / len(frames) / 1024
    print(
        f"  {kind.value:13s} {_a_frame(whole, frames)}, of which painting {_a_frame(painting, frames)}; {size:.1f} KiB"
    )


def _spent(work: Callable[[], object]) -> Spent:
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - processor)


def _a_frame(spent: Spent, frames: Sequence[object]) -> str:
    return (
        f"{1000 * spent.wall / len(frames):.1f} ms (processor {1000 * spent.processor / len(frames):.1f} ms)"
    )


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.previews", description=__doc__)
    parser.add_argument("clip", type=Path)
    parser.add_argument("mask", type=Path)
    parser.add_argument("--repeats", type=int, default=5)
    return parser.parse_args(argv)


if __name__ == "__main__":
    raise SystemExit(main())
