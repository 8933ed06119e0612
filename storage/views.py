"""The job as callers see it: one JSON shape for answers, event streams and webhooks."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from storage.jobs import Job
from storage.results import Result

# of `options.webhook`: never shown again once it was sent to us, or ours alone
HIDDEN_OPTIONS = ("secret", "base_url")


def job_view(
    job: Job, results: Sequence[Result], *, base_url: str, queue_position: int | None = None
) -> dict[str, Any]:
    """The public JSON of a job; result addresses start with `base_url` (no slash at its end)."""
    return {
        "id": job.id,
        "status": job.status.value,
        "stage": job.stage.value if job.stage else None,
        "progress": round(job.progress, 4),
        "eta_seconds": job.eta_seconds,
        "queue_position": queue_position,
        "attempt": job.attempt,
        "error": {"code": job.error_code, "detail": job.error_detail} if job.error_code else None,
        "created_at": _instant(job.created_at),
        "started_at": _instant(job.started_at),
        "finished_at": _instant(job.finished_at),
        "deadline_at": _instant(job.deadline_at),
        "expires_at": _instant(job.expires_at),
        "results": [
            {
                "name": result.name,
                "bytes": result.bytes,
                "sha256": result.sha256,
                "media_type": result.media_type,
                "url": f"{base_url}/v1/jobs/{job.id}/results/{result.name}",
            }
            for result in results
        ],
        "options": _without_secrets(job.options),
        "metadata": job.options.get("metadata", {}),
        "video": {"filename": job.video.filename, "bytes": job.video.bytes},
        "clip": job.clip,
        "objects": job.objects,
        "timings": job.timings,
        "cached": job.cached,
        "refines": job.refines,
        "annotated_frames": sorted(mask.frame or 0 for mask in job.masks),
    }


def _without_secrets(options: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in options.items() if name != "metadata"}
    webhook = shown.get("webhook")
    if webhook:
        shown["webhook"] = {name: value for name, value in webhook.items() if name not in HIDDEN_OPTIONS}
    return shown


def _instant(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None
