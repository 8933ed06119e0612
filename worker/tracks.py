"""Where each object is in each frame: the points of track.json and track.csv."""

import csv
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from worker.result_file import ResultFile

# What stands in track.json beside the points, so that a reader needs no manual.
UNITS = {
    "frame": "index, the first is 0",
    "time_seconds": "seconds from the start of the clip",
    "object": "label in the masks, the first is 1",
    "centroid": "[x, y] in pixels, x to the right, y down; [0, 0] is the middle of the top left pixel",
    "box": "[x, y, width, height] in pixels: the columns x to x + width - 1, the rows y to y + height - 1",
    "area": "pixels",
    "confidence": "0 to 1, 0 where the object is absent",
}

COLUMNS = (
    "frame",
    "time_seconds",
    "object",
    "present",
    "centroid_x",
    "centroid_y",
    "box_x",
    "box_y",
    "box_width",
    "box_height",
    "area",
    "confidence",
)


@dataclass(frozen=True)
class TrackPoint:
    """One object in one frame, in the units of UNITS; without centroid and box where absent."""

    frame: int
    time_seconds: float
    object: int
    present: bool
    centroid: tuple[float, float] | None
    box: tuple[int, int, int, int] | None
    area: int
    confidence: float


def measure(
    labels: npt.NDArray[np.uint8],
    objects: int,
    confidence: Sequence[float],
    frame: int,
    time_seconds: float,
) -> list[TrackPoint]:
    """The point of each object 1 to `objects` in a frame's (H, W) labels.

    `confidence` has one number per object, 0 to 1.
    """
    return [
        _point(labels == label, label, frame, time_seconds, certain)
        for label, certain in zip(range(1, objects + 1), confidence, strict=True)
    ]


def _point(
    mask: npt.NDArray[np.bool_], label: int, frame: int, time_seconds: float, confidence: float
) -> TrackPoint:
    seconds = round(time_seconds, 6)
    x, y, width, height = cv2.boundingRect(mask.view(np.uint8))
    if not width:
        return TrackPoint(frame, seconds, label, False, None, None, 0, 0.0)
    # moments of the box alone: a small object costs little in a large frame
    inside = np.ascontiguousarray(mask[y : y + height, x : x + width]).view(np.uint8)
    moments = cv2.moments(inside, binaryImage=True)
    area = round(moments["m00"])
    centroid = (round(x + moments["m10"] / area, 2), round(y + moments["m01"] / area, 2))
    return TrackPoint(
        frame, seconds, label, True, centroid, (x, y, width, height), area, round(float(confidence), 4)
    )


class TrackJson(ResultFile):
    """Writes track.json frame by frame: the clip's size, the units, the points, the frames counted."""

    def __init__(self, path: Path, width: int, height: int, objects: int) -> None:
        super().__init__(path)
        self._file = self._open_files.enter_context(path.open("w", encoding="utf-8"))
        self._frames = 0
        self._separator = "\n"
        head = {"width": width, "height": height, "objects": objects, "units": UNITS}
        self._file.write(json.dumps(head).removesuffix("}") + ', "points": [')

    def add(self, points: Sequence[TrackPoint]) -> None:
        """Appends the points of the next frame."""
        for point in points:
            self._file.write(self._separator + json.dumps(asdict(point)))
            self._separator = ",\n"
        self._frames += 1

    def _finish(self) -> None:
        self._file.write(f'\n], "frames": {self._frames}}}\n')


class TrackCsv(ResultFile):
    """Writes track.csv frame by frame: a header, then a row per object and frame.

    `present` is true or false; what an absent object lacks is left empty. Units as in UNITS.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        file = self._open_files.enter_context(path.open("w", encoding="utf-8", newline=""))
        self._rows = csv.writer(file, lineterminator="\n")
        self._rows.writerow(COLUMNS)

    def add(self, points: Sequence[TrackPoint]) -> None:
        """Appends the points of the next frame."""
        self._rows.writerows(_row(point) for point in points)

    def _finish(self) -> None:
        pass


def _row(point: TrackPoint) -> list[object]:
    return [
        point.frame,
        point.time_seconds,
        point.object,
        str(point.present).lower(),
        *(point.centroid or ("", "")),
        *(point.box or ("", "", "", "")),
        point.area,
        point.confidence,
    ]
