"""The child process of the API: one request in, one answer out, whatever the upload is."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.worker.clips import box_mask, make_clip
from worker.errors import InputError
from worker.inspection import inspect_upload, open_path
from worker.media import ClipLimits

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {"pixels": 1920 * 1080, "frames": 1000, "seconds": 60}


def ask(video: Path, masks: dict[str, Path], **more: object) -> subprocess.CompletedProcess[str]:
    request = {
        "store": None,
        "video": str(video),
        "masks": {frame: str(path) for frame, path in masks.items()},
        "limits": LIMITS,
        **more,
    }
    return subprocess.run(
        [sys.executable, "-m", "worker.inspection"],
        input=json.dumps(request),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def answer(video: Path, masks: dict[str, Path]) -> dict[str, Any]:
    run = ask(video, masks)
    assert run.stderr == ""
    assert run.returncode == 0
    found: dict[str, Any] = json.loads(run.stdout)
    return found


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_clip(tmp_path / "a.mp4", audio="aac")


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "mask.png"
    path.write_bytes(box_mask())
    return path


def test_a_good_upload_is_described(clip: Path, mask: Path) -> None:
    found = answer(clip, {"0": mask, "11": mask})["ok"]
    assert found["objects"] == 1
    assert (found["clip"]["width"], found["clip"]["frames"]) == (64, 12)
    assert found["clip"]["audio"] == [{"codec": "aac", "sample_rate": 48_000, "channels": 2}]


def test_a_bad_upload_is_an_answer_and_no_crash(clip: Path, mask: Path) -> None:
    assert answer(mask, {"0": mask})["error"]["code"] == "clip_too_short"
    assert answer(clip, {"0": clip})["error"]["code"] == "mask_unreadable"


def test_a_mask_for_a_frame_that_does_not_exist(clip: Path, mask: Path) -> None:
    with pytest.raises(InputError, match="the clip's frames are 0 to 11") as error:
        inspect_upload(open_path, str(clip), {0: str(mask), 12: str(mask)}, ClipLimits(**LIMITS))
    assert error.value.code == "mask_frame_out_of_range"


def test_a_huge_mask_file_is_not_read(clip: Path, tmp_path: Path) -> None:
    huge = tmp_path / "huge.png"
    with huge.open("wb") as file:
        file.truncate(40 * 1024 * 1024)
    with pytest.raises(InputError, match="mask_too_large"):
        inspect_upload(open_path, str(clip), {0: str(huge)}, ClipLimits(**LIMITS))


def test_the_upload_may_lie_in_an_object_store(clip: Path, mask: Path) -> None:
    run = ask(Path(clip.name), {"0": Path(mask.name)}, store=clip.parent.as_uri())
    assert json.loads(run.stdout)["ok"]["objects"] == 1


def test_what_is_our_failure_ends_the_process(tmp_path: Path, mask: Path) -> None:
    run = ask(tmp_path / "absent.mp4", {"0": mask})
    assert run.returncode != 0
    assert run.stdout == ""
    assert "FileNotFoundError" in run.stderr


def test_a_process_that_works_too_long_is_stopped(tmp_path: Path, mask: Path) -> None:
    clip = make_clip(tmp_path / "a.mkv", frames=30)
    assert ask(clip, {"0": mask}, cpu_seconds=0).returncode < 0


def test_torch_is_not_loaded() -> None:
    code = "import sys, worker.inspection; sys.exit('torch' in sys.modules or 'celery' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
