"""Liveness, which asks nobody, and readiness, which asks everything the API stands on."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated, Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse

from api.dependencies import Given, Services
from api.errors import MEDIA_TYPE, problem
from api.security import presented_key
from storage import workers

router = APIRouter(tags=["health"])

# Strangers may show what is no key as often as they like; threads are for callers.
_lookups = CapacityLimiter(2)


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
    checks: dict[str, Callable[[], None]] = {
        "database": given.database.check,
        "objects": given.objects.check,
        "broker": given.check_broker,
    }
    failed = await given.readiness.failed(checks)
    states = {name: "failed" if name in failed else "ok" for name in checks}
    is_known = not given.settings.keys_required or (
        key is not None and "database" not in failed and await _is_one(given, key)
    )
    if failed:
        return _not_ready(request, states if is_known else {})
    if not is_known:
        return {"status": "ok"}
    present = await to_thread.run_sync(workers.present, given.database, limiter=_lookups)
    return {"status": "ok", "checks": states, "workers": [asdict(group) for group in present]}


async def _is_one(given: Services, key: str) -> bool:
    return bool(
        given.keyring.remembered(key)
        or await to_thread.run_sync(given.keyring.look_up, key, limiter=_lookups)
    )


def _not_ready(request: Request, states: dict[str, str]) -> JSONResponse:
    failed = [name for name, state in states.items() if state == "failed"]
    detail = f"Not ready: {', '.join(failed)} cannot be reached." if failed else "Not ready. Try again later."
    body = problem(503, "not_ready", detail, request.url.path) | ({"checks": states} if states else {})
    return JSONResponse(body, status_code=503, media_type=MEDIA_TYPE)
