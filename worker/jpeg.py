"""A frame as a JPEG file."""

import cv2
import numpy as np
import numpy.typing as npt

# Artefacts at which one would draw a mask's edge are not to be seen.
QUALITY = 92

# The longest side that the encoder takes; a clip may have longer ones.
MOST_SIDE = 65_500


def jpeg_of(image: npt.NDArray[np.uint8], width: int | None = None, quality: int = QUALITY) -> bytes:
    """The (H, W, 3) RGB picture, scaled down to this width where it is wider, and where it is too long for a JPEG.

    Raises ValueError if it cannot be encoded.
    """
    picture = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    height, own = image.shape[:2]
    scale = min(1.0, MOST_SIDE / max(height, own), (width or own) / own)
    if scale < 1:
        size = (max(1, round(own * scale)), max(1, round(height * scale)))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    done, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of {image.shape} cannot be a JPEG")
    return packed.tobytes()
