"""What a worker gets from confined children is what it would get by itself; what kills them is a job's own error."""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from storage.jobs import Stage
from tests.worker.clips import box, box_mask, damage, make_clip
from worker import media
from worker.archive import MaskArchive
from worker.confined import Confined, Videos
from worker.errors import CanceledError, InputError
from worker.estimate import Work
from worker.masks import read_masks
from worker.media import ClipFacts, ClipLimits, Kind, MediaMismatch
from worker.nursery import Nursery
from worker.pipeline import VIDEOS
from worker.settings import WorkerSettings

LIMITS = ClipLimits(pixels=2**31, frames=2**31, seconds=1e6)
COLORS = ((30, 144, 255),)


class Watched:
    """A report that keeps how far the work has come, and may stop it."""

    def __init__(self, stop_after: float = float("inf")) -> None:
        self.done: list[float] = []
        self._stop_after = stop_after

    def plan(self, work: dict[Stage, Work]) -> None: ...

    def begin(self, stage: Stage) -> None: ...

    def advance(self, done: float) -> None:
        self.done.append(done)
        self.check()

    def check(self) -> None:
        if self.done and self.done[-1] >= self._stop_after:
            raise CanceledError


@pytest.fixture(scope="module")
def killing() -> Iterator[Nursery]:
    """Children whom certain files kill."""
    with Nursery("tests.worker.killing") as nursery:
        nursery.start()
        yield nursery


@pytest.fixture
def confined(nursery: Nursery) -> Confined:
    return Confined(nursery, WorkerSettings())


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "a.mp4", audio="aac", rotation=90)


@pytest.fixture
def facts(clip: Path) -> ClipFacts:
    return media.inspect(clip, LIMITS)


