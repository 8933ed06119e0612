"""What a webhook's address must look like; where its name leads is looked at when something is sent there."""

from api.dependencies import Services
from api.errors import unprocessable


def check_receiver(given: Services, url: str) -> None:
    """Refuse an address that plainly is not one to send webhooks to."""
    objection = given.webhook_policy.objection(url)
    if objection:
        raise unprocessable("options_invalid", f"`options` cannot be used: webhook.url: {objection}.")
