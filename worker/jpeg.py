"""A frame as a JPEG file."""

import cv2
import numpy as np
import numpy.typing as npt

# Artefacts at which one would draw a mask's edge are not to be seen.
QUALITY = 92


def jpeg_of(image: npt.NDArray[np.uint8], width: int | None = None, quality: int = QUALITY) -> bytes:
    """The (H, W, 3) RGB picture, scaled down to this width where it is wider.

    Raises ValueError if it cannot be encoded.
    """
    picture = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    if width is not None and width < image.shape[1]:
        height = max(1, round(image.shape[0] * width / image.shape[1]))
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    done, packed = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"a picture of {image.shape} cannot be a JPEG")
    return packed.tobytes()
