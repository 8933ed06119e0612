"""Has an upload looked at by a child process, so that no stranger's media is decoded in this one."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from api.dependencies import Services
from api.errors import unprocessable
from storage.jobs import StoredFile

log = structlog.get_logger(__name__)

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Inspected:
    """What the child found: facts of the clip, and how many objects the masks show."""

    clip: dict[str, Any]
    objects: int


async def inspect(given: Services, video: StoredFile, masks: tuple[StoredFile, ...]) -> Inspected:
    """Facts of a good upload; ApiError with the child's own code and sentence for a bad one."""
    settings = given.settings
    asked = {
        "store": given.objects_address,
        "video": video.key,
        "masks": {str(mask.frame): mask.key for mask in masks},
        "limits": {
            "pixels": settings.max_pixels,
            "frames": settings.max_frames,
            "seconds": settings.max_seconds,
        },
        "cpu_seconds": int(settings.inspection_timeout_seconds),
    }
    async with given.inspections:
        answer = await _ask_child(asked, settings.inspection_timeout_seconds)
    if "error" in answer:
        raise unprocessable(answer["error"]["code"], answer["error"]["detail"])
    return Inspected(answer["ok"]["clip"], answer["ok"]["objects"])


async def _ask_child(asked: Mapping[str, Any], timeout_seconds: float) -> Mapping[str, Any]:
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "worker.inspection",
        cwd=ROOT,
        # a pool of threads maps memory for each, and this child may have little
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(timeout_seconds):
            said, complained = await child.communicate(json.dumps(asked).encode())
    except TimeoutError as error:
        raise unprocessable(
            "clip_unreadable",
            f"Looking at the clip took more than {timeout_seconds:.0f} s. Export it again as a plain H.264 MP4.",
        ) from error
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode != 0:
        return _of_a_crash(child.returncode, complained)
    found: Mapping[str, Any] = json.loads(said)
    return found


def _of_a_crash(exit_code: int | None, complained: bytes) -> Mapping[str, Any]:
    """A child killed by a signal was killed by the file; one that raised shows a bug of ours."""
    words = complained.decode(errors="replace")[-2000:]
    log.error("inspection failed", exit_code=exit_code, stderr=words)
    if exit_code is not None and exit_code < 0:
        detail = "The clip or a mask could not be read within the limits. Export it again and retry."
        return {"error": {"code": "clip_unreadable", "detail": detail}}
    raise RuntimeError(f"inspection exited with {exit_code}: {words[-300:]}")
