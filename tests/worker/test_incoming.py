"""What was left half-written goes once it is idle, and breaks no sweep before."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from storage import uploads
from storage.database import Database
from storage.errors import MultipartMissingError
from storage.objects import Objects
from storage.parts import parts_of
from storage.uploads import Upload, UploadStatus
from tests.clock import Clock
from tests.storage.test_objects import KINDS, files, keys, write
from worker import recovery

HOUR = timedelta(hours=1)
WEEK = timedelta(days=7)


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture(autouse=True)
def real_time(clock: Clock) -> None:
    """Files carry the machine's own time."""
    clock.now = datetime.now(UTC)


def test_a_network_that_a_killed_worker_was_storing_goes_once_it_is_idle(
    database: Database, objects: Objects, tmp_path: Path, clock: Clock
) -> None:
    write(objects, "networks/whole.pth", b"whole")
    (tmp_path / "objects/networks/half.pth#1").write_bytes(b"half")
    (tmp_path / "objects/half#2").write_bytes(b"half")
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert "networks/half.pth#1" in files(tmp_path / "objects")
    clock.pass_(hours=2)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert files(tmp_path / "objects") == ["networks", "networks/whole.pth"]


@pytest.mark.parametrize("objects_kind", KINDS)
def test_parts_of_no_upload_are_swept_once_they_are_idle(
    database: Database, objects: Objects, clock: Clock
) -> None:
    write(objects, "incoming/upl_gone/parts/00001", b"part")
    write(objects, "incoming/upl_gone/file", b"file")
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert len(keys(objects)) == 2
    clock.pass_(hours=2)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert keys(objects) == []


@pytest.mark.parametrize("objects_kind", ["moto"])  # it looks at no length that was signed
def test_an_upload_of_which_more_arrives_than_was_declared_is_ended(
    database: Database, objects: Objects, clock: Clock
) -> None:
    parts, sent = parts_of(objects), {}
    for name, arrives in {"honest": 10, "greedy": 11}.items():
        upload = Upload(
            id=f"upl_{name}",
            owner="a",
            filename="clip.mp4",
            bytes=10,
            part_bytes=10,
            object_key=f"incoming/upl_{name}/file",
            multipart_id=parts.begin(f"incoming/upl_{name}/file"),
            created_at=clock.now,
            expires_at=clock.now + HOUR,
        )
        assert uploads.begin(database, upload)
        assert httpx.put(parts.address(upload, 1, HOUR) or "", content=bytes(arrives)).is_success
        sent[name] = upload
    recovery.sweep(database, objects, idle=WEEK, networks_kept=WEEK)
    statuses = {name: uploads.get(database, "a", one.id) for name, one in sent.items()}
    assert {name: one.status for name, one in statuses.items() if one} == {
        "honest": UploadStatus.OPEN,
        "greedy": UploadStatus.EXPIRED,
    }
    assert len(parts.arrived(sent["honest"])) == 1
    with pytest.raises(MultipartMissingError):
        parts.arrived(sent["greedy"])


@pytest.mark.parametrize("objects_kind", ["rclone"])
def test_uploads_in_parts_of_killed_processes_are_ended_once_nothing_arrives(
    database: Database, objects: Objects, clock: Clock
) -> None:
    assert objects.s3 is not None
    for key in ("uploads/job_gone/video", "networks/half.pth", "incoming/upl_gone/file"):
        objects.s3.begin(key)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert len(list(objects.s3.unfinished(clock.now + HOUR))) == 3
    clock.pass_(hours=2)
    recovery.sweep(database, objects, idle=HOUR, networks_kept=WEEK)
    assert list(objects.s3.unfinished(clock.now + HOUR)) == []
