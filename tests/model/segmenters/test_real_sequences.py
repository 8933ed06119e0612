"""Either tier on a real sequence that its weights have not seen."""

from pathlib import Path

import numpy as np
import pytest
import torch

from model import tiers
from model.datasets import training_sequence
from model.frames import AnnotatedFrame
from model.measures import jaccard
from model.segmenters import Machine, segmenter
from model.tiers import TIERS

SHARED = Path(__file__).resolve().parents[3] / "../shared"
DAVIS = SHARED / "data" / "davis2016-train"


@pytest.mark.skipif(not DAVIS.exists(), reason="needs ../shared beside the checkout: DAVIS and ResNet-18")
@pytest.mark.parametrize("tier", TIERS)
def test_a_breakdancer_is_followed(tier: str) -> None:
    """Fast, turning, upside down; J over the first dozen frames, in seconds of fine-tuning. No seed is tuned."""
    sequence = training_sequence(DAVIS, "breakdance-flare")
    first = AnnotatedFrame(sequence.image(0), (sequence.labels(0) > 127).astype(np.uint8))
    machine = Machine(torch.device("cpu"), tiers.load(tier, SHARED / "weights"), "compact")
    method = segmenter("auto", "fast", machine)
    learnt = method.learn([first], objects=1, seed=0, on_step=lambda _done, _most: None, enough=lambda: False)
    session = method.session(learnt, [first], objects=1)
    session.anchor(first.image, first.labels)
    overlaps = [
        jaccard(session.step(sequence.image(index)).labels > 0, sequence.labels(index) > 127)
        for index in range(1, 13)
    ]
    assert np.mean(overlaps) > 0.75, overlaps
