"""Made masks for the measures' tests."""

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from hypothesis.extra import numpy as st_numpy

Mask = npt.NDArray[np.bool_]

_shapes = st_numpy.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=24)


def rectangle(x: int, y: int, width: int, height: int, shape: tuple[int, int] = (20, 30)) -> Mask:
    """An (H, W) bool mask with one rectangle set."""
    mask = np.zeros(shape, bool)
    mask[y : y + height, x : x + width] = True
    return mask


def masks() -> st.SearchStrategy[Mask]:
    """Any small mask."""
    return _shapes.flatmap(lambda shape: st_numpy.arrays(bool, shape))


def mask_pairs() -> st.SearchStrategy[tuple[Mask, Mask]]:
    """Two small masks of one size."""
    return _shapes.flatmap(lambda shape: st.tuples(*[st_numpy.arrays(bool, shape)] * 2))
