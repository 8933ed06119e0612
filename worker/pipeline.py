"""From a clip and its annotated frames to the results, on local files: fine-tune, segment, encode, check.

The clip is read twice, by confined children. The first pass segments and keeps the masks on disk; the second makes what
people look at. Both are streams: memory does not grow with the clip's length.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from model.frames import AnnotatedFrame
from model.passage import passed, steps_back
from model.segmentation import Segmentation
from model.segmenters import Machine, Segmenter, Session, segmenter
from storage.jobs import Stage
from worker import tuning
from worker.archive import MaskArchive, RleWriter
from worker.budget import Budget
from worker.colors import Color, overlay_colors
from worker.confined import Confined, Videos
from worker.estimate import Work
from worker.media import ClipFacts, Frame, Kind
from worker.prefetch import prefetched
from worker.progress import Report
from worker.tracks import TrackCsv, TrackJson, TrackPoint, measure

Labels = npt.NDArray[np.uint8]

Show = Callable[[int, npt.NDArray[np.uint8], Labels], None]
"""Is given a frame's number, its picture (H, W, 3) and its labels."""

NETWORK = "network.pth"
START = "start.pth"
MASKS = "masks.zip"
POSTER = "poster.jpg"
VIDEOS: Mapping[str, Kind] = {
    "overlay.mp4": Kind.OVERLAY,
    "preview.mp4": Kind.PREVIEW,
    "alpha.mov": Kind.ALPHA_MOV,
    "alpha.webm": Kind.ALPHA_WEBM,
}

# First guesses for the ETA, in seconds a frame of 480p on 2 cores; a job measures its own.
ENCODING_SECONDS = {"overlay.mp4": 0.05, "preview.mp4": 0.04, "alpha.mov": 0.15, "alpha.webm": 0.4}
STORING_SECONDS = 0.5


@dataclass(frozen=True)
class Order:
    """What is asked: a clip, labels (H, W) uint8 of its annotated frames, how, and which results."""

    video: Path
    facts: ClipFacts
    annotated: Mapping[int, Labels]
    objects: int
    preset: str
    outputs: frozenset[str]
    overlay_color: Color
    seed: int
    segmenter: str = "auto"
    budget_seconds: float | None = None
    refines: str | None = None
    """The job that this one corrects, whose network `start.pth` is looked for in the folder."""


@dataclass(frozen=True)
class Made:
    """What the pipeline made: result files by their public names, and what the manifest should say of them."""

    files: dict[str, Path]
    network: Path
    model: Mapping[str, str | int | float | bool | None]
    audio: dict[str, list[str]]


def to_nobody(_frame: int, _image: npt.NDArray[np.uint8], _labels: Labels) -> None:
    """Nobody watches."""


def run(
    order: Order, folder: Path, machine: Machine, media: Confined, report: Report, show: Show = to_nobody
) -> Made:
    """Make every result in `folder`. A network already there, as `network.pth`, is used, not trained again.

    `show` is given each frame as it is segmented, and must neither wait nor change it.
    """
    method = segmenter(order.segmenter, order.preset, machine)
    work = _plan(order, method)
    report.plan(work)
    report.begin(Stage.FINE_TUNING)
    annotated = list(_annotated_frames(order, media, report))
    learnt, reused = tuning.obtain(
        folder / NETWORK,
        annotated,
        method=method,
        objects=order.objects,
        seed=order.seed,
        budget=_budget(order, work),
        report=report,
        start=folder / START if order.refines else None,
    )
    report.begin(Stage.SEGMENTING)
    session = method.session(learnt, annotated, objects=order.objects)
    poster_frame = _segment(order, folder, session, media, report, show)
    report.begin(Stage.ENCODING)
    audio = _encode(order, folder, poster_frame, media, report)
    files = {name: folder / name for name in sorted(order.outputs)}
    model = dict(method.description) | {"steps": learnt.steps, "reused": reused}
    return Made(files, folder / NETWORK, model | {"started_from": learnt.started_from}, audio)


