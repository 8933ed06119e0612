"""What every task of a worker process needs, made once a process and never carried over a fork."""

from dataclasses import dataclass
from functools import cache, cached_property
from threading import BoundedSemaphore

from storage.database import Database
from storage.objects import Objects
from worker import queue
from worker.sender import Sender
from worker.settings import WorkerSettings, signing
from worker.signing import Signing


@dataclass(frozen=True)
class Runtime:
    """Settings, records, objects, and what deliveries are signed with."""

    settings: WorkerSettings
    database: Database
    objects: Objects
    signing: Signing

    @cached_property
    def sender(self) -> Sender:
        return Sender(self.settings.webhook_policy, self.settings.webhook_timeout_seconds)

    @cached_property
    def senders(self) -> BoundedSemaphore:
        """One for each delivery that this process may be sending."""
        return BoundedSemaphore(self.settings.webhook_senders)


@cache
def current() -> Runtime:
    storage = queue.storage_settings
    return Runtime(
        settings=queue.settings,
        database=Database(storage.database_address),
        objects=Objects(storage.objects_address),
        signing=signing(queue.settings, storage),
    )
