"""How much of the service a caller uses, and may use."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from api.dependencies import Given
from api.limits import allowance_of
from api.security import Authenticated
from storage import usage
from storage.usage import Allowance

router = APIRouter(prefix="/v1/usage", tags=["usage"])


class UsedOut(BaseModel):
    """How much of one thing is used."""

    used: int
    limit: int | None = Field(description="null: no limit.")


class UsageOut(BaseModel):
    """What a caller uses of the service, and may use."""

    owner: str
    requests_per_minute: int | None = Field(description="Of this key; null: no limit.")
    active_jobs: UsedOut = Field(description="Queued and running.")
    jobs_today: UsedOut = Field(
        description="Submitted since midnight (UTC); not counted where there is no limit."
    )
    stored_bytes: UsedOut = Field(description="Of uploads and results.")


@router.get("", response_model=UsageOut)
def show_usage(given: Given, caller: Authenticated) -> dict[str, Any]:
    """What you use, and what you may use; `limit` is null where there is none."""
    used = usage.of(given.database, caller.owner)
    may = allowance_of(given.settings, caller) or Allowance()
    requests = given.settings.requests_per_minute if caller.key_id else 0
    return {
        "owner": caller.owner,
        "requests_per_minute": requests or None,
        "active_jobs": {"used": used.active_jobs, "limit": may.active_jobs or None},
        "jobs_today": {"used": used.jobs_today, "limit": may.jobs_a_day or None},
        "stored_bytes": {"used": used.stored_bytes, "limit": may.stored_bytes or None},
    }
