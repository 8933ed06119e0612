"""Runs the network of `model/box` with OpenCV: how likely each pixel of a view is the object's."""

import functools
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from worker.suggestion.views import GREY, SIZE, Box, Bytes, View, cut, marks, places

WEIGHTS: Final = Path(__file__).with_name("weights") / "box.onnx"

_MEAN: Final = np.array((0.485, 0.456, 0.406), np.float32) * 255
_DEVIATION: Final = np.array((0.229, 0.224, 0.225), np.float32) * 255
"""ImageNet's, of RGB."""

Planes = npt.NDArray[np.float32]
Plane = npt.NDArray[np.bool_]


def probabilities(picture: Bytes, view: View, box: Box, on_object: Plane, on_background: Plane) -> Planes:
    """(SIZE / 2, SIZE / 2) of 0–1: the object's share in the view of a picture (H, W, 3), RGB.

    The strokes are (H, W).
    """
    seen = (cut(picture, view, GREY).astype(np.float32) - _MEAN) / _DEVIATION
    strokes = np.stack([marks(on_object, view), marks(on_background, view)])
    network = _network()
    network.setInput(np.ascontiguousarray(seen.transpose(2, 0, 1)[None]), "view")
    network.setInput(np.concatenate([places(view, box), strokes])[None], "places")
    logits = np.asarray(network.forward(), np.float32)[0, 0]
    likely: Planes = 1 / (1 + np.exp(-logits))
    return likely


def rehearse() -> None:
    """Load the weights and run once: a confined child can open no file, and is a fork of who has done so."""
    grey = np.zeros((SIZE, SIZE, 3), np.uint8)
    nothing = np.zeros((SIZE, SIZE), np.bool_)
    probabilities(grey, View(0, 0, SIZE, SIZE), (40, 40, 180, 180), nothing, nothing)


@functools.cache
def _network() -> cv2.dnn.Net:
    return cv2.dnn.readNetFromONNX(str(WEIGHTS))
