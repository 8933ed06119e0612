"""Scoring results against the truth, as the command line does it."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from model.evaluate import main

SHARED = Path(__file__).resolve().parents[2] / "../shared"
DAVIS = SHARED / "data/davis2016-train/Annotations/480p"
GOLDEN = SHARED / "golden/davis_measures.json"


def save(folder: Path, frames: Sequence[npt.NDArray[np.uint8]]) -> None:
    """Writes (H, W) label arrays as 00000.png and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for frame, labels in enumerate(frames):
        Image.fromarray(labels).save(folder / f"{frame:05d}.png")


def square(x: int, label: int = 1, size: int = 10) -> npt.NDArray[np.uint8]:
    labels = np.zeros((40, 60), np.uint8)
    labels[10 : 10 + size, x : x + size] = label
    return labels


def evaluate(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, Any]:
    """The exit status, and what the command prints: the JSON, or the sentence on stderr."""
    status = main([*map(str, arguments), "--json"])
    captured = capsys.readouterr()
    return status, json.loads(captured.out) if status == 0 else captured.err


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    save(tmp_path / "truth/moving", [square(x, 255) for x in (5, 6, 7, 8)])
    return tmp_path / "truth"


def test_the_truth_scores_one(capsys: pytest.CaptureFixture[str], truth: Path) -> None:
    status, found = evaluate(capsys, truth, truth)
    assert status == 0
    moving = found["sequences"]["moving"]
    assert (moving["frames"], moving["scored"]) == (4, 2)
    assert moving["J&F_mean"] == moving["J_mean"] == moving["F_mean"] == moving["J_recall"] == 1
    assert moving["J_decay"] == 0


def test_the_first_and_the_last_frame_count_only_on_request(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, truth: Path
) -> None:
    blank = np.zeros((40, 60), np.uint8)
    save(tmp_path / "results/moving", [blank, square(6), square(7), blank])
    assert evaluate(capsys, tmp_path / "results", truth)[1]["sequences"]["moving"]["J_mean"] == 1
    all_frames = evaluate(capsys, tmp_path / "results", truth, "--all-frames")[1]
    assert all_frames["sequences"]["moving"]["J_mean"] == 0.5


def test_objects_are_averaged_within_a_sequence_and_over_all(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    both = square(5, 1) + square(30, 2)
    save(tmp_path / "truth/pair", [both] * 3)
    save(tmp_path / "truth/single", [square(5)] * 3)
    # one object found of the two: J 1 and 0
    save(tmp_path / "results/pair", [square(5, 1)] * 3)
    save(tmp_path / "results/single", [square(5)] * 3)
    found = evaluate(capsys, tmp_path / "results", tmp_path / "truth")[1]
    assert found["sequences"]["pair"]["J_mean"] == 0.5
    assert [each["J_mean"] for each in found["sequences"]["pair"]["objects"].values()] == [1, 0]
    overall = {title: mean["J_mean"] for title, mean in found["overall"].items()}
    assert overall == {
        "mean over 2 sequences (DAVIS-2016)": 0.75,
        "mean over 3 objects (DAVIS-2017)": pytest.approx(2 / 3),
    }


def test_void_pixels_count_for_neither_side(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    labels = square(5, 1)
    labels[30:] = 255
    save(tmp_path / "truth", [labels] * 3)
    wrong = square(5, 1)
    wrong[32:] = 1
    save(tmp_path / "results", [wrong] * 3)
    assert evaluate(capsys, tmp_path / "results", tmp_path / "truth")[1]["sequences"]["truth"]["J_mean"] == 1


def test_an_archive_is_scored_against_one_sequence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, truth: Path
) -> None:
    shutil.make_archive(str(tmp_path / "masks"), "zip", truth / "moving")
    status, found = evaluate(capsys, tmp_path / "masks.zip", truth / "moving")
    assert status == 0
    assert found["sequences"]["moving"]["J_mean"] == 1


def test_a_set_names_what_is_scored_and_must_be_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, truth: Path
) -> None:
    save(truth / "other", [square(5)] * 3)
    save(tmp_path / "results/moving", [square(5)] * 4)
    assert list(evaluate(capsys, tmp_path / "results", truth)[1]["sequences"]) == ["moving"]
    (tmp_path / "set.txt").write_text("moving\nother\n")
    status, message = evaluate(capsys, tmp_path / "results", truth, "--set", tmp_path / "set.txt")
    assert status == 2
    assert "the results lack other" in message


