"""The best tier that is there runs; one that was asked for and is not there says what to do."""

import hashlib
from pathlib import Path

import pytest
import torch

from model import tiers
from model.errors import CheckpointError
from model.tiers import WeightsMissingError
from model.tracker import Tracker
from tests.model.test_encoders import torchvision_weights

OFFICIAL = "resnet18-f37072fd.pth"


def test_with_nothing_downloaded_the_compact_tier_runs(tmp_path: Path) -> None:
    tier = tiers.load("auto", tmp_path)
    assert tier.name == tiers.available(tmp_path) == "compact"
    assert set(tier.sha256) == {"compact.pth"}
    assert not tier.parent.training


def test_the_standard_tier_without_its_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissingError, match="rotomill weights pull"):
        tiers.load("standard", tmp_path)
    with pytest.raises(WeightsMissingError, match="auto, standard or compact"):
        tiers.load("giant", tmp_path)


def test_a_damaged_download_counts_as_missing(tmp_path: Path) -> None:
    """Nothing fails: the compact tier runs."""
    (tmp_path / OFFICIAL).write_bytes(b"<html>504 Gateway Timeout</html>")
    assert tiers.load("auto", tmp_path).name == "compact"


def test_the_standard_tier_runs_where_the_backbone_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the file whole (here: another one, whose checksum counts as right), it is the best there is."""
    weights = torchvision_weights()
    torch.save(weights, tmp_path / OFFICIAL)
    monkeypatch.setattr(tiers, "BACKBONE_FILES", {OFFICIAL: tiers._sha256(tmp_path / OFFICIAL)})
    tier = tiers.load("auto", tmp_path)
    assert tier.name == "standard"
    assert set(tier.sha256) == {"standard.pth", OFFICIAL}
    gain = weights["bn1.weight"] / (weights["bn1.running_var"] + 1e-5).sqrt()
    expected = weights["conv1.weight"] * gain.view(-1, 1, 1, 1)
    assert torch.equal(tier.parent.encoder.state_dict()["conv1.weight"], expected)


def test_what_is_saved_comes_back_without_a_frozen_encoder(tmp_path: Path) -> None:
    """In half precision; ImageNet's weights are never in our files."""
    network = Tracker("resnet18")
    path = tmp_path / "standard.pth"
    tiers.save(network, path, {"steps": 1})
    assert path.stat().st_size < 4_000_000
    again = tiers.read(path)
    for name, value in tiers.trained(network).items():
        assert not name.startswith("encoder.")
        assert torch.equal(again.state_dict()[name], value.half().float())


def test_weights_of_another_network_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        tiers.fill(Tracker("compact"), tiers.trained(Tracker("resnet18")))
    torch.save({"format": "something"}, tmp_path / "x.pth")
    with pytest.raises(CheckpointError):
        tiers.read(tmp_path / "x.pth")


def test_what_ships_is_small() -> None:
    """At most 24 MB together."""
    assert sum(path.stat().st_size for path in tiers.SHIPPED.glob("*.pth")) <= 24_000_000


def test_the_model_card_describes_what_ships() -> None:
    """Every shipped file by its SHA-256; together they stay small."""
    card = (Path(__file__).parents[2] / "docs" / "model-card.md").read_text()
    shipped = sorted(tiers.SHIPPED.glob("*.pth"))
    assert [path.stem for path in shipped] == sorted(tiers.TIERS)
    for path in shipped:
        assert hashlib.sha256(path.read_bytes()).hexdigest() in card
    assert sum(path.stat().st_size for path in shipped) < 24e6
