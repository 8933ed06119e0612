"""The loss that fine-tuning and parent training minimise."""

import torch.nn.functional as F
from torch import Tensor


def balanced_loss(logits: Tensor, truth: Tensor, *, balance: float = 0.5) -> Tensor:
    """Class-balanced cross-entropy, the mean over pictures and objects: a scalar.

    `logits` and `truth` are (N, K, H, W); `truth` is the share of each pixel that the object covers, 0–1.

    `balance` 1 lets object and background weigh the same, whatever their areas, as OSVOS does (after Xie &
    Tu, HED, 2015); 0 is the plain mean, which neglects small objects. Between the two, classes weigh as
    area ** (1 - balance). Full balance inflates the object, the more the smaller it is, so that each clip
    asks for another threshold: see `THRESHOLD` in `model/segmenters/osvos.py`; one half was the best.

    OSVOS *sums* over pixels, so that its learning rate silently grows with the picture and with the object,
    25-fold between two clips of DAVIS; this is a mean. Where an object is absent, the background has the
    whole weight: the published loss is zero there and teaches nothing.
    """
    pixels = truth.shape[-2] * truth.shape[-1]
    area = truth.sum((-2, -1))
    rest = pixels - area
    object_weight = (area / pixels) ** (1 - balance) * (area > 0)
    rest_weight = (rest / pixels) ** (1 - balance) * (rest > 0)
    # The clamps meet only sums that are zero: they keep an absent class from dividing nothing by nothing.
    object_loss = (truth * F.softplus(-logits)).sum((-2, -1)) / area.clamp(min=1e-6)
    rest_loss = ((1 - truth) * F.softplus(logits)).sum((-2, -1)) / rest.clamp(min=1e-6)
    weighted = object_weight * object_loss + rest_weight * rest_loss
    return (weighted / (object_weight + rest_weight)).mean()


def mask_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy plus one minus the overlap: the first is steady, the second is what is measured.

    Shapes as in `balanced_loss`.
    """
    found = logits.sigmoid()
    shared = (found * truth).sum((-2, -1))
    either = (found + truth - found * truth).sum((-2, -1))
    # the constant, in pixels, forgives specks where the object is absent
    return balanced_loss(logits, truth) + (1 - (shared + 20) / (either + 20)).mean()
