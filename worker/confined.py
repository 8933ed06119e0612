"""What a worker has confined children do for it: everything that reads a stranger's clip or masks.

Each function raises InputError where the file is at fault, also where it kills the child or takes more than it may.
"""

import functools
import math
import os
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from worker.channel import ChannelMisusedError
from worker.colors import Color
from worker.confinement import Limits
from worker.errors import InputError, KilledError
from worker.media import ClipFacts, ClipLimits, Frame, Kind
from worker.nursery import Nursery
from worker.progress import Report
from worker.settings import WorkerSettings

Labels = npt.NDArray[np.uint8]

# Raw pictures with alpha hold more than any codec makes of them; beside them, the sound and the container.
_RESULT_BYTES_PER_PIXEL: Final = 8
_RESULT_BYTES: Final = 64 * 1024**2

# What a poster cannot reach: raw, with its long side of 1280 pixels.
_MOST_POSTER_BYTES: Final = 1280 * 1280 * 3


@functools.lru_cache(maxsize=1)
def confined(settings: WorkerSettings) -> "Confined":
    """What this process has confined children with, made once."""
    return Confined(Nursery(), settings)


@dataclass(frozen=True)
class Videos:
    """What the second pass is to make of a clip and its masks."""

    files: Mapping[Path, Kind]
    poster: Path | None
    poster_frame: int
    colors: tuple[Color, ...]


class Confined:
    """Children from a nursery, within a worker's limits."""

    def __init__(self, nursery: Nursery, settings: WorkerSettings) -> None:
        self._nursery = nursery
        self._settings = settings

    def start(self) -> None:
        """Make the first child come as quickly as the later ones."""
        self._nursery.start()

    def inspect(self, clip: Path, mask: Path, limits: ClipLimits) -> ClipFacts:
        """What the clip is, once it and the mask of its first frame are seen to be usable."""
        about = {
            "sources": [{"file": 0}, {"file": 1}],
            "video": 0,
            "masks": {"0": 1},
            "limits": asdict(limits),
        }
        with _blaming("clip_unreadable", "The clip"), clip.open("rb") as one, mask.open("rb") as two:
            files = [one.fileno(), two.fileno()]
            with self._nursery.child("inspect", about, self._limits(), files=files) as child:
                said, _ = child.hear()
                with _distrusting():
                    return ClipFacts.from_json(said["done"]["clip"])

    def masks(
        self,
        pictures: Mapping[int, bytes],
        facts: ClipFacts,
        check: Callable[[], None],
        corrections: Collection[int] = (),
    ) -> tuple[dict[int, Labels], int]:
        """As `worker.masks.read_masks`: labels of each annotated frame, and the number of objects."""
        shape = (facts.height, facts.width)
        about = {
            "frames": sorted(pictures),
            "corrections": sorted(corrections),
            "size": [facts.width, facts.height],
        }
        limits = self._limits(pixels=facts.width * facts.height * len(pictures))
        found: dict[int, Labels] = {}
        with _blaming("mask_unreadable", "A mask"), self._nursery.child("masks", about, limits) as child:
            for frame in sorted(pictures):
                child.tell({}, pictures[frame])
            while True:
                said, data = child.hear(math.prod(shape), check)
                with _distrusting():
                    if "done" in said:
                        return found, int(said["done"]["objects"])
                    found[int(said["frame"])] = np.frombuffer(data, np.uint8).reshape(shape)

    def frames(
        self, clip: Path, facts: ClipFacts, check: Callable[[], None], only: Collection[int] | None = None
    ) -> Generator[Frame]:
        """As `worker.media.frames`: each frame of the clip, or those with these numbers; `check` may raise to stop."""
        about = {"only": None if only is None else sorted(only)}
        with (
            _blaming("clip_unreadable", "The clip"),
            clip.open("rb") as file,
            self._nursery.child(
                "pictures",
                about,
                self._limits(pixels=facts.frames * facts.width * facts.height),
                files=[file.fileno()],
                stall_seconds=self._settings.media_stall_seconds,
            ) as child,
        ):
            while True:
                said, data = child.hear(facts.width * facts.height * 3, check)
                if "done" in said:
                    return
                if data:
                    with _distrusting():
                        frame = _frame(said, data, facts)
                    yield frame
                else:
                    check()

    def make(
        self, clip: Path, masks: Path, facts: ClipFacts, wanted: Videos, report: Report
    ) -> dict[Kind, list[str]]:
        """The second pass, with its check; what became of the sound in each kind of video.

        The report is told of every frame, and may raise to stop. Raises MediaMismatch.
        """
        about = {
            "facts": asdict(facts),
            "kinds": [kind.value for kind in wanted.files.values()],
            "poster": wanted.poster is not None,
            "poster_frame": wanted.poster_frame,
            "colors": [list(color) for color in wanted.colors],
        }
        pixels = facts.frames * facts.width * facts.height
        limits = self._limits(
            pixels=pixels * max(1, len(wanted.files)),
            file_bytes=_RESULT_BYTES_PER_PIXEL * pixels + 2 * clip.stat().st_size + _RESULT_BYTES,
        )
        with ExitStack() as stack:
            stack.enter_context(_blaming("clip_unreadable", "The clip"))
            read = [stack.enter_context(path.open("rb")).fileno() for path in (clip, masks)]
            made = [stack.enter_context(_appearing(path)) for path in wanted.files]
            child = stack.enter_context(
                self._nursery.child(
                    "results",
                    about,
                    limits,
                    files=[*read, *made],
                    stall_seconds=self._settings.media_stall_seconds,
                )
            )
            while True:
                said, data = child.hear(_MOST_POSTER_BYTES, report.check)
                with _distrusting():
                    if "done" in said:
                        return {Kind(kind): list(sound) for kind, sound in said["done"]["audio"].items()}
                    done = None if "poster" in said else int(said["advance"])
                if done is not None:
                    report.advance(done)
                elif wanted.poster is not None:
                    wanted.poster.write_bytes(data)

    def _limits(self, pixels: int = 0, file_bytes: int = 0) -> Limits:
        settings = self._settings
        seconds = settings.media_cpu_seconds + settings.media_cpu_seconds_per_megapixel * pixels / 1e6
        return Limits(settings.media_memory_bytes, math.ceil(seconds), file_bytes)


