"""Every call that the app answers, documented or not."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

# the page and the documentation of the calls
OPEN = {"/", "/static/{name:path}", "/docs", "/openapi.json"}


def calls(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path, as `GET /v1/jobs/{job_id}`."""
    for route in app.routes:
        included = getattr(route, "effective_route_contexts", None)
        found: Any
        for found in included() if included else [route]:
            for method in found.methods:
                yield method, found.path
