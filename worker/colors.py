"""Colours of objects: the DAVIS palette of mask files, and the tints of an overlay."""

import re
from functools import cache

Color = tuple[int, int, int]
"""Red, green and blue, 0 to 255."""

_HEX = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})", re.IGNORECASE)

# Two tints closer than this (in RGB steps) look alike under half-transparent paint.
_DISTINCT = 110

# Video rounds: what is darker than half of this in a preview's mask is background.
_LEAST_ON_BLACK = 96


def parse_hex(text: str) -> Color:
    """The colour that `#rrggbb` names. Raises ValueError for anything else."""
    match = _HEX.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a colour; write it as #rrggbb, such as #1e90ff")
    red, green, blue = (int(part, 16) for part in match.groups())
    return red, green, blue


@cache
def davis_palette() -> tuple[Color, ...]:
    """The 256 colours of DAVIS's mask files, by label; label 0 is black.

    It is PASCAL VOC's: the bits of the label, from the lowest, go in turn to red, green and
    blue, each colour's highest bit first.
    """
    return tuple((_channel(label, 0), _channel(label, 1), _channel(label, 2)) for label in range(256))


def overlay_colors(first: Color, objects: int) -> tuple[Color, ...]:
    """The tint of each object: `first`, then palette colours, lightened, that differ from the rest.

    Where the palette has no distinct colour left they repeat in its order.
    """
    chosen = [first]
    lightened = [_lightened(color) for color in davis_palette()[1:]]
    for color in lightened:
        if len(chosen) < objects and min(_distance(color, other) for other in chosen) >= _DISTINCT:
            chosen.append(color)
    spare = (lightened[index % len(lightened)] for index in range(objects))
    return tuple([*chosen, *spare][:objects])


def on_black(color: Color) -> Color:
    """The colour, or one as light as can be told from black where it is darker."""
    lack = _LEAST_ON_BLACK - max(color)
    if lack <= 0:
        return color
    red, green, blue = (part + lack for part in color)
    return red, green, blue


def _channel(label: int, offset: int) -> int:
    bits = (label >> shift & 1 for shift in range(offset, 8, 3))
    return sum(bit << (7 - place) for place, bit in enumerate(bits))


def _lightened(color: Color) -> Color:
    """Twice as bright, and softened: the palette's 128 would only dim a picture, its 0 would glare."""
    red, green, blue = (round(46 + min(2 * part, 255) * 0.72) for part in color)
    return red, green, blue


def _distance(one: Color, other: Color) -> float:
    return float(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) ** 0.5)
