"""Reading sequences in DAVIS's layout."""

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from model.datasets import DatasetError, mask_sequences, read_labels, read_set, training_sequence


def save_mask(path: Path, labels: npt.NDArray[np.uint8], mode: str = "L") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(labels)
    if mode == "P":
        picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [7] * 759)
    picture.convert(mode).save(path)


def labels_of(*values: int) -> npt.NDArray[np.uint8]:
    """A (2, 3) mask with these values in its first row."""
    labels = np.zeros((2, 3), np.uint8)
    labels[0, : len(values)] = values
    return labels


@pytest.mark.parametrize("mode", ["P", "L", "LA", "RGB", "RGBA"])
def test_labels_survive_every_way_of_saving_a_mask(tmp_path: Path, mode: str) -> None:
    save_mask(tmp_path / "00000.png", labels_of(0, 1, 2), mode)
    assert (read_labels(tmp_path / "00000.png") == labels_of(0, 1, 2)).all()


def test_a_coloured_picture_is_no_mask(tmp_path: Path) -> None:
    Image.fromarray(np.arange(18, dtype=np.uint8).reshape(2, 3, 3)).save(tmp_path / "00000.png")
    with pytest.raises(DatasetError, match="not a mask"):
        read_labels(tmp_path / "00000.png")


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "00000.png").write_bytes(b"\x89PNG\r\n\x1a\nand no more")
    with pytest.raises(DatasetError, match=r"00000\.png: not a readable picture"):
        read_labels(tmp_path / "00000.png")


@pytest.mark.parametrize("folder", [".", "Annotations/480p"])
def test_sequences_are_found_in_a_folder_and_in_a_davis_root(tmp_path: Path, folder: str) -> None:
    for name in ("bear", "swan"):
        save_mask(tmp_path / folder / name / "00000.png", labels_of(1))
    assert list(mask_sequences(tmp_path)) == ["bear", "swan"]


def test_a_sequence_folder_is_one_sequence(tmp_path: Path) -> None:
    for frame in (10, 0, 2):
        save_mask(tmp_path / "bear" / f"{frame:05d}.png", labels_of(frame))
    found = mask_sequences(tmp_path / "bear")["bear"]
    assert found.frames == (0, 2, 10)
    assert found.labels(10)[0, 0] == 10


def test_an_archive_reads_like_the_folder_in_it(tmp_path: Path) -> None:
    save_mask(tmp_path / "in" / "00000.png", labels_of(3), "P")
    shutil.make_archive(str(tmp_path / "masks"), "zip", tmp_path / "in")
    assert (mask_sequences(tmp_path / "masks.zip")["masks"].labels(0) == labels_of(3)).all()


@pytest.mark.parametrize("name", ["nothing", "empty", "text.zip"])
def test_a_place_without_masks_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("not an archive")
    with pytest.raises(DatasetError, match=name):
        mask_sequences(tmp_path / name)


def test_frames_and_masks_pair_by_number(tmp_path: Path) -> None:
    for frame in (0, 1):
        save_mask(tmp_path / f"Annotations/480p/bear/{frame:05d}.png", labels_of(frame))
    pictures = tmp_path / "JPEGImages/480p/bear"
    pictures.mkdir(parents=True)
    Image.new("RGB", (3, 2), (200, 10, 10)).save(pictures / "00001.jpg")
    found = training_sequence(tmp_path, "bear")
    assert len(found) == 1
    assert found.labels(0)[0, 0] == 1
    assert found.image(0).shape == (2, 3, 3)
    with pytest.raises(DatasetError, match="no frames with masks"):
        training_sequence(tmp_path, "swan")


def test_both_kinds_of_set_file_name_the_sequences(tmp_path: Path) -> None:
    pairs = "/JPEGImages/480p/{0}/00000.jpg /Annotations/480p/{0}/00000.png\n"
    (tmp_path / "2016.txt").write_text(pairs.format("bear") * 2 + pairs.format("swan"))
    (tmp_path / "2017.txt").write_text("bear\nswan\n\n")
    assert read_set(tmp_path / "2016.txt") == read_set(tmp_path / "2017.txt") == ["bear", "swan"]
    with pytest.raises(DatasetError, match="not a set file"):
        read_set(tmp_path / "2018.txt")
