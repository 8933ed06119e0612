"""Find the objects of a fine-tuned network in one frame."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor

from model.device import compute_for
from model.frames import shrink, working_size
from model.network import OSVOS
from model.presets import Preset

THRESHOLD: Final = 0.6
"""Of the probability, above which a pixel belongs to an object.

Calibrated with `benchmarks/presets.py` on five sequences of DAVIS-2016 *train* (dog-agility, mallard-water,
soccerball, hike, car-turn; preset fast): mean J is 0.756, 0.755, 0.751, 0.741 and 0.715 at 0.5, 0.6, 0.7, 0.8 and
0.9: it hardly matters. Under OSVOS's full balance it did: J 0.69 at 0.5 and 0.74 at the best, 0.88, and the best
of single clips lay between 0.27 and 0.97.
"""


@dataclass(frozen=True)
class Segmentation:
    """Where the objects of one frame are.

    `labels` is (H, W) uint8 in the frame's own size, 0 for background, 1..K for the objects.
    `confidence` has one number per object: its mean probability within its mask, 0 where it is absent.
    """

    labels: npt.NDArray[np.uint8]
    confidence: tuple[float, ...]


class Segmenter:
    """A fine-tuned network, ready for the frames of its clip. Frames are independent of each other."""

    def __init__(self, network: OSVOS, preset: Preset, device: torch.device) -> None:
        self._compute = compute_for(device, network.backbone)
        self._compute.place(network).eval()
        self._network = network
        self._short_side_px = preset.short_side_px

    def __call__(self, frame: npt.NDArray[np.uint8]) -> Segmentation:
        """The objects in a frame, (H, W, 3) uint8 RGB."""
        probability = self.probability(frame)
        best, index = probability.max(dim=0)
        labels = torch.where(best > THRESHOLD, index + 1, 0).to(torch.uint8)
        confidence = tuple(_mean_within(probability[k], labels == k + 1) for k in range(len(probability)))
        return Segmentation(labels.cpu().numpy(), confidence)

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


def _mean_within(probability: Tensor, mask: Tensor) -> float:
    return float(probability[mask].mean()) if bool(mask.any()) else 0.0
