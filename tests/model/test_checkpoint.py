"""Checkpoints describe themselves, are verified, and parents of others load; everything else is refused."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from model.checkpoint import TORCHVISION_LAYERS, describe, load, load_parent, save
from model.errors import CheckpointError, ChecksumError
from model.network import BACKBONES, OSVOS

CPU = torch.device("cpu")
FACTS: dict[str, str | int | float] = {"preset": "fast", "steps": 120, "learning_rate": 2e-3}


@pytest.fixture
def picture() -> Tensor:
    torch.manual_seed(1)
    return torch.rand(1, 3, 32, 48) * 255


@pytest.fixture
def saved(tmp_path: Path) -> tuple[OSVOS, Path]:
    torch.manual_seed(2)
    network, path = OSVOS("compact", 2).eval(), tmp_path / "network.pt"
    save(network, path, FACTS)
    return network, path


@pytest.fixture(scope="session")
def published() -> dict[str, Tensor]:
    """Weights under the keys and in the shapes of the authors' `parent_epoch-239.pth`."""
    torch.manual_seed(3)
    network = OSVOS("vgg16")
    torch.nn.init.normal_(network.fuse.weight)
    weights = {name: value for name, value in network.state_dict().items() if name not in ("mean", "scale")}
    for number, kernel in enumerate((4, 8, 16, 32)):
        weights[f"upscale.{number}.weight"] = torch.zeros(16, 16, kernel, kernel)
        weights[f"upscale_.{number}.weight"] = torch.zeros(1, 1, kernel, kernel)
    return weights


@pytest.fixture(scope="session")
def torchvision() -> dict[str, Tensor]:
    """Weights under the keys and in the shapes of torchvision's VGG-16, its classifier cut short."""
    torch.manual_seed(4)
    weights = {}
    trunk = OSVOS("vgg16").state_dict()
    for ours, number in TORCHVISION_LAYERS.items():
        for kind in ("weight", "bias"):
            weights[f"features.{number}.{kind}"] = torch.randn_like(trunk[f"{ours}.{kind}"]) * 0.05
    weights["classifier.0.weight"] = torch.zeros(2, 2)
    return weights


def test_a_network_survives_the_file(saved: tuple[OSVOS, Path], picture: Tensor) -> None:
    """Loaded, it gives the same logits, ready to segment, and the file says what it is."""
    network, path = saved
    loaded = load(path, device=CPU)
    torch.testing.assert_close(loaded(picture), network(picture), rtol=0, atol=0)
    assert not loaded.training
    described = describe(path)
    assert (described.backbone, described.objects, described.facts) == ("compact", 2, FACTS)


def test_nothing_but_the_file_is_left_behind(saved: tuple[OSVOS, Path]) -> None:
    assert [path.name for path in saved[1].parent.iterdir()] == ["network.pt"]


def test_the_sha256_is_checked_when_given(saved: tuple[OSVOS, Path]) -> None:
    """The right one loads, whatever its case; another is refused before anything is read from the file."""
    path = saved[1]
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    load(path, sha256=right.upper(), device=CPU)
    with pytest.raises(ChecksumError, match="not 0000") as refused:
        load(path, sha256="0" * 64, device=CPU)
    assert refused.value.code == "checkpoint_checksum"


def rewritten(path: Path, **changes: object) -> None:
    torch.save({**torch.load(path, weights_only=True), **changes}, path)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.write_bytes(b"not a checkpoint"), "not a file of weights"),
        (lambda path: path.write_bytes(b""), "not a file of weights"),
        (lambda path: path.write_bytes(path.read_bytes()[:5000]), "not a file of weights"),
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: torch.save([1, 2], path), "no dictionary"),
        (lambda path: torch.save({"weights": 1}, path), "no checkpoint of Rotomill"),
        (lambda path: rewritten(path, version=99), "version 99"),
        (lambda path: rewritten(path, backbone="resnet"), "does not say"),
        (lambda path: rewritten(path, backbone=["compact"]), "does not say"),
        (lambda path: rewritten(path, objects=0), "does not say"),
        (lambda path: rewritten(path, objects=10**12), "does not say"),
        (lambda path: rewritten(path, objects=3), "fuse|score_dsn"),
        (lambda path: rewritten(path, weights={}), "weights missing"),
        (lambda path: rewritten(path, facts=None), "lacks its weights or its facts"),
    ],
)
def test_damaged_files_are_refused(
    saved: tuple[OSVOS, Path], damage: Callable[[Path], Any], says: str
) -> None:
    """Each is a CheckpointError with a sentence, never an error of pickle or of torch."""
    damage(saved[1])
    with pytest.raises(CheckpointError, match=says):
        load(saved[1], device=CPU)


class Intruder:
    def __reduce__(self) -> tuple[Any, ...]:
        return (Path.touch, (Path("/tmp/intruder"),))


def test_a_file_cannot_run_code(tmp_path: Path) -> None:
    """A pickle that calls a function is refused, not executed."""
    path = tmp_path / "evil.pt"
    torch.save({"format": "rotomill.osvos", "weights": Intruder()}, path)
    with pytest.raises(CheckpointError):
        load(path, device=CPU)