def _plan(order: Order, method: Segmenter) -> dict[Stage, Work]:
    frames = order.facts.frames
    encoding = sum(ENCODING_SECONDS.get(name, 0.0) for name in order.outputs)
    return {
        Stage.FINE_TUNING: Work(method.steps, method.seconds_per_step),
        Stage.SEGMENTING: Work(frames + steps_back(order.annotated), method.seconds_per_frame),
        Stage.ENCODING: Work(frames, encoding),
        Stage.STORING: Work(1, STORING_SECONDS),
    }


def _budget(order: Order, work: Mapping[Stage, Work]) -> Budget:
    later = (work[stage] for stage in (Stage.SEGMENTING, Stage.ENCODING))
    return Budget(
        order.budget_seconds,
        step_seconds=work[Stage.FINE_TUNING].seconds_per_unit,
        later_seconds=sum(stage.units * stage.seconds_per_unit for stage in later),
    )


def _annotated_frames(order: Order, media: Confined, report: Report) -> Iterator[AnnotatedFrame]:
    """The annotated frames with their pictures, in the clip's order."""
    for frame in media.frames(order.video, order.facts, report.check, only=order.annotated.keys()):
        yield AnnotatedFrame(frame.image, order.annotated[frame.index])


def _segment(
    order: Order, folder: Path, session: Session, media: Confined, report: Report, show: Show
) -> int:
    """First pass: every frame's masks, and what is written of them. Returns the frame that shows most."""
    best, best_frame = -1.0, 0
    with ExitStack() as stack:
        sinks = Sinks(order, folder, stack)
        pictures = stack.enter_context(closing(media.frames(order.video, order.facts, report.check)))
        frames = stack.enter_context(closing(prefetched(pictures)))
        for frame, found in passed(frames, order.annotated, session, report.check):
            points = sinks.add(found, frame)
            show(frame.index, frame.image, found.labels)
            shown = sum(point.area * point.confidence for point in points)
            if shown > best:
                best, best_frame = shown, frame.index
            report.advance(frame.index + 1)
    return best_frame


class Sinks:
    """The files that grow while frames are segmented."""

    def __init__(self, order: Order, folder: Path, stack: ExitStack) -> None:
        facts = order.facts
        self._objects = order.objects
        self._masks = stack.enter_context(MaskArchive(folder / MASKS, facts.frames))
        self._rle = self._track_json = self._track_csv = None
        if "rle.json" in order.outputs:
            writer = RleWriter(folder / "rle.json", facts.width, facts.height, order.objects, facts.frames)
            self._rle = stack.enter_context(writer)
        if "track.json" in order.outputs:
            track = TrackJson(folder / "track.json", facts.width, facts.height, order.objects)
            self._track_json = stack.enter_context(track)
        if "track.csv" in order.outputs:
            self._track_csv = stack.enter_context(TrackCsv(folder / "track.csv"))

    def add(self, found: Segmentation, frame: Frame) -> list[TrackPoint]:
        points = measure(found.labels, self._objects, found.confidence, frame.index, frame.time_seconds)
        self._masks.add(found.labels)
        if self._rle:
            self._rle.add(found.labels, frame.time_seconds)
        if self._track_json:
            self._track_json.add(points)
        if self._track_csv:
            self._track_csv.add(points)
        return points


def _encode(
    order: Order, folder: Path, poster_frame: int, media: Confined, report: Report
) -> dict[str, list[str]]:
    """Second pass: the videos and the poster, and the check that the clip has survived in them.

    Returns what became of the sound in each video.
    """
    names = {kind: name for name, kind in VIDEOS.items() if name in order.outputs}
    wanted = Videos(
        files={folder / name: kind for kind, name in names.items()},
        poster=folder / POSTER if POSTER in order.outputs else None,
        poster_frame=poster_frame,
        colors=overlay_colors(order.overlay_color, order.objects),
    )
    audio = media.make(order.video, folder / MASKS, order.facts, wanted, report)
    return {names[kind]: sound for kind, sound in audio.items()}
