"""What the routes are given: one set for the life of the app."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from api.settings import ApiSettings
from storage.database import Database
from storage.objects import Objects
from worker.addresses import Policy
from worker.signing import Signing


@dataclass
class Services:
    """The API's settings and the things behind it."""

    settings: ApiSettings
    database: Database
    objects: Objects
    objects_address: str
    model_tag: str
    send_hint: Callable[[str], None]
    send_deliveries_due: Callable[[], None]
    check_broker: Callable[[], None]
    webhook_policy: Policy = field(default_factory=Policy)
    signing: Signing = field(default_factory=Signing)
    inspections: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self.inspections = asyncio.Semaphore(self.settings.inspections_at_once)


def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


Given = Annotated[Services, Depends(services)]


def base_url(request: Request, settings: ApiSettings) -> str:
    """How the caller reaches us, for links."""
    return settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
