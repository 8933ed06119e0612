"""What a segmenter finds in one frame."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Planes = npt.NDArray[np.float32]

MODESTY: Final = 2.5
"""Exponent that turns the J which a network's probabilities promise into what is reached.

Networks are too sure of themselves. On the eight held-out sequences, preset balanced, the mean error of the
confidence of a frame was 0.107 (compact) and 0.052 (standard) without it, and 0.051 and 0.026 with it.
"""


@dataclass(frozen=True)
class Segmentation:
    """Where the objects of one frame are.

    `labels` is (H, W) uint8 in the frame's own size, 0 for background, 1..K for the objects.
    `confidence` has one number per object: the J that is to be expected of its mask, 0 where it is absent.
    """

    labels: npt.NDArray[np.uint8]
    confidence: tuple[float, ...]


def as_given(labels: npt.NDArray[np.uint8], objects: int) -> Segmentation:
    """An annotated frame's masks are the caller's own, not ours."""
    return Segmentation(labels, tuple(float((labels == k + 1).any()) for k in range(objects)))


def exclusive(logits: Planes) -> Planes:
    """Probabilities (K, H, W) of objects that exclude each other, from each one's own logits (K, H, W).

    A single object's are those of the logistic function (soft aggregation: Oh et al., STM, ICCV 2019).
    """
    odds = np.exp(np.clip(logits, -15, 15))
    return np.asarray(odds / (1 + odds.sum(axis=0)), np.float32)


def decided(probability: Planes, threshold: float = 0.5) -> Segmentation:
    """Each pixel to its likeliest object, or to none: from probabilities (K, H, W)."""
    if len(probability) == 1:
        labels = (probability[0] > threshold).astype(np.uint8)
    else:
        labels = np.where(probability.max(axis=0) > threshold, probability.argmax(axis=0) + 1, 0).astype(
            np.uint8
        )
    return Segmentation(
        labels, tuple(expected_j(plane, labels == k + 1) for k, plane in enumerate(probability))
    )


def expected_j(probability: Planes, mask: npt.NDArray[np.bool_]) -> float:
    """The J to be expected of a mask (H, W) that was decided by these probabilities (H, W); 0 where it is empty."""
    if not mask.any():
        return 0.0
    inside = float(probability[mask].sum())
    missed = float(probability.sum()) - inside
    promised = inside / (float(mask.sum()) + missed)
    return float(promised**MODESTY)
