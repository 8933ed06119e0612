"""What every task of a worker process needs, made once a process and never carried over a fork."""

import secrets
from base64 import b64encode
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from storage.database import Database
from storage.objects import Objects
from storage.settings import StorageSettings
from worker import queue
from worker.settings import WorkerSettings


@dataclass(frozen=True)
class Runtime:
    """Settings, records, objects, and the secret that signs deliveries without one of their own."""

    settings: WorkerSettings
    database: Database
    objects: Objects
    webhook_secret: str


@cache
def current() -> Runtime:
    storage = queue.storage_settings
    return Runtime(
        settings=queue.settings,
        database=Database(storage.database_address),
        objects=Objects(storage.objects_address),
        webhook_secret=queue.settings.webhook_secret or stored_secret(storage),
    )


def stored_secret(storage: StorageSettings) -> str:
    """The installation's own webhook secret, made at the first call and kept in the data folder."""
    path = storage.data_dir / "webhook_secret"
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        fresh = Path(f"{path}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(f"whsec_{b64encode(secrets.token_bytes(32)).decode()}\n")
        try:
            path.hardlink_to(fresh)  # atomic, and refuses where another process was first
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()