@pytest.fixture
def masks(tmp_path: Path, facts: ClipFacts) -> Path:
    path = tmp_path / "masks.zip"
    with MaskArchive(path, facts.frames) as archive:
        for index in range(facts.frames):
            archive.add(np.rot90(box(index) // 255))
    return path


def videos(folder: Path) -> Videos:
    files = {folder / name: kind for name, kind in VIDEOS.items()}
    return Videos(files, folder / "poster.jpg", poster_frame=3, colors=COLORS)


def nothing() -> None:
    """Nobody stops it."""


def test_frames_are_those_that_are_decoded_here(confined: Confined, clip: Path, facts: ClipFacts) -> None:
    wanted = list(media.frames(clip))
    found = list(confined.frames(clip, facts, nothing))
    assert len(found) == len(wanted) == 12
    for one, other in zip(found, wanted, strict=True):
        assert (one.index, one.pts, one.time_base) == (other.index, other.pts, other.time_base)
        assert (one.time_seconds, one.duration) == (other.time_seconds, other.duration)
        assert np.array_equal(one.image, other.image)


def test_only_the_frames_that_are_wanted_come(confined: Confined, clip: Path, facts: ClipFacts) -> None:
    assert [frame.index for frame in confined.frames(clip, facts, nothing, only=[7, 2])] == [2, 7]


def test_masks_are_those_that_are_read_here(confined: Confined, facts: ClipFacts) -> None:
    pictures = {frame: box_mask(frame, (48, 64)) for frame in (0, 5)}
    labels, count = confined.masks(pictures, facts, nothing)
    wanted, _ = read_masks(pictures, (48, 64))
    assert count == 1
    assert labels.keys() == wanted.keys()
    assert all(np.array_equal(labels[frame], wanted[frame]) for frame in wanted)


def test_a_clip_and_a_mask_are_inspected(confined: Confined, clip: Path, tmp_path: Path) -> None:
    mask = tmp_path / "mask.png"
    mask.write_bytes(box_mask(0, (48, 64)))
    assert confined.inspect(clip, mask, LIMITS) == media.inspect(clip, LIMITS)


def test_results_are_made_checked_and_reported_frame_by_frame(
    confined: Confined, clip: Path, facts: ClipFacts, masks: Path, tmp_path: Path
) -> None:
    report, folder = Watched(), tmp_path / "out"
    folder.mkdir()
    audio = confined.make(clip, masks, facts, videos(folder), report)
    assert {kind: list(map(str, sound)) for kind, sound in audio.items()} == {
        Kind.OVERLAY: ["copied"],
        Kind.PREVIEW: ["copied"],
        Kind.ALPHA_MOV: ["copied"],
        Kind.ALPHA_WEBM: ["transcoded"],
    }
    assert report.done == [*range(1, 13), 12, 12, 12, 12]
    for path, kind in videos(folder).files.items():
        media.compare(clip, path, facts, kind)
    assert (folder / "poster.jpg").read_bytes().startswith(b"\xff\xd8")
    assert len(list(folder.iterdir())) == 5
    half = folder / "preview.mp4"
    for index, frame in enumerate(media.frames(half)):
        mask = np.rot90(box(index)) > 0
        found = np.abs(frame.image[64:].astype(int) - COLORS[0]).max(axis=2) < 40
        assert (found & mask).sum() > 0.8 * (found | mask).sum()


def test_a_result_that_does_not_match_its_clip_is_our_failure(
    confined: Confined, clip: Path, facts: ClipFacts, tmp_path: Path
) -> None:
    with MaskArchive(tmp_path / "few.zip", 12) as archive:
        archive.add(np.zeros((64, 48), np.uint8))
    with pytest.raises(MediaMismatch, match="12 frames in, 1 masks out"):
        confined.make(clip, tmp_path / "few.zip", facts, videos(tmp_path), Watched())


def test_damage_is_told_with_its_place_as_it_is_here(confined: Confined, tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "b.mp4", frames=60, size=(320, 240), options={"crf": "10"})
    facts = media.inspect(clip, LIMITS)
    with pytest.raises(InputError) as wanted:
        list(media.frames(damage(clip, 0.5, 2000)))
    with pytest.raises(InputError) as found:
        list(confined.frames(clip, facts, nothing))
    assert (found.value.code, found.value.detail) == (wanted.value.code, wanted.value.detail)


@pytest.mark.parametrize(
    ("word", "limits"),
    [
        (b"CRASH", {}),
        (b"NEVER", {"media_cpu_seconds": 1, "media_cpu_seconds_per_megapixel": 0}),
        (b"SLEEP", {"media_stall_seconds": 0.3}),
    ],
)
def test_a_clip_that_kills_its_child_fails_its_own_job_alone(
    killing: Nursery,
    clip: Path,
    facts: ClipFacts,
    masks: Path,
    tmp_path: Path,
    word: bytes,
    limits: dict[str, float],
) -> None:
    hurried = Confined(killing, WorkerSettings(**limits))  # type: ignore[arg-type]  # by their names
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(word + bytes(1000))
    with pytest.raises(InputError) as decoding:
        list(hurried.frames(bad, facts, nothing))
    with pytest.raises(InputError) as encoding:
        hurried.make(bad, masks, facts, videos(tmp_path), Watched())
    assert decoding.value.code == encoding.value.code == "clip_unreadable"
    assert not list(tmp_path.glob("*.webm")) + list(tmp_path.glob(".*"))
    assert len(list(Confined(killing, WorkerSettings()).frames(clip, facts, nothing))) == 12


def test_results_that_would_grow_without_end_are_stopped(
    nursery: Nursery,
    clip: Path,
    facts: ClipFacts,
    masks: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("worker.confined._RESULT_BYTES", 4000 - 2 * clip.stat().st_size)
    monkeypatch.setattr("worker.confined._RESULT_BYTES_PER_PIXEL", 0)
    with pytest.raises(InputError, match="larger result"):
        Confined(nursery, WorkerSettings()).make(clip, masks, facts, videos(tmp_path), Watched())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "masks.zip"]


def test_work_stops_at_the_next_word_to_its_report(
    confined: Confined, clip: Path, facts: ClipFacts, masks: Path, tmp_path: Path
) -> None:
    with pytest.raises(CanceledError):
        confined.make(clip, masks, facts, videos(tmp_path), Watched(stop_after=2))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "masks.zip"]


def test_work_stops_while_its_child_says_nothing(killing: Nursery, facts: ClipFacts, tmp_path: Path) -> None:
    bad, report, began = tmp_path / "bad.mp4", Watched(stop_after=1), time.monotonic()
    bad.write_bytes(b"SLEEP")
    report.done.append(1)
    with pytest.raises(CanceledError):
        list(Confined(killing, WorkerSettings()).frames(bad, facts, report.check))
    assert time.monotonic() - began < 5


def test_whoever_stops_early_leaves_no_file_open(confined: Confined, clip: Path, facts: ClipFacts) -> None:
    before = len(list(Path("/dev/fd").iterdir()))
    frames = confined.frames(clip, facts, nothing)
    next(frames)
    frames.close()
    assert len(list(Path("/dev/fd").iterdir())) == before
