"""Opening a stranger's picture: its size before its pixels, few formats, and its kind of pixels."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PIL import Image

from worker.errors import InputError

FORMATS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "GIF")
LOSSY = {"JPEG", "MPO", "WEBP"}

# 8192 x 8192, as for clips: 268 MB once decoded to RGBA, well inside the inspection's memory limit.
MAX_MASK_PIXELS = 8192 * 8192

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Picture:
    """A decoded mask picture, in the one form of the three that its file has."""

    lossy: bool
    levels: npt.NDArray[np.integer] | None = None
    """(H,W) palette indices or grey levels, where the file has one channel of integers."""
    palette: tuple[tuple[int, int, int, int], ...] | None = None
    """RGBA of each index, where `levels` are indices."""
    rgba: Bytes | None = None
    """(H,W,4), where the file has colours."""


def read_picture(data: bytes, size: tuple[int, int], name: str) -> Picture:
    """Decode a mask picture of exactly `size` (width, height); `name` is the form field, for the message.

    Raises InputError `mask_unreadable`, `mask_too_large`, `mask_wrong_size`: sizes before anything is decoded.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # we have our own limit on pixels
            image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise InputError(
            "mask_too_large", f"{name} is far larger than the clip. Draw the mask at {size[0]}x{size[1]}."
        ) from error
    except (OSError, ValueError, SyntaxError) as error:
        raise _unreadable(name) from error
    _check_size(image.size, size, name)
    try:
        image.load()
        return _picture(image)
    # Pillow's decoders raise whatever a damaged file makes them stumble over.
    except Exception as error:
        raise _unreadable(name) from error


def _check_size(found: tuple[int, int], wanted: tuple[int, int], name: str) -> None:
    if found == wanted:
        return
    sizes = f"{name} is {found[0]}x{found[1]}, the clip is {wanted[0]}x{wanted[1]}"
    if found[0] * found[1] > MAX_MASK_PIXELS:
        raise InputError("mask_too_large", f"{sizes}. Draw the mask at the clip's size.")
    if found == wanted[::-1]:
        raise InputError(
            "mask_wrong_size",
            f"{sizes}: the mask lies on its side. Draw it on the upright picture, as players show the clip.",
        )
    raise InputError(
        "mask_wrong_size", f"{sizes}. Draw the mask at the clip's size, without cropping or scaling."
    )


def _unreadable(name: str) -> InputError:
    return InputError(
        "mask_unreadable",
        f"{name} is not a picture that can be read here. Save the mask as a PNG and upload that.",
    )


def _picture(image: Image.Image) -> Picture:
    lossy = image.format in LOSSY
    if image.mode == "P":
        return Picture(lossy, levels=np.asarray(image), palette=_palette(image))
    if image.mode in {"L", "1"} and "transparency" not in image.info:
        return Picture(lossy, levels=np.asarray(image.convert("L")))
    if image.mode.startswith(("I", "F")):
        return Picture(lossy, levels=_eight_bits(np.asarray(image)))
    return Picture(lossy, rgba=np.asarray(image.convert("RGBA")))


def _palette(image: Image.Image) -> tuple[tuple[int, int, int, int], ...]:
    strip = Image.new("P", (256, 1))
    strip.putdata(range(256))
    strip.putpalette(image.getpalette() or [])
    colors = np.asarray(strip.convert("RGB"))[0]
    alpha = np.full(256, 255)
    transparent = image.info.get("transparency")
    if isinstance(transparent, int):
        alpha[transparent] = 0
    elif isinstance(transparent, bytes):
        alpha[: len(transparent)] = np.frombuffer(transparent, np.uint8)
    return tuple((int(r), int(g), int(b), int(a)) for (r, g, b), a in zip(colors, alpha, strict=True))


def _eight_bits(levels: npt.NDArray[np.generic]) -> Bytes:
    """16-bit, 32-bit and float greys on the scale of 8 bits; what fits already (labels 0, 1, 2) stays."""
    values = np.nan_to_num(levels.astype(np.float64))
    top = values.max(initial=0.0)
    if levels.dtype.kind == "f" and top <= 1:
        values *= 255
    elif top > 255:
        values *= 255 / (65535 if top >= 4096 else top)
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
