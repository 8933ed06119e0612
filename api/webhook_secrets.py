"""What a caller's webhooks are signed with, and a new one."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Response

from api.dependencies import Given
from api.errors import conflict
from api.openapi import PROBLEMS
from api.security import Authenticated
from api.webhook_schemas import WebhookSecretList
from storage.errors import TooManySecretsError
from storage.webhook_secrets import WebhookSecret

router = APIRouter(prefix="/v1/webhook-secret", tags=["webhooks"])


@router.get("", response_model=WebhookSecretList)
def show_webhook_secret(given: Given, caller: Authenticated, response: Response) -> dict[str, Any]:
    """The secrets that sign your webhooks, newest first: one, or more of them while one is being rotated.

    A job whose options have a `webhook.secret` of their own is signed with that alone.
    """
    return _view(given.signing.secrets(given.database, caller.owner), response)


@router.post(
    "/rotate",
    status_code=HTTPStatus.CREATED,
    response_model=WebhookSecretList,
    responses={409: PROBLEMS[409]},
)
def rotate_webhook_secret(given: Given, caller: Authenticated, response: Response) -> dict[str, Any]:
    """Make a new secret. The one before signs beside it until its `expires_at`: each webhook has both signatures.

    Give the new secret to your receivers by then; they verify with either, and never miss a webhook.
    """
    try:
        found = given.signing.rotate(given.database, caller.owner)
    except TooManySecretsError as error:
        detail = (
            "Several rotations overlap already. Wait until the oldest secret has expired, then rotate again."
        )
        raise conflict("webhook_secrets_too_many", detail) from error
    return _view(found, response)


def _view(found: Sequence[WebhookSecret], response: Response) -> dict[str, Any]:
    response.headers["Cache-Control"] = "no-store"
    return {
        "secrets": [
            {"secret": one.secret, "created_at": one.created_at, "expires_at": one.retires_at}
            for one in found
        ]
    }
