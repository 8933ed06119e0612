"""The JSON of webhooks: deliveries, the secrets that sign them, and what is posted; as OpenAPI shows it."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from api.schemas import JobOut, WebhookEvent


class AttemptOut(BaseModel):
    """One attempt at a delivery."""

    at: datetime
    status_code: int | None
    error: str | None


class DeliveryOut(BaseModel):
    """What the webhook was told, or will be."""

    number: int
    id: str = Field(description="The `webhook-id`: the same for every attempt.")
    event: str
    url: str
    status: Literal["pending", "delivered", "failed"]
    attempts: list[AttemptOut]
    next_attempt_at: datetime | None
    created_at: datetime
    delivered_at: datetime | None


class DeliveryList(BaseModel):
    """The deliveries of one job."""

    deliveries: list[DeliveryOut]


class WebhookSecretOut(BaseModel):
    """One secret that signs webhooks."""

    secret: str = Field(description="`whsec_` and base64, as the libraries of Standard Webhooks take it.")
    created_at: datetime
    expires_at: datetime | None = Field(
        description="Until when it signs beside a newer one; null: the newest."
    )


class WebhookSecretList(BaseModel):
    """The secrets that sign a caller's webhooks, newest first."""

    secrets: list[WebhookSecretOut] = Field(min_length=1)


class WebhookBody(BaseModel):
    """What the service posts to a webhook, signed as Standard Webhooks 1.0 says."""

    type: WebhookEvent
    timestamp: datetime
    data: JobOut
