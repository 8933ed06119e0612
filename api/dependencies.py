"""What the routes are given: one set for the life of the app."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request

from api.keyring import Keyring
from api.limits import (
    IN_MEMORY,
    RateLimits,
    Slots,
    inspection_slots,
    owner_inspection_slots,
    owner_picture_slots,
    owner_suggestion_slots,
    picture_slots,
    stream_slots,
    suggestion_slots,
    upload_slots,
)
from api.readiness import Readiness
from api.settings import ApiSettings
from api.tables import Tables
from storage.database import Database
from storage.objects import Objects
from worker.addresses import Policy
from worker.nursery import Nursery
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
    nursery: Nursery = field(default_factory=Nursery)
    limits_address: str = IN_MEMORY
    """Where requests are counted: in memory, or in a Redis that several processes share."""
    inspections: Slots = field(init=False)
    owner_inspections: Slots = field(init=False)
    pictures: Slots = field(init=False)
    owner_pictures: Slots = field(init=False)
    suggestions: Slots = field(init=False)
    owner_suggestions: Slots = field(init=False)
    tables: Tables = field(default_factory=Tables)
    readiness: Readiness = field(default_factory=Readiness)
    keyring: Keyring = field(init=False)
    rates: RateLimits = field(init=False)
    uploads: Slots = field(init=False)
    streams: Slots = field(init=False)

    def __post_init__(self) -> None:
        self.inspections = inspection_slots(self.settings)
        self.owner_inspections = owner_inspection_slots(self.settings)
        self.pictures = picture_slots(self.settings)
        self.owner_pictures = owner_picture_slots(self.settings)
        self.suggestions = suggestion_slots(self.settings)
        self.owner_suggestions = owner_suggestion_slots(self.settings)
        self.keyring = Keyring(self.database)
        self.rates = RateLimits(self.limits_address)
        self.uploads = upload_slots(self.settings)
        self.streams = stream_slots(self.settings)


def services(request: Request) -> Services:
    found: Services = request.app.state.services
    return found


Given = Annotated[Services, Depends(services)]


def base_url(request: Request, settings: ApiSettings) -> str:
    """How the caller reaches us, for links."""
    return settings.public_url.rstrip("/") or str(request.base_url).rstrip("/")
