"""What DAVIS reports of a measure over a sequence: mean, recall and decay."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# DAVIS: a frame counts as found when the measure is above this.
RECALL_ABOVE = 0.5
_BINS = 4


@dataclass(frozen=True)
class Statistics:
    """A measure over the frames of one sequence; each number is a share, not a percentage."""

    mean: float
    recall: float
    """The share of frames above 0.5."""
    decay: float
    """Mean of the first quarter less that of the last: what is lost along the way."""


def statistics(values: Sequence[float]) -> Statistics:
    """Mean, recall and decay of one value per scored frame, in order.

    The quarters are DAVIS's (`db_statistics`): both their ends are inside, so neighbours share a
    frame. The official toolkit keeps the ends in eight bits, which gives a wrong decay for more
    than 256 frames; here they are whole numbers, so that shorter sequences agree with it and
    longer ones are right. Raises ValueError without values.
    """
    if len(values) == 0:
        raise ValueError("statistics need at least one value")
    series = np.asarray(values, dtype=np.float64)
    # DAVIS adds the small amount so that halves round up, and not to the even number.
    ends = np.round(np.linspace(1, len(series), _BINS + 1) + 1e-10).astype(np.int64) - 1
    first = series[ends[0] : ends[1] + 1]
    last = series[ends[-2] : ends[-1] + 1]
    return Statistics(
        mean=float(series.mean()),
        recall=float((series > RECALL_ABOVE).mean()),
        decay=float(first.mean() - last.mean()),
    )
