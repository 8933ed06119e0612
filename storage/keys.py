"""Where things lie in the object store, and what makes two jobs equal: content, never a name."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from storage.jobs import StoredFile

UPLOADS = "uploads"
RESULTS = "results"
NETWORKS = "networks"
INCOMING = "incoming"
LIVE = "live"


def upload_key(job_id: str, name: str) -> str:
    return f"{UPLOADS}/{job_id}/{name}"


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
) -> tuple[str, str]:
    """The SHA-256 (hex) that equal results share, and the one that equal fine-tuned networks share.

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
    asked_for = {
        "outputs": sorted(options["outputs"]),
        "overlay_color": options["overlay_color"],
    }
    return _digest(trained_on | asked_for), _digest(trained_on)


def _digest(content: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
