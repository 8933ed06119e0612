"""`/metrics` on the API's own port, for operators and for nobody else."""

import hmac
from http import HTTPStatus

from fastapi import APIRouter, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.dependencies import Given, Services
from api.errors import ApiError
from api.exposure import check_keyless
from api.openapi import PROBLEMS

router = APIRouter(tags=["health"])

DENIED = "Metrics are the operator's: send ROTOMILL_METRICS_TOKEN as a bearer token, or scrape ROTOMILL_METRICS_PORT."


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {
            "content": {"text/plain": {"schema": {"type": "string"}}},
            "description": "Prometheus' text format.",
        },
        401: PROBLEMS[404] | {"description": "Not with the operator's token."},
        403: PROBLEMS[404] | {"description": "The service has no keys, and this is not its own machine."},
    },
)
def show_metrics(request: Request, given: Given) -> Response:
    """What Prometheus scrapes. Without the bearer token ROTOMILL_METRICS_TOKEN: only on a machine without keys."""
    _check(request, given)
    return Response(generate_latest(request.app.state.metrics), media_type=CONTENT_TYPE_LATEST)


def _check(request: Request, given: Services) -> None:
    wanted = given.settings.metrics_token
    scheme, _, said = request.headers.get("authorization", "").partition(" ")
    if wanted and scheme.lower() == "bearer" and hmac.compare_digest(said.strip().encode(), wanted.encode()):
        return
    if wanted or given.settings.keys_required:
        raise ApiError(HTTPStatus.UNAUTHORIZED, "metrics_denied", DENIED, {"WWW-Authenticate": "Bearer"})
    check_keyless(request, given.settings)
