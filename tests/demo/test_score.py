"""Judging masks against the truth."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from demo.clip import Mask, write_mask
from demo.score import FramesDifferError, score


def square(left: int) -> Mask:
    mask = np.zeros((40, 60), np.bool_)
    mask[10:30, left : left + 20] = True
    return mask


def folder_of(path: Path, masks: list[Mask]) -> Path:
    path.mkdir()
    for index, mask in enumerate(masks):
        write_mask(path / f"{index:05d}.png", mask)
    return path


def zipped(folder: Path, inside: str = "") -> Path:
    archive = folder.with_suffix(".zip")
    with zipfile.ZipFile(archive, "w") as file:
        for path in folder.iterdir():
            file.write(path, inside + path.name)
    return archive


def test_the_first_and_the_last_frame_are_left_out(tmp_path: Path) -> None:
    truth = folder_of(tmp_path / "truth", [square(10)] * 4)
    seen = zipped(folder_of(tmp_path / "seen", [square(30), square(10), square(20), square(30)]), "clip/")
    judged = score(seen, truth)
    assert judged.frames == 2
    assert judged.jaccard == pytest.approx((1 + 1 / 3) / 2)
    assert 0.5 < judged.boundary_f < 1


def test_masks_of_another_number_of_frames_are_no_score(tmp_path: Path) -> None:
    truth = folder_of(tmp_path / "truth", [square(10)] * 4)
    seen = zipped(folder_of(tmp_path / "seen", [square(10)] * 3))
    with pytest.raises(FramesDifferError, match="3 masks, the truth has 4"):
        score(seen, truth)
