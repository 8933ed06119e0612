"""The loss that fine-tuning and parent training minimise."""

import torch.nn.functional as F
from torch import Tensor


def balanced_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Class-balanced cross-entropy, the mean over pictures and objects: a scalar.

    `logits` and `truth` are (N, K, H, W); `truth` is the share of each pixel that the object covers,
    0–1. Object and background weigh one half each, whatever their areas.

    The balance is that of Xie & Tu (HED, 2015), which OSVOS uses. OSVOS *sums* it, so that its learning
    rate silently grows with the picture and the object, 25-fold between two clips of DAVIS; this is the
    mean. Where an object is absent (or fills the picture) the other class has the whole weight:
    the published loss is zero there and teaches nothing.
    """
    positive = truth * F.softplus(-logits)
    negative = (1 - truth) * F.softplus(logits)
    area = truth.sum((-2, -1))
    rest = truth[0, 0].numel() - area
    share = 0.5 + 0.5 * (rest <= 0).to(area) - 0.5 * (area <= 0).to(area)
    # The clamps only meet sums that are zero: an empty class divides nothing by one.
    of_object = positive.sum((-2, -1)) / area.clamp(min=1e-6)
    of_background = negative.sum((-2, -1)) / rest.clamp(min=1e-6)
    return (share * of_object + (1 - share) * of_background).mean()
