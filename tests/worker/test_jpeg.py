"""Frames as JPEG files."""

import io

import numpy as np
import pytest
from PIL import Image

from worker.jpeg import MOST_SIDE, jpeg_of


@pytest.mark.parametrize(
    ("size", "width", "expected"),
    [
        ((320, 180), None, (320, 180)),
        ((320, 180), 160, (160, 90)),
        ((320, 180), 640, (320, 180)),
        ((66_000, 16), None, (MOST_SIDE, 16)),
        ((66_000, 16), 3300, (3300, 1)),
        ((16, 66_000), None, (16, MOST_SIDE)),
        ((1, 70_000), 16, (1, MOST_SIDE)),
    ],
)
def test_a_picture_is_scaled_down_where_asked_and_where_no_jpeg_is_as_long(
    size: tuple[int, int], width: int | None, expected: tuple[int, int]
) -> None:
    content = jpeg_of(np.zeros((size[1], size[0], 3), np.uint8), width)
    assert Image.open(io.BytesIO(content)).size == expected
