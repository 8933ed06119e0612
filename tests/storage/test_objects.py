import asyncio
import hashlib
import io
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from storage.errors import ObjectMissingError, ObjectsUnavailableError
from storage.objects import Objects
from storage.streams import CHUNK_BYTES
from tests.services.front import Trouble
from tests.services.s3 import S3

KINDS = ["folder", "rclone", "moto"]


@pytest.fixture(params=KINDS)
def objects_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    return kind


def ignore(_done: int) -> None:
    """A chunk has passed."""


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def write(objects: Objects, key: str, *chunks: bytes) -> tuple[int, str]:
    async def send() -> tuple[int, str]:
        async with objects.writer(key) as writer:
            for chunk in chunks:
                await writer.write(chunk)
        return writer.bytes, writer.sha256

    return asyncio.run(send())


def keys(objects: Objects, prefix: str = "") -> list[str]:
    return sorted(found.key for found in objects.list(prefix))


def test_what_is_streamed_in_is_counted_hashed_and_comes_back(objects: Objects, tmp_path: Path) -> None:
    content = bytes(range(256)) * 100_000
    chunks = [content[start : start + 65_536] for start in range(0, len(content), 65_536)]
    digest = hashlib.sha256(content).hexdigest()
    assert write(objects, "uploads/a/video", *chunks) == (len(content), digest)
    objects.fetch("uploads/a/video", tmp_path / "back", ignore)
    assert (tmp_path / "back").read_bytes() == content
    assert objects.sha256("uploads/a/video", lambda: None) == digest
    assert objects.size("uploads/a/video") == len(content)


