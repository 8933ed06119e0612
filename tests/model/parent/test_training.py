"""Trainings of parents: equal seeds give equal weights, a stop in between changes nothing, losses fall."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch

from model import checkpoint, tiers
from model.parent.__main__ import main
from model.parent.clips import FRAMES, Shot, Source, sequences, stills
from model.parent.loop import run
from model.parent.osvos import OsvosRecipe, OsvosTraining, begun
from model.parent.tracker import TrackerRecipe, TrackerTraining
from model.tracker import Tracker
from tests.model.synthetic import clip

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def shots() -> list[Shot]:
    frames = clip(frames=6, carried=True)
    pictures, masks = zip(*((image, labels * np.uint8(255)) for image, labels in frames), strict=True)
    return [Shot("disk", tuple(pictures), tuple(masks))]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, shots: list[Shot]) -> Path:
    """The shot as two sequences in DAVIS's layout, and its first frame as a still."""
    root = tmp_path_factory.mktemp("data")
    for name in ("one", "two"):
        for number, (picture, mask) in enumerate(zip(shots[0].pictures, shots[0].masks, strict=True)):
            _write(root / "davis/JPEGImages/480p" / name / f"{number:05d}.jpg", picture[..., ::-1])
            _write(root / "davis/Annotations/480p" / name / f"{number:05d}.png", mask)
    _write(root / "stills/JPEGImages/a.jpg", shots[0].pictures[0][..., ::-1])
    _write(root / "stills/Annotations/a.png", shots[0].masks[0])
    _write(root / "stills/JPEGImages/unmasked.jpg", shots[0].pictures[0][..., ::-1])
    return root


def _write(path: Path, picture: npt.NDArray[np.uint8]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture)


def tracker_training(shots: list[Shot], steps: int = 4, seed: int = 0) -> TrackerTraining:
    torch.manual_seed(seed)
    recipe = TrackerRecipe("compact", steps, 2, 1e-3, 64, seed)
    return TrackerTraining(recipe, Tracker("compact"), Source(shots, shots, 64), CPU)


def osvos_training(shots: list[Shot], steps: int = 4, seed: int = 0) -> OsvosTraining:
    recipe = OsvosRecipe("compact", steps, 2, 2e-3, seed)
    return OsvosTraining(recipe, begun(recipe, None), shots, CPU)


@pytest.mark.parametrize("training", [tracker_training, osvos_training])
def test_a_stop_in_between_changes_nothing(
    training: Callable[..., Any], shots: list[Shot], tmp_path: Path
) -> None:
    """Nor in the log: what was learnt after the last checkpoint is learnt and told again."""
    whole = training(shots)
    run(whole, tmp_path / "whole")
    run(training(shots), tmp_path / "parts", until=2)
    with (tmp_path / "parts" / "log.jsonl").open("a") as log:
        print(json.dumps({"step": 3, "loss": 1.0, "seconds": 1.0}), file=log)
    resumed = training(shots)
    run(resumed, tmp_path / "parts")
    assert resumed.step == 4
    for ours, theirs in zip(resumed.network.parameters(), whole.network.parameters(), strict=True):
        assert torch.equal(ours, theirs)
    told = [json.loads(line)["step"] for line in (tmp_path / "parts" / "log.jsonl").open()]
    assert told == [2, 4]


@pytest.mark.parametrize("training", [tracker_training, osvos_training])
def test_the_seed_decides(training: Callable[..., Any], shots: list[Shot]) -> None:
    def weights(seed: int) -> torch.Tensor:
        trained = training(shots, 2, seed)
        for step in range(2):
            trained.update(trained.draw(step))
        return torch.cat([weight.flatten() for weight in trained.network.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


@pytest.mark.parametrize("training", [tracker_training, osvos_training])
def test_there_is_something_to_learn(training: Callable[..., Any], shots: list[Shot]) -> None:
    """On the same batch again and again, the loss falls."""
    trained = training(shots, 25)
    batch = trained.draw(0)
    losses = []
    for _ in range(25):
        rng = np.random.default_rng(0)
        losses.append(trained.update((batch[0], rng) if isinstance(batch, tuple) else batch))
    assert np.mean(losses[-3:]) < 0.8 * losses[0], losses


def test_clips_of_sequences_and_of_stills(shots: list[Shot]) -> None:
    rng = np.random.default_rng(0)
    for source in (Source(shots, [], 64), Source([], shots, 64)):
        for _ in range(8):
            drawn = source.draw(rng)
            assert drawn.pictures.shape == (FRAMES, 64, 64, 3)
            assert drawn.pictures.dtype == np.uint8
            assert drawn.covers.shape == (FRAMES, 64, 64)
            assert drawn.covers.dtype == np.float32
            assert 0 <= drawn.covers.min() <= drawn.covers.max() <= 1
            assert drawn.covers[0].max() > 0.5


def test_data_is_read_from_davis_layout_and_from_stills(data: Path) -> None:
    (shot,) = sequences(data / "davis", ["one"], 48)
    assert len(shot.pictures) == len(shot.masks) == 6
    assert min(shot.pictures[0].shape[:2]) == 48
    assert [still.name for still in stills(data / "stills")] == ["a"]


def test_the_command_trains_resumes_and_exports(data: Path, tmp_path: Path) -> None:
    folder, weights = tmp_path / "run", tmp_path / "compact.pth"
    command = ["tracker", "--encoder", "compact", "--davis", str(data / "davis"), "--hold-out", "two"]
    command += ["--stills", str(data / "stills"), "--size", "64", "--batch", "1", "--steps", "2"]
    command += ["--device", "cpu", "-o", str(folder)]
    assert main([*command, "--until", "1"]) == 0
    assert main(command) == 0
    assert json.loads((folder / "recipe.json").read_text())["held_out"] == ["two"]
    assert main(["export", str(folder), str(weights)]) == 0
    assert tiers.read(weights).encoder_name == "compact"
    assert weights.with_suffix(".png").stat().st_size > 1000


def test_the_command_trains_osvos(data: Path, tmp_path: Path) -> None:
    folder, weights = tmp_path / "run", tmp_path / "parent.pth"
    command = ["osvos", "--backbone", "compact", "--davis", str(data / "davis"), "--size", "48"]
    command += ["--batch", "1", "--steps", "1", "--device", "cpu", "-o", str(folder)]
    assert main(command) == 0
    assert main(["export", str(folder), str(weights)]) == 0
    assert checkpoint.load_parent(weights).backbone == "compact"


def test_a_frozen_encoder_without_its_weights_is_refused(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["tracker", "--encoder", "resnet18", "--davis", str(data / "davis"), "-o", str(tmp_path)]
    assert main(command) == 2
    assert "--backbone" in capsys.readouterr().err
