"""What a confined child does with a box: the one place that reads what came with it."""

from collections.abc import Mapping
from typing import Any

import cv2

from worker.channel import Channel
from worker.suggestion.picture import read_picture, read_strokes
from worker.suggestion.tool import suggest


def suggestion(
    channel: Channel, about: Mapping[str, Any], data: bytearray, _files: list[int]
) -> dict[str, Any]:
    """The mask for a picture and a box, sent as a PNG; `data` is the picture's file and then the strokes'."""
    end = int(about["image_bytes"])
    picture = read_picture(bytes(data[:end]))
    height, width = picture.shape[:2]
    strokes = read_strokes(bytes(data[end:]), (width, height)) if len(data) > end else None
    mask = suggest(picture, about["box"], strokes)
    _, png = cv2.imencode(".png", mask)
    channel.send({"mask": True}, png.data.cast("B"))
    return {}
