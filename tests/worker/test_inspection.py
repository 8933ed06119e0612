"""Looking at an upload in a confined child: one request in, one answer out, whatever the upload is."""

import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from tests.worker.clips import box_mask, make_clip
from worker.confinement import Limits
from worker.errors import InputError, KilledError
from worker.inspection import inspect_upload
from worker.media import ClipLimits
from worker.nursery import Nursery

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {"pixels": 1920 * 1080, "frames": 1000, "seconds": 60}
ENOUGH = Limits(4 * 1024**3, cpu_seconds=60)


def open_path(path: str) -> BinaryIO:
    return Path(path).open("rb")


def answer(
    nursery: Nursery,
    video: Path,
    masks: Mapping[int, Path],
    limits: Limits = ENOUGH,
    *,
    distant: bool = False,
) -> dict[str, Any]:
    """What a child says of local files, given open or, as those of an object store are, read for it."""
    with ExitStack() as stack:
        files = [stack.enter_context(path.open("rb")) for path in (video, *masks.values())]
        about = {
            "sources": [
                {"bytes": Path(file.name).stat().st_size} if distant else {"file": number}
                for number, file in enumerate(files)
            ],
            "video": 0,
            "masks": {str(frame): number for number, frame in enumerate(masks, 1)},
            "limits": LIMITS,
        }
        descriptors = [] if distant else [file.fileno() for file in files]
        child = stack.enter_context(nursery.child("inspect", about, limits, files=descriptors))
        while True:
            said, _ = child.hear()
            if "done" in said:
                found: dict[str, Any] = said["done"]
                return found
            source, offset, size = said["read"]
            files[source].seek(offset)
            child.tell({}, files[source].read(size))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "a.mp4", audio="aac")


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "mask.png"
    path.write_bytes(box_mask())
    return path


@pytest.mark.parametrize("distant", [False, True])
def test_a_good_upload_is_described(nursery: Nursery, clip: Path, mask: Path, distant: bool) -> None:
    found = answer(nursery, clip, {0: mask, 11: mask}, distant=distant)
    assert found["objects"] == 1
    assert (found["clip"]["width"], found["clip"]["frames"]) == (64, 12)
    assert found["clip"]["audio"] == [{"codec": "aac", "sample_rate": 48_000, "channels": 2}]


@pytest.mark.parametrize("distant", [False, True])
def test_a_bad_upload_is_an_answer_and_no_crash(
    nursery: Nursery, clip: Path, mask: Path, distant: bool
) -> None:
    for video, picture, code in ((mask, mask, "clip_too_short"), (clip, clip, "mask_unreadable")):
        with pytest.raises(InputError) as error:
            answer(nursery, video, {0: picture}, distant=distant)
        assert error.value.code == code


def test_a_mask_for_a_frame_that_does_not_exist(clip: Path, mask: Path) -> None:
    with pytest.raises(InputError, match="the clip's frames are 0 to 11") as error:
        inspect_upload(open_path, str(clip), {0: str(mask), 12: str(mask)}, ClipLimits(**LIMITS))
    assert error.value.code == "mask_frame_out_of_range"


def test_masks_that_are_too_many_for_their_size_are_not_read(
    clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.inspection.MOST_MASK_PIXELS", 64 * 48 * 2)
    with pytest.raises(InputError, match="at most 2 masks") as error:
        inspect_upload(open_path, str(clip), dict.fromkeys(range(3), "nowhere"), ClipLimits(**LIMITS))
    assert error.value.code == "too_many_masks"


def test_a_huge_mask_file_is_not_read(nursery: Nursery, clip: Path, tmp_path: Path) -> None:
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(40 * 1024 * 1024)
    with pytest.raises(InputError, match="mask_too_large"):
        answer(nursery, clip, {0: huge})


def test_a_child_that_works_too_long_is_stopped(nursery: Nursery, tmp_path: Path, mask: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=30)
    with pytest.raises(KilledError, match="processor time"):
        answer(nursery, clip, {0: mask}, Limits(4 * 1024**3, cpu_seconds=0))


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "avi", "ts", "mpg", "flv", "ogv", "webm"])
def test_every_container_is_read_without_opening_another_file(
    nursery: Nursery, tmp_path: Path, mask: Path, suffix: str
) -> None:
    """What a library would load late must be there before the child is confined."""
    codec = {"mpg": "mpeg2video", "webm": "libvpx", "ogv": "libvpx", "avi": "mpeg4"}.get(suffix, "libx264")
    clip = make_clip(tmp_path / f"a.{suffix}", codec=codec, rate=25)
    assert answer(nursery, clip, {0: mask})["clip"]["frames"] == 12


def test_torch_is_not_loaded() -> None:
    code = "import sys, worker.confined_tasks; sys.exit('torch' in sys.modules or 'celery' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
