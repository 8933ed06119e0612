"""One mask comes out of an archive of many, whoever wrote it, and little else of it is read."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from api.masks import mask_of
from storage.objects import Objects
from storage.results import Result
from tests.storage.test_objects import write
from tests.worker.clips import box
from worker.archive import MaskArchive
from worker.frame_name import frame_name

FRAMES = 300


class Watched(Objects):
    """A store that knows what was read of it, and opens nothing."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self.parts: list[int] = []

    def part(self, key: str, start: int, size: int) -> bytes:
        self.parts.append(size)
        return super().part(key, start, size)


def stored(objects: Objects, content: bytes) -> Result:
    size, sha256 = write(objects, "results/a/1/masks.zip", content)
    return Result("masks.zip", "results/a/1/masks.zip", size, sha256, "application/zip")


def archive(folder: Path, frames: int = FRAMES) -> bytes:
    path = folder / "masks.zip"
    with MaskArchive(path, frames) as written:
        for index in range(frames):
            written.add(box(index) // 255)
    return path.read_bytes()


def test_of_an_archive_of_ours_the_mask_and_two_places_are_read(
    objects_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objects = Watched(objects_address)
    content = archive(tmp_path)
    result = stored(objects, content)
    monkeypatch.setattr(objects, "open", None)
    with zipfile.ZipFile(io.BytesIO(content)) as opened:
        for number in (0, 7, FRAMES - 1):
            objects.parts.clear()
            wanted = opened.read(frame_name(number, FRAMES))
            assert mask_of(objects, result, number, FRAMES) == wanted
            assert len(objects.parts) == 3
            assert sum(objects.parts) < len(wanted) + 200


def compressed(archive: zipfile.ZipFile, name: str) -> None:
    archive.writestr(name, name * 100, zipfile.ZIP_DEFLATED)


def with_more_room(archive: zipfile.ZipFile, name: str) -> None:
    with archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as file:
        file.write((name * 100).encode())


def with_a_comment(archive: zipfile.ZipFile, name: str) -> None:
    archive.comment = b"masks"
    archive.writestr(name, name * 100)


def with_a_neighbour(archive: zipfile.ZipFile, name: str) -> None:
    archive.writestr("x" + name, b"")
    archive.writestr(name, name * 100)


@pytest.mark.parametrize("put", [compressed, with_more_room, with_a_comment, with_a_neighbour])
def test_another_archive_is_read_as_archives_are(
    objects: Objects, put: Callable[[zipfile.ZipFile, str], None]
) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as opened:
        for number in range(5):
            put(opened, frame_name(number))
    found = mask_of(objects, stored(objects, content.getvalue()), 3, 5)
    assert found == b"00003.png" * 100


def test_a_mask_that_is_damaged_is_not_given_out(objects: Objects, tmp_path: Path) -> None:
    content = bytearray(archive(tmp_path, 10))
    content[60] ^= 1
    with pytest.raises(zipfile.BadZipFile):
        mask_of(objects, stored(objects, bytes(content)), 0, 10)
