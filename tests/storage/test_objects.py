import asyncio
import hashlib
from pathlib import Path

import pytest

from storage.errors import ObjectMissingError
from storage.objects import CHUNK_BYTES, Objects


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


def test_what_is_streamed_in_is_counted_hashed_and_comes_back(objects: Objects, tmp_path: Path) -> None:
    content = bytes(range(256)) * 100_000
    chunks = [content[start : start + 65_536] for start in range(0, len(content), 65_536)]
    assert write(objects, "uploads/a/video", *chunks) == (len(content), hashlib.sha256(content).hexdigest())
    objects.fetch("uploads/a/video", tmp_path / "back", ignore)
    assert (tmp_path / "back").read_bytes() == content


def test_a_broken_stream_leaves_no_object(objects: Objects, tmp_path: Path) -> None:
    async def send() -> None:
        async with objects.writer("uploads/a/video") as writer:
            for _ in range(3):
                await writer.write(bytes(CHUNK_BYTES))
            raise ConnectionError

    with pytest.raises(ConnectionError):
        asyncio.run(send())
    objects.delete_prefix("uploads/a")
    assert files(tmp_path / "objects") == []


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
    assert [found.key for found in objects.list("uploads")] == ["uploads/ab/video"]


def test_a_missing_object_has_a_name_for_it(objects: Objects, tmp_path: Path) -> None:
    for attempt in (
        lambda: objects.fetch("no", tmp_path / "no", ignore),
        lambda: objects.open("no"),
        lambda: objects.copy("no", "yes"),
        lambda: objects.local_path("no"),
    ):
        with pytest.raises(ObjectMissingError):
            attempt()
    objects.delete(["no"])
    assert not objects.exists("no")


def test_a_reader_seeks(objects: Objects) -> None:
    write(objects, "uploads/a/video", b"0123456789")
    with objects.open("uploads/a/video") as file:
        file.seek(4)
        assert file.read(3) == b"456"
