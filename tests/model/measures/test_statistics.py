"""Mean, recall and decay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.measures import statistics


def test_by_hand() -> None:
    # five frames: the quarters' ends are frames 1, 2, 3, 4, 5, each shared with its neighbour
    found = statistics([1.0, 0.8, 0.6, 0.5, 0.1])
    assert found.mean == pytest.approx(0.6)
    assert found.recall == pytest.approx(3 / 5)  # 0.5 itself is not above it
    assert found.decay == pytest.approx((1.0 + 0.8) / 2 - (0.5 + 0.1) / 2)


def test_halves_round_up_as_the_official_toolkit_has_it() -> None:
    # three frames: the ends are 1, 1.5, 2, 2.5, 3, rounded 1, 2, 2, 3 (not 2), 3
    assert statistics([0.9, 0.6, 0.3]).decay == pytest.approx((0.9 + 0.6) / 2 - 0.3)


def test_decay_is_right_beyond_256_frames() -> None:
    # 400 frames that fall from 1 to 0: the means of the first and the last quarter are 3/4 apart
    assert statistics(np.linspace(1, 0, 400).tolist()).decay == pytest.approx(0.75, abs=0.01)


def test_one_frame_does_not_decay() -> None:
    assert statistics([0.7]).decay == 0.0


def test_nothing_has_no_statistics() -> None:
    with pytest.raises(ValueError, match="at least one"):
        statistics([])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=256))
def test_sequences_that_fit_eight_bits_agree_with_the_official_rule(values: list[float]) -> None:
    ends = (np.round(np.linspace(1, len(values), 5) + 1e-10) - 1).astype(np.uint8)
    bins = [values[ends[i] : ends[i + 1] + 1] for i in range(4)]
    assert statistics(values).decay == pytest.approx(np.mean(bins[0]) - np.mean(bins[3]))
