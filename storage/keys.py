"""Where things lie in the object store, and what makes two jobs equal: content, never a name."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from storage.jobs import CORRECTION, StoredFile

UPLOADS = "uploads"
RESULTS = "results"
NETWORKS = "networks"
INCOMING = "incoming"
LIVE = "live"


def upload_key(job_id: str, name: str) -> str:
    return f"{UPLOADS}/{job_id}/{name}"


def mask_key(job_id: str, frame: int, *, corrects: bool = False) -> str:
    """Where the mask of a frame lies; `corrects` as `StoredFile.corrects`."""
    return upload_key(job_id, f"{CORRECTION if corrects else 'mask_'}{frame:05d}")


def moved(file: StoredFile, job_id: str) -> str:
    """Where a copy of a job's file lies that another job has."""
    return upload_key(job_id, file.key.rsplit("/", 1)[-1])


def incoming_prefix(upload_id: str) -> str:
    """Where a file lies that came before its job."""
    return f"{INCOMING}/{upload_id}"


def incoming_key(upload_id: str) -> str:
    return f"{incoming_prefix(upload_id)}/file"


def part_key(upload_id: str, number: int) -> str:
    return f"{incoming_prefix(upload_id)}/parts/{number:05d}"


def attempt_prefix(job_id: str, attempt: int) -> str:
    """Each attempt writes beside the others, so that one that lost its job overwrites nothing."""
    return f"{RESULTS}/{job_id}/{attempt}"


def result_key(job_id: str, attempt: int, name: str) -> str:
    return f"{attempt_prefix(job_id, attempt)}/{name}"


def live_prefix(job_id: str, attempt: int) -> str:
    """Where pictures of a running attempt lie, until it ends."""
    return f"{attempt_prefix(job_id, attempt)}/{LIVE}"


def live_key(job_id: str, attempt: int, frame: int) -> str:
    """A frame's picture; keys sort as their frames do."""
    return f"{live_prefix(job_id, attempt)}/{frame:09d}.jpg"


def network_object_key(network_key: str) -> str:
    return f"{NETWORKS}/{network_key}.pth"


def job_of(key: str) -> str:
    """The job that an upload's or a result's key belongs to."""
    return key.split("/")[1]


def content_keys(
    owner: str,
    video: StoredFile,
    masks: Sequence[StoredFile],
    options: dict[str, Any],
    model_tag: str,
    starts_from: str | None = None,
) -> tuple[str, str]:
    """The SHA-256 (hex) that equal results share, and the one that equal fine-tuned networks share.

    `starts_from` is the key of the network that fine-tuning goes on from, where that is another job's.
    Nothing is shared between owners: an answer that comes at once would tell one what another has sent.
    """
    trained_on: dict[str, Any] = {
        "owner": owner,
        "video": video.sha256,
        "masks": sorted((mask.frame, mask.sha256) for mask in masks),
        "preset": options["preset"],
        "segmenter": options.get("segmenter", "auto"),
        # a network whose training was cut short must not serve a job that gives it its time
        "budget_seconds": options.get("budget_seconds"),
        "seed": options["seed"],
        "model": model_tag,
    }
    if starts_from is not None:
        trained_on["starts_from"] = starts_from
        trained_on["corrections"] = sorted(mask.frame or 0 for mask in masks if mask.corrects)
    asked_for = {
        "outputs": sorted(options["outputs"]),
        "overlay_color": options["overlay_color"],
    }
    return _digest(trained_on | asked_for), _digest(trained_on)


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
