"""The JSON of uploads, as OpenAPI shows it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from api.schemas import Strict
from storage.uploads import UploadStatus

FileName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Through(StrEnum):
    """Which way parts go."""

    STORE = "store"
    API = "api"


class UploadIn(Strict):
    """A file that is to come."""

    filename: FileName
    bytes: int = Field(strict=True, ge=1, description="Its exact size.")


class CompletionIn(Strict):
    """What the sender knows of the file."""

    sha256: Sha256 | None = Field(default=None, description="Refuse the upload if it has another digest.")


class UploadOut(BaseModel):
    """A file on its way, or there."""

    id: str
    status: UploadStatus
    filename: str
    bytes: int
    part_bytes: int = Field(description="The size of each part but the last, which has the rest.")
    part_count: int = Field(description="Parts are numbered from 1 to this.")
    arrived: list[int] = Field(description="Numbers of the parts that are there; empty once it is complete.")
    sha256: str | None = Field(description="Of the whole file, once it is complete.")
    created_at: datetime
    expires_at: datetime = Field(description="When it goes, complete or not.")


class PartOut(BaseModel):
    """One part, and where it goes."""

    number: int
    bytes: int = Field(description="Exactly so many belong into it.")
    url: str = Field(description="PUT the bytes there, with their Content-Length and nothing around them.")
    signed: bool = Field(description="The address itself is the permission: send no API key along.")


class PartPage(BaseModel):
    """Addresses of parts, in order. Ask again for new ones: signed ones hold for hours."""

    parts: list[PartOut]
    next: int | None = Field(description="Give it as `from` for the next page; null on the last.")
