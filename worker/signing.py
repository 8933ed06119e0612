"""How this installation signs deliveries: its owners' secrets, and the one that a setting or a file gives."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from storage import webhook_secrets
from storage.database import Database
from storage.owners import LOCAL
from storage.webhook_secrets import WebhookSecret

PREFIX = "whsec_"


def is_secret(text: str) -> bool:
    """Whether this is a secret as Standard Webhooks has them: `whsec_`, and 24 to 64 bytes in base64."""
    encoded = text.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError):
        return False
    return 24 <= len(key) <= 64


@dataclass(frozen=True)
class Signing:
    """Whose deliveries are signed with what.

    `configured` is the secret of a service without API keys: where there are keys, owners would otherwise know each
    other's.
    """

    configured: str = ""
    overlap: timedelta = timedelta(hours=24)

    def secrets(self, database: Database, owner: str) -> Sequence[WebhookSecret]:
        """What signs the owner's deliveries now, newest first; made where there is nothing yet."""
        self._adopt(database, owner)
        return webhook_secrets.valid(database, owner)

    def rotate(self, database: Database, owner: str) -> Sequence[WebhookSecret]:
        """The same after a new one was made; those before it sign on for the overlap."""
        self._adopt(database, owner)
        return webhook_secrets.rotate(database, owner, overlap=self.overlap)

    def _adopt(self, database: Database, owner: str) -> None:
        if owner == LOCAL and self.configured:
            webhook_secrets.adopt(database, owner, self.configured, overlap=self.overlap)
