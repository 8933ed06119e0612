"""What the webhook was told, and again."""

from http import HTTPStatus
from typing import Any

from fastapi import APIRouter

from api.dependencies import Given
from api.errors import not_found
from api.jobs import Existing
from api.openapi import PROBLEMS
from api.webhook_schemas import DeliveryList, DeliveryOut
from storage import deliveries
from storage.deliveries import Delivery

router = APIRouter(prefix="/v1/jobs/{job_id}/deliveries", tags=["webhooks"])


@router.get("", response_model=DeliveryList, responses={404: PROBLEMS[404]})
def list_deliveries(job: Existing, given: Given) -> dict[str, Any]:
    """The job's deliveries, each with its attempts."""
    return {"deliveries": [_view(found) for found in deliveries.of(given.database, job.id)]}


@router.post(
    "/{number}/redeliver",
    status_code=HTTPStatus.ACCEPTED,
    response_model=DeliveryOut,
    responses={404: PROBLEMS[404]},
)
def redeliver(job: Existing, number: int, given: Given) -> dict[str, Any]:
    """Send a delivery again, now, with the same `webhook-id`, from the start of the retry schedule."""
    found = deliveries.reschedule(given.database, job.id, number) if 0 < number < 2**31 else None
    if found is None:
        detail = "The job has no delivery of that number; GET its deliveries for those it has."
        raise not_found("delivery_not_found", detail)
    given.send_deliveries_due()
    return _view(found)


def _view(delivery: Delivery) -> dict[str, Any]:
    hidden = {"body", "job_id", "owner", "receiver", "tries", "claimed_until"}
    return {name: value for name, value in vars(delivery).items() if name not in hidden}