def _frame(said: Mapping[str, Any], data: bytearray, facts: ClipFacts) -> Frame:
    pts, base = int(said["pts"]), Fraction(said["base"])
    return Frame(
        index=int(said["index"]),
        pts=pts,
        time_base=base,
        time_seconds=float(pts * base),
        image=np.frombuffer(data, np.uint8).reshape(facts.height, facts.width, 3),
        duration=int(said["lasts"]),
    )


@contextmanager
def _blaming(code: str, what: str) -> Iterator[None]:
    """What kills the child is the fault of the file that it read."""
    try:
        yield
    except KilledError as error:
        raise InputError(
            code, f"{what} {error.why}. Export it again, plainer or smaller, and retry."
        ) from error
    except ChannelMisusedError as error:
        raise InputError(code, f"{what} makes what reads it misbehave. Export it again and retry.") from error


@contextmanager
def _distrusting() -> Iterator[None]:
    """What a child says may be what a file made it say."""
    try:
        yield
    except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ChannelMisusedError(f"not what a child says: {error!r}") from error


@contextmanager
def _appearing(path: Path) -> Iterator[int]:
    """A descriptor of a file that gets its name if all goes well, and is gone if not."""
    unfinished = path.with_name(f".{path.name}.part")
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o666)
    try:
        yield descriptor
        unfinished.replace(path)
    finally:
        os.close(descriptor)
        unfinished.unlink(missing_ok=True)
