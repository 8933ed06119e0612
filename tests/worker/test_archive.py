"""masks.zip and rle.json."""

import json
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from pycocotools.coco import COCO

from worker.archive import MaskArchive, MaskReader, RleWriter
from worker.frame_name import frame_name

Labels = npt.NDArray[np.uint8]


def clip(frames: int = 3) -> list[Labels]:
    """Labels of two objects, 1 moving to the right and 2 leaving after the first frame."""
    masks = []
    for frame in range(frames):
        labels = np.zeros((24, 40), np.uint8)
        labels[5:12, 3 + frame : 10 + frame] = 1
        labels[15:20, 30:38] = 2 * (frame == 0)
        masks.append(labels)
    return masks


def write_archive(path: Path, masks: list[Labels]) -> None:
    with MaskArchive(path, frames=len(masks)) as archive:
        for labels in masks:
            archive.add(labels)


def test_masks_come_back_as_they_went_in_any_order(tmp_path: Path) -> None:
    write_archive(tmp_path / "masks.zip", clip())
    with MaskReader(tmp_path / "masks.zip") as reader:
        assert len(reader) == 3
        assert (reader[2] == clip()[2]).all()
        assert all((read == labels).all() for read, labels in zip(reader, clip(), strict=True))
        with pytest.raises(IndexError):
            reader[3]


def test_the_archive_is_daviss_layout_and_palette(tmp_path: Path) -> None:
    write_archive(tmp_path / "masks.zip", clip())
    with zipfile.ZipFile(tmp_path / "masks.zip") as archive:
        assert archive.namelist() == ["00000.png", "00001.png", "00002.png"]
        assert {entry.compress_type for entry in archive.infolist()} == {zipfile.ZIP_STORED}
        with archive.open("00000.png") as file:
            picture = Image.open(file)
            palette = picture.getpalette()
    assert (picture.mode, picture.size) == ("P", (40, 24))
    assert palette is not None
    assert palette[:9] == [0, 0, 0, 128, 0, 0, 0, 128, 0]


def test_the_same_masks_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one.zip", "other.zip"):
        write_archive(tmp_path / name, clip())
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()


def test_names_sort_as_the_frames_do_whatever_their_number() -> None:
    assert frame_name(7, 100_000) == "00007.png"
    assert frame_name(7, 100_001) == "000007.png"
    assert frame_name(7) == "00007.png"


def write_rle(path: Path, masks: list[Labels]) -> None:
    with RleWriter(path, 40, 24, objects=2, frames=len(masks)) as rle:
        for frame, labels in enumerate(masks):
            rle.add(labels, time_seconds=frame / 24)


def test_pycocotools_loads_the_masks_that_were_written(tmp_path: Path) -> None:
    write_rle(tmp_path / "rle.json", clip())
    loaded = COCO(str(tmp_path / "rle.json"))
    assert [each["name"] for each in loaded.loadCats(loaded.getCatIds())] == ["object 1", "object 2"]
    for frame, labels in enumerate(clip()):
        shown = loaded.loadAnns(loaded.getAnnIds(imgIds=[frame + 1]))
        assert [each["track_id"] for each in shown] == ([1, 2] if frame == 0 else [1])
        for each in shown:
            assert (loaded.annToMask(each) == (labels == each["category_id"])).all()
    first = loaded.loadAnns([1])[0]
    assert (first["area"], first["bbox"], first["iscrowd"]) == (49, [3, 5, 7, 7], 0)


def test_images_say_which_frame_they_are_and_when(tmp_path: Path) -> None:
    write_rle(tmp_path / "rle.json", clip())
    assert json.loads((tmp_path / "rle.json").read_text())["images"][2] == {
        "id": 3,
        "file_name": "00002.png",
        "width": 40,
        "height": 24,
        "frame_index": 2,
        "time_seconds": 0.083333,
    }


def test_a_clip_without_its_objects_is_still_a_data_set(tmp_path: Path) -> None:
    write_rle(tmp_path / "rle.json", [np.zeros((24, 40), np.uint8)])
    assert COCO(str(tmp_path / "rle.json")).getAnnIds() == []


def test_labels_of_another_size_are_refused_and_nothing_stays(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\(40, 24\)"):
        write_rle(tmp_path / "rle.json", [np.zeros((40, 24), np.uint8)])
    assert list(tmp_path.iterdir()) == []


def test_an_archive_that_is_not_finished_is_removed(tmp_path: Path) -> None:
    def broken() -> None:
        with MaskArchive(tmp_path / "masks.zip") as archive:
            archive.add(clip()[0])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        broken()
    assert list(tmp_path.iterdir()) == []
