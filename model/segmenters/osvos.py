"""OSVOS (Caelles et al., CVPR 2017): every frame by itself, by a network fine-tuned on the annotated ones."""

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from model.device import compute_for
from model.errors import NetworkError
from model.finetune import finetune
from model.frames import AnnotatedFrame, shrink, working_size
from model.learnt import Description, Learnt
from model.network import OSVOS
from model.presets import Preset
from model.segmentation import Segmentation, as_given, decided
from model.segmenters.interface import OnStep

THRESHOLD: Final = 0.6
"""Of the probability, above which a pixel belongs to an object.

Calibrated on five sequences of DAVIS-2016 *train* (dog-agility, mallard-water, soccerball, hike, car-turn; compact
backbone from random weights, preset fast): mean J is 0.756, 0.755, 0.751, 0.741 and 0.715 at 0.5, 0.6, 0.7, 0.8 and
0.9: it hardly matters. Under OSVOS's full balance it did: J 0.69 at 0.5 and 0.74 at the best, 0.88, and the best
of single clips lay between 0.27 and 0.97.
"""


class OsvosSegmenter:
    """The paper's method over any backbone, from a parent network or from random weights."""

    name = "osvos"

    def __init__(
        self, preset: Preset, device: torch.device, backbone: str, parent: OSVOS | None = None
    ) -> None:
        self._preset, self._device, self._parent = preset, device, parent
        self._backbone = backbone if parent is None else parent.backbone
        self.description: Description = {"name": self.name, "backbone": self._backbone}
        self.steps = preset.steps
        self.seconds_per_step = preset.seconds_per_step
        self.seconds_per_frame = preset.seconds_per_frame
        self.learns_each_object = True

    def learn(
        self,
        annotated: Sequence[AnnotatedFrame],
        *,
        objects: int,
        seed: int,
        on_step: OnStep,
        enough: Callable[[], bool],
        start: Learnt | None = None,
    ) -> Learnt:
        """Fine-tune the network on variations of the annotated frames."""
        network, steps = finetune(
            annotated,
            self._preset,
            objects=objects,
            seed=seed,
            device=self._device,
            backbone=self._backbone,
            parent=self._parent if start is None else self._network(start, objects),
            on_step=on_step,
            enough=enough,
        )
        return Learnt({name: value.cpu() for name, value in network.state_dict().items()}, steps)

    def session(self, learnt: Learnt, annotated: Sequence[AnnotatedFrame], *, objects: int) -> "OsvosSession":
        """A clip to which the fine-tuned network is shown frame by frame."""
        del annotated
        return OsvosSession(self._network(learnt, objects), self._preset, self._device)

    def _network(self, learnt: Learnt, objects: int) -> OSVOS:
        network = OSVOS(self._backbone, objects)
        try:
            network.load_state_dict(learnt.weights)
        except RuntimeError as error:
            raise NetworkError(f"What was learnt is not of this network: {error}") from error
        return network


class OsvosSession:
    """A fine-tuned network, ready for the frames of its clip. Frames are independent of each other."""

    def __init__(self, network: OSVOS, preset: Preset, device: torch.device) -> None:
        self._compute = compute_for(device, network.backbone)
        self._compute.place(network).eval()
        self._network = network
        self._short_side_px = preset.short_side_px

    def anchor(self, frame: npt.NDArray[np.uint8], labels: npt.NDArray[np.uint8]) -> Segmentation:
        """As `Session`; this frame teaches nothing more."""
        del frame
        return as_given(labels, self._network.objects)

    def again(self) -> None:
        """As `Session`."""

    def step(self, frame: npt.NDArray[np.uint8]) -> Segmentation:
        """As `Session`."""
        return decided(self.probability(frame).cpu().numpy(), THRESHOLD)

    @torch.inference_mode()
    def probability(self, frame: npt.NDArray[np.uint8]) -> Tensor:
        """Per object and pixel of the frame, (K, H, W). Pixels are up-sampled as logits: edges stay sharp."""
        height, width = frame.shape[:2]
        small = shrink(frame, working_size(height, width, self._short_side_px))
        picture = torch.from_numpy(small).to(self._compute.device).permute(2, 0, 1)[None]
        with self._compute.autocast():
            logits = self._network(picture)
        full = F.interpolate(logits, size=(height, width), mode="bilinear", align_corners=False)
        return full[0].sigmoid()
