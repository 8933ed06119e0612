"""Liveness, which asks nobody, and readiness, which asks everything the API stands on."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

import structlog
from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from api import metrics
from api.dependencies import Given, Services
from api.errors import MEDIA_TYPE, problem
from api.security import presented_key
from storage import workers

log = structlog.get_logger(__name__)

router = APIRouter(tags=["health"])

# Strangers may ask as often as they like; what is away takes seconds to be found so, and threads are for callers.
_probes = CapacityLimiter(2)


@router.get("/livez")
async def livez() -> dict[str, str]:
    """The process answers; restart it when it does not."""
    return {"status": "ok"}


@router.get("/readyz", responses={503: {"description": "Something the API stands on does not answer."}})
async def readyz(request: Request, given: Given, key: Annotated[str | None, Depends(presented_key)]) -> Any:
    """The database, the object store and the broker answer: send requests here.

    `checks` says which of them do, and `workers` which tier of the network runs where; there may be none: jobs wait for
    them. A service with API keys tells both to those who have one.
    """
    return await to_thread.run_sync(_readiness, request, given, key, limiter=_probes)


def _readiness(request: Request, given: Services, key: str | None) -> Any:
    checks: dict[str, Callable[[], None]] = {
        "database": given.database.check,
        "objects": given.objects.check,
        "broker": given.check_broker,
    }
    failed = [name for name, check in checks.items() if not _holds(name, check)]
    states = {name: "failed" if name in failed else "ok" for name in checks}
    is_known = not given.settings.keys_required or (
        key is not None and "database" not in failed and given.keyring.look_up(key) is not None
    )
    if not failed and not is_known:
        return {"status": "ok"}
    if not failed:
        groups = [asdict(group) for group in workers.present(given.database)]
        return {"status": "ok", "checks": states, "workers": groups}
    detail = (
        f"Not ready: {', '.join(failed)} cannot be reached." if is_known else "Not ready. Try again later."
    )
    body = problem(503, "not_ready", detail, request.url.path) | ({"checks": states} if is_known else {})
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
