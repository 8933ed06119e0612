"""A training whose network has a running mean, which is what is kept in the end."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn


def averaged(network: nn.Module, share: float) -> AveragedModel:
    """The running mean of a network's weights; `share` of it stays with each update."""
    return AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(share))  # type: ignore[no-untyped-call]  # untyped in torch


def mean_weights(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The mean's weights, by the network's own names, from what `AveragedTraining.state` returned."""
    weights = {name.removeprefix("module."): value for name, value in state["mean"].items()}
    weights.pop("n_averaged")
    return weights


class AveragedTraining:
    """What such trainings keep in their checkpoints."""

    network: nn.Module
    mean: AveragedModel
    optimiser: Optimizer
    step: int

    def state(self) -> dict[str, Any]:
        """Everything that a later process needs to go on."""
        return {
            "network": self.network.state_dict(),
            "mean": self.mean.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned."""
        self.network.load_state_dict(state["network"])
        self.mean.load_state_dict(state["mean"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step = state["step"]
