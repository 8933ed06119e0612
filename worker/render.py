"""What people look at: the tinted overlay, the cut-out object, the poster, the previews."""

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from worker.colors import Color, on_black
from worker.media.sizes import fitted

Image = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint8]
Plane = npt.NDArray[np.float32]

# Half transparent: the object's texture stays readable, and its colour is clear on any background.
OPACITY = 0.45

# The outline's width as a part of the frame's short side, 2 px at 480p.
_LINE = 1 / 240

# Colour is kept this far around a cut-out: encoders store colour at half size and in blocks of 16,
# and would otherwise draw the black beyond into the object's edge.
_BLEED_PX = 16

_POSTER_LONG_SIDE_PX = 1280
_POSTER_QUALITY = 88

_LIVE_LONG_SIDE_PX = 640
_LIVE_QUALITY = 80


def overlay(image: Image, labels: Labels, colors: Sequence[Color], opacity: float = OPACITY) -> Image:
    """A copy of an (H, W, 3) RGB frame with object k tinted in `colors[k - 1]` and outlined.

    `labels` is (H, W) uint8, 0 for background; labels without a colour stay as they are. The
    outline is antialiased, in the object's full colour, and as wide as suits the frame's size; it
    leaves the frame's own border free.
    """
    painted = image.copy()
    line_px = max(1.5, min(labels.shape) * _LINE)
    for label, color in enumerate(colors, start=1):
        window = _window((labels == label).view(np.uint8), margin=int(2 * line_px) + 2)
        if window is not None:
            paint = _paint((labels[window] == label).view(np.uint8), opacity, line_px)
            painted[window] = _blend(painted[window], color, paint)
    return painted


def cutout(image: Image, labels: Labels, *, antialias: bool = True) -> npt.NDArray[np.uint8]:
    """The objects alone: (H, W, 4) RGBA uint8 with straight alpha.

    Alpha is 255 on the objects and 0 off them; `antialias` lets it fall over one pixel between.
    Colour reaches a little further than alpha, as video encoders need, and is black beyond, so
    that no hidden background is given away.
    """
    mask = (labels > 0).view(np.uint8)
    cut = np.zeros((*labels.shape, 4), np.uint8)
    window = _window(mask, margin=_BLEED_PX)
    if window is None:
        return cut
    mask = mask[window]
    alpha = np.clip(_signed_distance(mask, 0.5) + 0.5, 0, 1) * 255 if antialias else mask * 255.0
    near = cv2.dilate(mask, np.ones((2 * _BLEED_PX + 1,) * 2, np.uint8)).astype(np.bool_)
    cut[window] = np.dstack((image[window] * near[..., None], np.rint(alpha).astype(np.uint8)))
    return cut


def poster(image: Image, labels: Labels, colors: Sequence[Color], opacity: float = OPACITY) -> bytes:
    """A JPEG of the frame with its overlay, its long side at most 1280 pixels.

    Raises ValueError if the picture cannot be encoded.
    """
    height, width = labels.shape
    painted = overlay(image, labels, colors, opacity)
    return _jpeg(_resized(painted, fitted(width, height, _POSTER_LONG_SIDE_PX)), _POSTER_QUALITY)


def live_picture(image: Image, labels: Labels, colors: Sequence[Color]) -> bytes:
    """A JPEG of the frame with its overlay, painted at its own size: the long side is at most 640 pixels.

    Raises ValueError if the picture cannot be encoded.
    """
    size = fitted(labels.shape[1], labels.shape[0], _LIVE_LONG_SIDE_PX)
    return _jpeg(overlay(_resized(image, size), _thinned(labels, size), colors), _LIVE_QUALITY)


def stacked(image: Image, labels: Labels, colors: Sequence[Color], size: tuple[int, int]) -> Image:
    """The frame above its objects: (2 H, W, 3) RGB, where `size` is the (W, H) of each half.

    Object k is flat in `colors[k - 1]`, on black; where that is too dark to be seen there, lighter. A half that is a
    pixel larger than the frame has its last row or column twice.
    """
    palette = np.zeros((256, 3), np.uint8)
    palette[1 : len(colors) + 1] = [on_black(color) for color in colors]
    return np.concatenate((_resized(image, size), palette[_thinned(labels, size)]))


def _resized(image: Image, size: tuple[int, int]) -> Image:
    """The (H, W, 3) picture at this (W, H), which is smaller or at most a pixel larger."""
    if _is_larger(size, image):
        return _padded(image, size)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _thinned(labels: Labels, size: tuple[int, int]) -> Labels:
    """The same for labels, which cannot be mixed."""
    if _is_larger(size, labels):
        return _padded(labels, size)
    return cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT).astype(np.uint8, copy=False)


def _is_larger(size: tuple[int, int], pixels: npt.NDArray[np.uint8]) -> bool:
    height, width = pixels.shape[:2]
    return bool(size[0] >= width and size[1] >= height)


def _padded(pixels: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    height, width = pixels.shape[:2]
    if (width, height) == size:
        return pixels
    borders = (0, size[1] - height, 0, size[0] - width)
    return cv2.copyMakeBorder(pixels, *borders, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)


def _jpeg(image: Image, quality: int) -> bytes:
    picture = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of {image.shape} cannot be a JPEG")
    return packed.tobytes()


def _window(mask: npt.NDArray[np.uint8], margin: int) -> tuple[slice, slice] | None:
    """The box of what is set with a margin, inside the frame; None where nothing is set."""
    x, y, width, height = cv2.boundingRect(mask)
    if not width:
        return None
    rows = slice(max(y - margin, 0), y + height + margin)
    return rows, slice(max(x - margin, 0), x + width + margin)


def _paint(mask: npt.NDArray[np.uint8], opacity: float, line_px: float) -> Plane:
    """How much of an object's colour each pixel takes, 0 to 1: the tint inside, the full outline."""
    distance = _signed_distance(mask, line_px / 2)
    tint: Plane = np.clip(distance + 0.5, 0, 1) * np.float32(opacity)
    line: Plane = np.clip(line_px / 2 + 0.5 - np.abs(distance), 0, 1)
    return np.maximum(tint, line)


def _signed_distance(mask: npt.NDArray[np.uint8], smooth_px: float) -> Plane:
    """Pixels to the mask's edge, positive inside, smoothed so that pixel steps do not show.

    The mask is 0 and 1, with something set. The edge between two neighbours lies half a pixel from
    both. The frame's border is no edge: the distance is infinite where the mask fills the frame.
    """
    rim = mask - cv2.erode(mask, np.ones((3, 3), np.uint8))
    if not rim.any():
        return np.full(mask.shape, np.inf, np.float32)
    away = cv2.distanceTransform(1 - rim, cv2.DIST_L2, cv2.DIST_MASK_3)
    signed = np.where(mask, away, -away) + np.float32(0.5)
    return cv2.GaussianBlur(signed, (0, 0), smooth_px).astype(np.float32, copy=False)


def _blend(image: Image, color: Color, paint: Plane) -> Image:
    flat = np.empty_like(image)
    flat[:] = color
    return cv2.blendLinear(np.ascontiguousarray(image), flat, 1 - paint, paint).astype(np.uint8, copy=False)
