"""How large a picture becomes that is shown smaller than its clip."""

from __future__ import annotations

from typing import Final

# Of a preview's halves: enough for a page's player, and a stacked 1080p clip still decodes in real time on a phone.
HALF_LONG_SIDE_PX: Final = 960


def fitted(width: int, height: int, long_side: int) -> tuple[int, int]:
    """The size with its longer side at most `long_side`, in the same proportions as nearly as pixels allow."""
    scale = min(1.0, long_side / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def half_size(width: int, height: int) -> tuple[int, int]:
    """Width and height of each half of a preview: even, as 4:2:0 wants them, and no larger than the clip otherwise."""
    if max(width, height) <= HALF_LONG_SIDE_PX:
        return width + width % 2, height + height % 2
    width, height = fitted(width, height, HALF_LONG_SIDE_PX)
    return width + width % 2, height + height % 2
