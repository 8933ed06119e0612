"""What is done once for all confined children, before any of them is one.

A child cannot open a file, so all modules that it may need are loaded here. And what Python and the libraries do at
their first times only, such as specialising code, would be done, and its memory copied, by every child again: the
inspection of a clip of our own takes a quarter of the page faults and a third of the time off each.
"""

import importlib
import io
import pkgutil
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from typing import BinaryIO, Final

import av
import numpy as np
import PIL
from PIL import Image

from worker.inspection import inspect_upload
from worker.media import ClipLimits

# They open windows, or print.
_UNWANTED: Final = ("Tk", "Qt", "Show", "Grab", "report")
_LATE_IN_NUMPY: Final = ("ma", "random", "linalg", "fft", "polynomial", "char", "strings", "rec", "dtypes")
# that texts and names in files may be in
_CODECS: Final = (
    "ascii",
    "latin_1",
    "utf_8",
    "utf_16",
    "utf_16_le",
    "utf_16_be",
    "utf_32",
    "cp437",
    "cp1252",
)

# Python 3.11 specialises a function from its eighth call on.
_TIMES: Final = 10


def rehearse() -> None:
    """Load what loads late, and inspect a small clip of our own."""
    Image.init()
    for name in _late_modules():
        with suppress(ImportError):  # some want what is not installed
            importlib.import_module(name)
    upload = {"video": _clip(), "mask": _mask()}

    def open_source(name: str) -> BinaryIO:
        return io.BytesIO(upload[name])

    for _ in range(_TIMES):
        inspect_upload(open_source, "video", {0: "mask"}, ClipLimits(pixels=4096, frames=10, seconds=10))


def _late_modules() -> Iterator[str]:
    for library in (av, PIL):
        prefix = f"{library.__name__}."
        for module in pkgutil.walk_packages(library.__path__, prefix, onerror=lambda _name: None):
            if "._" not in module.name and not module.name.endswith(_UNWANTED):
                yield module.name
    yield from (f"numpy.{name}" for name in _LATE_IN_NUMPY)
    yield from (f"encodings.{name}" for name in _CODECS)


def _clip() -> bytes:
    """Three grey frames of 64x48, H.264 in MP4."""
    target = io.BytesIO()
    with av.open(target, "w", format="mp4") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.thread_count = 1  # a thread would not survive a fork
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 128, np.uint8), "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target.getvalue()


def _mask() -> bytes:
    target = io.BytesIO()
    labels = np.zeros((48, 64), np.uint8)
    labels[12:36, 16:48] = 255
    Image.fromarray(labels).save(target, "PNG")
    return target.getvalue()