@pytest.mark.parametrize("sent", [100, 3 * CHUNK_BYTES], ids=["short", "long"])
def test_a_broken_stream_leaves_no_object(objects: Objects, tmp_path: Path, sent: int) -> None:
    async def send() -> None:
        async with objects.writer("uploads/a/video") as writer:
            for _ in range(3):
                await writer.write(bytes(sent // 3))
            raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(send())
    assert keys(objects) == []
    objects.delete_prefix("uploads/a")
    assert not (tmp_path / "objects").exists() or files(tmp_path / "objects") == []


def test_storing_a_file_can_be_stopped_between_chunks(objects: Objects, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(3 * CHUNK_BYTES))

    def stop(done: int) -> None:
        if done >= CHUNK_BYTES:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        objects.put_file("results/a/1/big", tmp_path / "big", stop)
    assert not objects.exists("results/a/1/big")


def test_deleting_a_prefix_leaves_its_neighbours(objects: Objects) -> None:
    for key in ("uploads/a/video", "uploads/a/mask", "uploads/ab/video"):
        write(objects, key, b"x")
    objects.delete_prefix("uploads/a")
    objects.delete_prefix("uploads/none")
    assert keys(objects, "uploads") == ["uploads/ab/video"]


def test_objects_are_deleted_together_and_missing_ones_are_no_error(objects: Objects) -> None:
    named = [f"results/a/1/{number} of +&%" for number in range(5)]
    for key in named:
        write(objects, key, b"x")
    objects.delete([*named[:4], "results/a/1/none"])
    assert keys(objects) == named[4:]


def test_a_missing_object_has_a_name_for_it(objects: Objects, tmp_path: Path) -> None:
    for attempt in (
        lambda: objects.fetch("no", tmp_path / "no", ignore),
        lambda: objects.open("no"),
        lambda: objects.copy("no", "yes"),
        lambda: objects.sha256("no", lambda: None),
    ):
        with pytest.raises(ObjectMissingError):
            attempt()
    objects.delete(["no"])
    assert not objects.exists("no")


def test_a_copy_outlives_its_original(objects: Objects) -> None:
    write(objects, "incoming/u/file", b"clip")
    objects.copy("incoming/u/file", "uploads/a/video")
    objects.delete_prefix("incoming/u")
    assert b"".join(objects.read("uploads/a/video")) == b"clip"


def test_a_reader_seeks(objects: Objects) -> None:
    write(objects, "uploads/a/video", b"0123456789")
    with objects.open("uploads/a/video") as file:
        file.seek(4)
        assert file.read(3) == b"456"
        file.seek(-2, io.SEEK_END)
        assert file.read() == b"89"


def test_a_part_is_read_by_itself_and_a_range_as_it_comes(objects: Objects) -> None:
    content = bytes(range(256)) * 4096
    write(objects, "a", content)
    assert objects.part("a", 300, 5) == content[300:305]
    assert objects.part("a", len(content) - 3, 10) == content[-3:]
    chunks = list(objects.chunks("a", 1000, 900_000, 65_536))
    assert b"".join(chunks) == content[1000:900_000]
    assert len(chunks) > 1
    with pytest.raises(ObjectMissingError):
        objects.part("none", 0, 1)
    with pytest.raises(ObjectMissingError):
        objects.chunks("none", 0, 1, 65_536)  # before anything of it is asked for


def test_a_folder_may_be_part_of_a_larger_store(objects_address: str) -> None:
    ours, theirs = Objects(f"{objects_address}/ours"), Objects(f"{objects_address}/theirs")
    write(ours, "uploads/a/video", b"x")
    assert keys(ours) == ["uploads/a/video"]
    assert keys(theirs) == []


def test_preparing_a_store_that_is_there_changes_nothing(objects: Objects) -> None:
    write(objects, "uploads/a/video", b"x")
    assert not objects.prepare()
    assert not objects.prepare()
    assert keys(objects) == ["uploads/a/video"]


def test_a_bucket_that_is_missing_is_made(objects_address: str, objects_kind: str) -> None:
    if objects_kind == "folder":
        pytest.skip("a folder is made by who writes to it")
    missing = Objects(f"{objects_address}-other")
    assert missing.prepare()
    write(missing, "uploads/a/video", b"x")
    assert keys(missing) == ["uploads/a/video"]


@pytest.mark.parametrize("objects_kind", ["rclone", "moto"])
class TestSigned:
    """Addresses for those who have no key of the store."""

    def test_one_reads_an_object_under_its_name(self, objects: Objects) -> None:
        write(objects, "results/a/1/overlay.mp4", b"0123456789")
        address = objects.sign("results/a/1/overlay.mp4", name="overlay.mp4", media_type="video/mp4")
        answer = httpx.get(address, headers={"Range": "bytes=2-4"})
        assert (answer.status_code, answer.content) == (206, b"234")
        assert answer.headers["content-type"] == "video/mp4"
        assert answer.headers["content-disposition"] == 'inline; filename="overlay.mp4"'

    def test_another_asks_for_its_head(self, objects: Objects) -> None:
        write(objects, "results/a/1/overlay.mp4", b"0123456789")
        answer = httpx.head(objects.sign("results/a/1/overlay.mp4", method="HEAD", name="overlay.mp4"))
        assert (answer.status_code, answer.headers["content-length"]) == (200, "10")

    def test_it_names_the_host_that_those_outside_know(self, objects: Objects, objects_address: str) -> None:
        write(objects, "results/a/1/overlay.mp4", b"0123456789")
        inside = httpx.URL(objects.sign("results/a/1/overlay.mp4"))
        # the same server by another name, which is part of what is signed
        public = f"http://localhost:{inside.port}"
        outside = Objects(objects_address, public_url=public).sign("results/a/1/overlay.mp4")
        assert outside.startswith(f"{public}/")
        assert httpx.get(outside).content == b"0123456789"


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def test_a_few_bytes_are_stored_at_once(objects: Objects) -> None:
    objects.put_once("results/job/1/live/000000001.jpg", b"picture")
    assert b"".join(objects.read("results/job/1/live/000000001.jpg")) == b"picture"


def test_what_is_not_worth_waiting_for_is_given_up_where_the_store_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        with pytest.raises(ObjectsUnavailableError):
            Objects("s3://clips").put_once("a", b"x")
    assert time.monotonic() - began < 10


def test_a_store_that_is_away_is_an_error_of_its_own_within_its_patience(
    monkeypatch: pytest.MonkeyPatch, closed_port: int, tmp_path: Path
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{closed_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    away = Objects("s3://clips", patience=timedelta(seconds=0.2))
    (tmp_path / "file").write_bytes(b"x")
    attempts: list[Callable[[], object]] = [
        away.check,
        lambda: away.exists("a"),
        lambda: away.open("a"),
        lambda: away.copy("a", "b"),
        lambda: away.delete(["a"]),
        lambda: keys(away),
        lambda: away.put_file("a", tmp_path / "file", ignore),
        lambda: away.fetch("a", tmp_path / "back", ignore),
        lambda: write(away, "a", b"x"),
    ]
    for attempt in attempts:
        started = time.monotonic()
        with pytest.raises(ObjectsUnavailableError):
            attempt()
        assert time.monotonic() - started < 20


def test_what_a_killed_process_left_half_written_goes_once_it_is_idle(
    objects: Objects, objects_kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, after = datetime.now(UTC) - timedelta(hours=1), datetime.now(UTC) + timedelta(hours=1)
    if objects.s3 is None:
        half = tmp_path / "objects/networks/x.pth#1"
        half.parent.mkdir(parents=True)
        half.write_bytes(b"half")
    else:
        objects.s3.begin("networks/x.pth")
    write(objects, "networks/x.pth", b"whole")
    if objects_kind != "moto":  # which says of every upload that it was begun in 2010
        assert objects.remove_unfinished(before) == []
    if objects.s3 is not None:
        with monkeypatch.context() as watched:
            watched.delattr(type(objects.s3), "_newest_part")  # whoever is kept is not asked about
            assert objects.remove_unfinished(after, kept=lambda key: key == "networks/x.pth") == []
    assert len(objects.remove_unfinished(after)) == 1
    assert objects.remove_unfinished(after) == []
    assert keys(objects) == ["networks/x.pth"]
    assert list(objects.staged()) == []


def test_an_upload_whose_end_was_not_heard_is_the_stores_failure(
    rclone: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in rclone.environment.items():
        monkeypatch.setenv(name, value)
    objects = Objects(rclone.new_bucket().address, patience=timedelta(seconds=1))
    (tmp_path / "big").write_bytes(bytes(2 * CHUNK_BYTES))
    front = rclone.front
    assert front is not None
    # asked again to end the upload, the store knows of none
    monkeypatch.setattr(front, "trouble", Trouble(lost="POST .*uploadId="))
    with pytest.raises(ObjectsUnavailableError):
        objects.put_file("results/a/1/big", tmp_path / "big", ignore)
