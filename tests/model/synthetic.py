"""A clip whose truth is known: a textured disk moving over a textured background."""

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


def clip(
    frames: int = 6, height: int = 96, width: int = 128, *, disks: int = 1, carried: bool = False
) -> list[tuple[Image, Image]]:
    """(image (H, W, 3) RGB, labels (H, W)) of each frame; the disks cross the picture on separate rows.

    `carried` disks take their texture along; others are holes through which another picture is seen.
    """
    rng = np.random.default_rng(7)
    background = _texture(rng, height, width, (40, 110, 60))
    skins = [_texture(rng, height, width, color) for color in ((200, 80, 40), (60, 60, 220))[:disks]]
    rows, columns = np.mgrid[:height, :width]
    result = []
    for number in range(frames):
        image, labels = background.copy(), np.zeros((height, width), np.uint8)
        for disk, skin in enumerate(skins):
            centre_x = width * (0.25 + 0.5 * number / frames)
            centre_y = height * (disk + 1) / (disks + 1)
            inside = (columns - centre_x) ** 2 + (rows - centre_y) ** 2 < (height * 0.18) ** 2
            worn = np.roll(skin, round(centre_x), axis=1) if carried else skin
            image[inside], labels[inside] = worn[inside], disk + 1
        result.append((image, labels))
    return result


def overlap(prediction: npt.NDArray[np.bool_], truth: npt.NDArray[np.bool_]) -> float:
    """Intersection over union."""
    return float((prediction & truth).sum() / (prediction | truth).sum())


def _texture(rng: np.random.Generator, height: int, width: int, color: tuple[int, int, int]) -> Image:
    noise = cv2.GaussianBlur(rng.normal(0, 1, (height, width, 3)), (0, 0), 2)
    return np.clip(np.array(color) + 160 * noise, 0, 255).astype(np.uint8)
