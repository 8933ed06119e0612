"""Liveness, which asks nobody, and readiness, which asks everything the API stands on."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api import metrics
from api.dependencies import Given
from api.errors import MEDIA_TYPE, problem
from storage import workers

log = structlog.get_logger(__name__)

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The process answers; restart it when it does not."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Something the API stands on does not answer."}})
def readyz(request: Request, given: Given) -> Any:
    """The database, the object store and the broker answer: send requests here.

    `workers` says which tier of the network runs where. There may be none: jobs wait for them.
    """
    checks: dict[str, Callable[[], None]] = {
        "database": given.database.check,
        "objects": given.objects.check,
        "broker": given.check_broker,
    }
    failed = [name for name, check in checks.items() if not _holds(name, check)]
    states = {name: "failed" if name in failed else "ok" for name in checks}
    if not failed:
        groups = [asdict(group) for group in workers.present(given.database)]
        return {"status": "ok", "checks": states, "workers": groups}
    detail = f"Not ready: {', '.join(failed)} cannot be reached."
    body = problem(503, "not_ready", detail, request.url.path) | {"checks": states}
    return JSONResponse(body, status_code=503, media_type=MEDIA_TYPE)


def _holds(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:
        log.exception("not ready", check=name)
        metrics.DEPENDENCY_UP.labels(name).set(0)
        return False
    metrics.DEPENDENCY_UP.labels(name).set(1)
    return True