def test_the_table_has_a_row_per_sequence_and_says_what_the_mean_is_over(
    capsys: pytest.CaptureFixture[str], truth: Path
) -> None:
    assert main([str(truth), str(truth)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == [
        "J&F-Mean", "J-Mean", "J-Recall", "J-Decay", "F-Mean", "F-Recall", "F-Decay"
    ]  # fmt: skip
    assert lines[1].startswith("moving (2 frames)")
    assert lines[-1].startswith("mean over 1 sequences (DAVIS-2016)")


def _missing_frame(results: Path) -> None:
    (results / "moving/00002.png").unlink()


def _other_size(results: Path) -> None:
    save(results / "moving", [np.zeros((20, 30), np.uint8)] * 4)


def _other_name(results: Path) -> None:
    (results / "moving").rename(results / "elsewhere")
    shutil.copytree(results / "elsewhere", results / "nowhere")


def _no_results(results: Path) -> None:
    shutil.rmtree(results)


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_missing_frame, "moving: the results lack 00002.png"),
        (_other_size, "moving, frame 1: the result is 30x20, the truth 60x40"),
        (_other_name, "no sequence in common: the results have elsewhere, nowhere, the truth has moving"),
        (_no_results, "no such folder or archive"),
    ],
)
def test_what_cannot_be_scored_is_said_in_a_sentence(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    truth: Path,
    damage: Callable[[Path], None],
    sentence: str,
) -> None:
    results = Path(shutil.copytree(truth, tmp_path / "results"))
    damage(results)
    status, message = evaluate(capsys, results, truth)
    assert status == 2
    assert sentence in message


def test_an_object_that_the_truth_does_not_know_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    save(tmp_path / "truth", [square(5, 1) + square(30, 2)] * 3)
    save(tmp_path / "results", [square(5, 1) + square(30, 3)] * 3)
    status, message = evaluate(capsys, tmp_path / "results", tmp_path / "truth")
    assert status == 2
    assert "labels that the truth has not: [3]" in message


def test_a_truth_with_nothing_to_score_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    save(tmp_path / "short", [square(5)] * 2)
    assert "nothing to score in 2 frames" in evaluate(capsys, tmp_path / "short", tmp_path / "short")[1]
    save(tmp_path / "blank", [np.zeros((4, 4), np.uint8)] * 3)
    assert "no object in the first mask" in evaluate(capsys, tmp_path / "blank", tmp_path / "blank")[1]


@pytest.mark.skipif(not GOLDEN.exists(), reason="needs ../shared beside the checkout: the official scores")
@pytest.mark.skipif(not DAVIS.exists(), reason="needs ../shared beside the checkout: DAVIS-2016's masks")
def test_the_official_toolkits_scores_are_reproduced(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The prediction is the true mask of the frame before."""
    golden = json.loads(GOLDEN.read_text())["sequences"]
    for name in golden:
        masks = sorted((DAVIS / name).glob("*.png"))
        (tmp_path / name).mkdir()
        for before, mask in zip([masks[0], *masks], masks, strict=False):
            (tmp_path / name / mask.name).symlink_to(before.resolve())
    status, found = evaluate(capsys, tmp_path, DAVIS)
    assert status == 0
    for name, expected in golden.items():
        measured = {key: found["sequences"][name][key] for key in expected}
        assert measured == pytest.approx(expected, abs=1e-4), name
