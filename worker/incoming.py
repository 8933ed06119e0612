"""Removes uploads whose time has passed, and what was left half-sent or half-written."""

from datetime import datetime, timedelta

import structlog

from storage import uploads
from storage.database import Database
from storage.errors import MultipartMissingError
from storage.keys import INCOMING, incoming_prefix
from storage.objects import Objects
from storage.parts import Parts, parts_of
from storage.uploads import Upload

log = structlog.get_logger(__name__)


def expire(database: Database, objects: Objects, *, records_kept: timedelta) -> None:
    """Remove the objects of uploads whose time has come, and the records of those that lost theirs long ago."""
    while expired := uploads.expire_due(database):
        for upload in expired:
            log.info("upload expired", upload_id=upload.id, bytes=upload.bytes)
            parts_of(objects).remove(upload)
    uploads.forget(database, records_kept)


def end_oversized(database: Database, objects: Objects) -> None:
    """End open uploads of which more has arrived than was declared. A signed address takes its part again and again,
    and a store may keep each (SeaweedFS does, until the upload ends).
    """
    parts, last = parts_of(objects), ""
    while found := uploads.open_at_store(database, last):
        for upload in found:
            if _arrived_bytes(parts, upload) > upload.bytes and uploads.end(database, upload):
                log.warning("upload ended", upload_id=upload.id, owner=upload.owner, bytes=upload.bytes)
                parts.remove(upload)
        last = found[-1].id


def _arrived_bytes(parts: Parts, upload: Upload) -> int:
    try:
        return sum(part.bytes for part in parts.arrived(upload))
    except MultipartMissingError:
        return 0  # it has ended just now


def sweep(database: Database, objects: Objects, *, idle: timedelta) -> None:
    """Remove what no upload refers to, and what killed processes were writing, once it has not changed for `idle`."""
    before = database.now() - idle
    for upload_id in sorted(_orphans(database, objects, before)):
        log.info("swept", prefix=incoming_prefix(upload_id))
        objects.delete_prefix(incoming_prefix(upload_id))

    def belongs(key: str) -> bool:
        return key.startswith(f"{INCOMING}/") and bool(uploads.with_objects(database, [_upload_of(key)]))

    for key in objects.remove_unfinished(before, kept=belongs):
        log.info("swept", unfinished=key)


def _orphans(database: Database, objects: Objects, before: datetime) -> set[str]:
    newest: dict[str, datetime] = {}
    for found in objects.list(INCOMING):
        upload_id = _upload_of(found.key)
        newest[upload_id] = max(newest.get(upload_id, found.changed_at), found.changed_at)
    idle = [upload_id for upload_id, changed_at in newest.items() if changed_at <= before]
    return set(idle) - uploads.with_objects(database, idle)


def _upload_of(key: str) -> str:
    return key.split("/")[1]
