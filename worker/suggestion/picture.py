"""Opening what came with a box: a stranger's picture and strokes, their sizes before their pixels."""

import io
import warnings
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image

from worker.errors import InputError

FORMATS: Final = ("PNG", "JPEG", "WEBP")

MOST_PIXELS: Final = 2048 * 2048
"""Of a picture: half of a 4K frame; the page sends the part around the box."""

MOST_SIDE: Final = 8192
"""Of a picture: what the network sees of a long box is half as wide as long, whatever the picture has there."""

FOREGROUND: Final = 255
BACKGROUND: Final = 128
"""Levels of strokes on the object and beside it; 0 is nothing."""

Bytes = npt.NDArray[np.uint8]


def read_picture(data: bytes) -> Bytes:
    """(H, W, 3) RGB. Raises InputError `image_unreadable`, `image_too_large`; nothing is turned by Exif."""
    image = _opened(data, FORMATS, "image")
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise InputError(
            "image_too_large",
            f"`image` is {width}x{height}; at most {MOST_PIXELS:,} pixels. Send the part around the box, or scale it.",
        )
    if max(width, height) > MOST_SIDE:
        detail = (
            f"`image` is {width}x{height}; at most {MOST_SIDE:,} pixels long. Send the part around the box."
        )
        raise InputError("image_too_large", detail)
    return np.asarray(_loaded(image, "image").convert("RGB"))


def read_strokes(data: bytes, size: tuple[int, int]) -> Bytes:
    """(H, W) of 0, BACKGROUND and FOREGROUND, of this size (width, height).

    Raises InputError `strokes_unreadable`, `strokes_wrong_size`, `strokes_invalid`.
    """
    image = _opened(data, ("PNG",), "strokes")
    if image.size != size:
        sizes = f"`strokes` is {image.size[0]}x{image.size[1]} and `image` {size[0]}x{size[1]}"
        raise InputError("strokes_wrong_size", f"{sizes}. Draw the strokes at the picture's size.")
    levels = np.asarray(_loaded(image, "strokes").convert("L"))
    if not np.isin(levels, (0, BACKGROUND, FOREGROUND)).all():
        raise InputError(
            "strokes_invalid",
            f"`strokes` may hold the levels 0, {BACKGROUND} (background) and {FOREGROUND} (object) alone. "
            "Draw without soft edges.",
        )
    return levels


def _opened(data: bytes, formats: tuple[str, ...], field: str) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # we have our own limit on pixels
            return Image.open(io.BytesIO(data), formats=formats)
    except Image.DecompressionBombError as error:
        raise InputError(f"{field}_too_large", f"`{field}` is far too large. Scale it down.") from error
    except Exception as error:  # whatever a damaged file makes Pillow stumble over
        raise _unreadable(field, formats) from error


def _loaded(image: Image.Image, field: str) -> Image.Image:
    try:
        image.load()
    except Exception as error:  # as above
        raise _unreadable(field, FORMATS if field == "image" else ("PNG",)) from error
    return image


def _unreadable(field: str, formats: tuple[str, ...]) -> InputError:
    known = ", ".join(formats)
    return InputError(
        f"{field}_unreadable", f"`{field}` is not a picture that can be read here. Send {known}."
    )
