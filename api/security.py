"""Who is calling: the owner that an API key stands for."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from storage.owners import LOCAL


@dataclass(frozen=True)
class Caller:
    """Whose request this is, and the id of the key it came with; none where the service has no keys."""

    owner: str
    key_id: str | None = None


def authenticated(_request: Request) -> Caller:
    return Caller(LOCAL)


Authenticated = Annotated[Caller, Depends(authenticated)]
