"""Views show what a mask is about, within the frame, in sizes that the encoder takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.encoders import STRIDE
from model.views import CLOSEST, view_of, whole_view


@given(
    height=st.integers(16, 600),
    width=st.integers(16, 900),
    box=st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 1), st.floats(0.01, 1)),
    pixels=st.sampled_from([64 * 64, 320 * 320]),
)
def test_a_view_holds_the_object_and_lies_in_the_frame(
    height: int, width: int, box: tuple[float, float, float, float], pixels: int
) -> None:
    mask = np.zeros((height, width), np.bool_)
    top, left = int(box[0] * (height - 1)), int(box[1] * (width - 1))
    mask[top : top + 1 + int(box[2] * height), left : left + 1 + int(box[3] * width)] = True
    view = view_of(mask, pixels)
    assert 0 <= view.x <= view.x + view.width <= width
    assert 0 <= view.y <= view.y + view.height <= height
    rows, columns = np.nonzero(mask)
    assert view.x <= columns.min()
    assert columns.max() < view.x + view.width
    assert view.y <= rows.min()
    assert rows.max() < view.y + view.height
    assert all(side % STRIDE == 0 and side >= 2 * STRIDE for side in view.size)


def test_a_small_object_is_looked_at_closely_and_not_beyond_reason() -> None:
    mask = np.zeros((480, 854), np.bool_)
    mask[100:120, 200:220] = True
    view = view_of(mask, 384 * 384)
    assert view.width < 300
    assert 1.5 < view.size[1] / view.width <= CLOSEST * 1.1


def test_without_an_object_the_whole_frame_is_looked_at() -> None:
    mask = np.zeros((480, 854), np.bool_)
    assert view_of(mask, 384 * 384) == whole_view((480, 854), 384 * 384)


@pytest.mark.parametrize("size", [(480, 854), (96, 128), (1080, 1920)])
def test_what_is_found_in_a_view_returns_to_its_place(size: tuple[int, int]) -> None:
    """A mask seen through its view and put back is the mask, up to a pixel or two at its edge."""
    mask = np.zeros(size, np.float32)
    mask[size[0] // 4 : size[0] // 2, size[1] // 4 : size[1] // 2] = 1
    view = view_of(mask > 0, 320 * 320)
    back = view.onto(view.of(mask), size, elsewhere=0.0)
    shared, either = np.minimum(back, mask).sum(), np.maximum(back, mask).sum()
    assert shared / either > 0.95