def test_the_published_parent_loads(published: dict[str, Tensor], tmp_path: Path, picture: Tensor) -> None:
    """The authors' keys fit; their fixed up-sampling kernels are dropped."""
    path = tmp_path / "parent_epoch-239.pth"
    torch.save(published, path)
    parent = load_parent(path)
    torch.testing.assert_close(parent.fuse.weight.detach(), published["fuse.weight"])
    torch.testing.assert_close(
        parent.get_parameter("stages.4.5.weight").detach(), published["stages.4.5.weight"]
    )
    assert parent(picture).shape == (1, 1, 32, 48)


def test_a_parent_of_one_object_serves_several(
    published: dict[str, Tensor], tmp_path: Path, picture: Tensor
) -> None:
    """Each object's channel starts as the parent's only one."""
    path = tmp_path / "parent.pth"
    torch.save(published, path)
    several, one = load_parent(path, objects=3), load_parent(path)
    torch.testing.assert_close(several(picture), one(picture).expand(1, 3, 32, 48))


def test_torchvisions_first_layer_sees_what_it_was_trained_on(
    torchvision: dict[str, Tensor], tmp_path: Path, picture: Tensor
) -> None:
    """RGB/255 normalised in torchvision's way and our BGR minus mean give the same features, border included."""
    path = tmp_path / "vgg16.pth"
    torch.save(torchvision, path)
    parent = load_parent(path)
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    deviation = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    expected = F.conv2d(
        (picture / 255 - mean) / deviation,
        torchvision["features.0.weight"],
        torchvision["features.0.bias"],
        padding=1,
    )
    with torch.no_grad():
        ours = parent.get_submodule("stages.0.0")(parent._normalise(picture))
    torch.testing.assert_close(ours, expected, rtol=1e-4, atol=1e-5)


def test_torchvisions_trunk_lands_in_order(torchvision: dict[str, Tensor], tmp_path: Path) -> None:
    """The thirteenth convolution, `features.28`, is the last of stage 5; heads are fresh."""
    path = tmp_path / "vgg16.pth"
    torch.save(torchvision, path)
    parent = load_parent(path, objects=2)
    torch.testing.assert_close(
        parent.get_parameter("stages.4.5.weight").detach(), torchvision["features.28.weight"]
    )
    assert parent.fuse.weight.shape == (2, 64, 1, 1)


def test_the_input_of_a_parent_travels_with_it(
    torchvision: dict[str, Tensor], tmp_path: Path, picture: Tensor
) -> None:
    """Saved and loaded as ours, a network from torchvision's weights keeps ImageNet's mean."""
    torch.save(torchvision, tmp_path / "vgg16.pth")
    parent = load_parent(tmp_path / "vgg16.pth").eval()
    save(parent, tmp_path / "ours.pt", {})
    torch.testing.assert_close(load(tmp_path / "ours.pt", device=CPU)(picture), parent(picture))


def test_our_own_checkpoint_can_be_a_parent(tmp_path: Path) -> None:
    """With its backbone; a network of two objects is no parent for three."""
    save(OSVOS("compact"), tmp_path / "one.pt", {})
    save(OSVOS("compact", 2), tmp_path / "two.pt", {})
    assert load_parent(tmp_path / "one.pt", objects=3).backbone == "compact"
    with pytest.raises(CheckpointError, match="does not fit"):
        load_parent(tmp_path / "two.pt", objects=3)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"stages.4.5.weight": torch.zeros(512, 512, 1, 1)}, "stages.4.5.weight is"),
        ({"stages.4.5.weight": "text"}, "is str"),
        ({"stages.5.1.weight": torch.zeros(1)}, "unknown"),
        ({"fuse.bias": None}, "missing"),
    ],
)
def test_a_misshaped_parent_is_refused(
    published: dict[str, Tensor], tmp_path: Path, change: dict[str, Any], says: str
) -> None:
    """The message names the weight; None here means that it lacks."""
    path = tmp_path / "parent.pth"
    torch.save({name: value for name, value in {**published, **change}.items() if value is not None}, path)
    with pytest.raises(CheckpointError, match=says):
        load_parent(path)


@pytest.mark.parametrize(
    "change",
    [
        {"features.28.bias": None},
        {"features.0.weight": torch.zeros(64, 3, 7, 7)},
        {"features.0.weight": "text"},
    ],
)
def test_another_torchvision_network_is_refused(
    torchvision: dict[str, Tensor], tmp_path: Path, change: dict[str, Any]
) -> None:
    path = tmp_path / "vgg.pth"
    torch.save({name: value for name, value in {**torchvision, **change}.items() if value is not None}, path)
    with pytest.raises(CheckpointError, match="VGG-16"):
        load_parent(path)


def test_a_stranger_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "stranger.pth"
    torch.save({"conv1.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="neither"):
        load_parent(path)


def test_both_backbones_are_known() -> None:
    assert set(BACKBONES) == {"vgg16", "compact"}
