"""Liveness, which asks nobody, and readiness, which asks everything the API stands on."""

from collections.abc import Callable
from typing import Any

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from api.dependencies import Given
from api.errors import MEDIA_TYPE, problem

log = structlog.get_logger(__name__)

router = APIRouter(tags=["health"])


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The process answers; restart it when it does not."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Something the API stands on does not answer."}})
def readyz(request: Request, given: Given) -> Any:
    """The database, the object store and the broker answer: send requests here."""
    checks: dict[str, Callable[[], None]] = {
        "database": given.database.check,
        "objects": given.objects.check,
        "broker": given.check_broker,
    }
    failed = [name for name, check in checks.items() if not _holds(name, check)]
    states = {name: "failed" if name in failed else "ok" for name in checks}
    if not failed:
        return {"status": "ok", "checks": states}
    detail = f"Not ready: {', '.join(failed)} cannot be reached."
    body = problem(503, "not_ready", detail, request.url.path) | {"checks": states}
    return JSONResponse(body, status_code=503, media_type=MEDIA_TYPE)


def _holds(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:
        log.exception("not ready", check=name)
        return False
    return True
