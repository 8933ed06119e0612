"""Masks as files: masks.zip in DAVIS's layout, with its reader, and rle.json in COCO's."""

import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import numpy as np
import numpy.typing as npt
from PIL import Image
from pycocotools import mask as coco

from worker.colors import davis_palette
from worker.frame_name import frame_name
from worker.result_file import ResultFile

Labels = npt.NDArray[np.uint8]

# The earliest time that a zip can hold: the same masks give the same bytes on any day.
_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
# A mask of 480p takes 6 KB and 1.6 ms; with zlib's default, 4 KB and 4.2 ms.
_PNG_LEVEL = 3


class MaskArchive(ResultFile):
    """Writes masks.zip frame by frame: indexed PNGs with the DAVIS palette, the same bytes each time.

    `frames` is the clip's length, for names of one width. The pictures are stored as they are,
    since PNG has packed them already. Memory: some hundred bytes a frame for zip's directory.
    """

    def __init__(self, path: Path, frames: int = 0) -> None:
        super().__init__(path)
        self._frames = frames
        self._next = 0
        self._zip = self._open_files.enter_context(zipfile.ZipFile(path, "w", zipfile.ZIP_STORED))

    def add(self, labels: Labels) -> None:
        """Appends the next frame's labels, (H, W) uint8, 0 for background."""
        entry = zipfile.ZipInfo(frame_name(self._next, self._frames), _ZIP_EPOCH)
        entry.external_attr = 0o644 << 16
        self._zip.writestr(entry, _png(labels))
        self._next += 1

    def _finish(self) -> None:
        pass


class MaskReader:
    """Reads a masks.zip back, one frame at a time and in constant memory."""

    def __init__(self, source: Path | BinaryIO) -> None:
        self._zip = zipfile.ZipFile(source)
        self._names = sorted(self._zip.namelist())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._zip.close()

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, frame: int) -> Labels:
        """The (H, W) uint8 labels of a frame. Raises IndexError past the end."""
        with self._zip.open(self._names[frame]) as file:
            return np.array(Image.open(file), dtype=np.uint8)

    def __iter__(self) -> Iterator[Labels]:
        return (self[frame] for frame in range(len(self)))


class RleWriter(ResultFile):
    """Writes rle.json frame by frame: COCO's format, as `pycocotools.coco.COCO` loads it.

    An image per frame and a category per object; an annotation for each object in each frame
    that shows it. Beside COCO's own fields an image has `frame_index` and `time_seconds`, an
    annotation `track_id`, the object's label. Areas are in pixels, boxes [x, y, width, height].
    """

    def __init__(self, path: Path, width: int, height: int, objects: int, frames: int = 0) -> None:
        super().__init__(path)
        self._size = (width, height)
        self._objects = objects
        self._frames = frames
        self._images = self._annotations = 0
        self._file = self._open_files.enter_context(path.open("w", encoding="utf-8"))
        # annotations come after the images in the file, yet both come with each frame
        self._later = self._open_files.enter_context(
            tempfile.TemporaryFile("w+", encoding="utf-8", dir=path.parent)  # noqa: SIM115 - entered one line up
        )
        self._file.write(_rle_head(objects))

    def add(self, labels: Labels, time_seconds: float) -> None:
        """Appends the next frame: (H, W) uint8 labels, and its time from the clip's start.

        Raises ValueError where the labels are not of the clip's size.
        """
        width, height = self._size
        if labels.shape != (height, width):
            raise ValueError(f"labels of {labels.shape} in a clip of {(height, width)}")
        frame = self._images
        self._images += 1
        image = {
            "id": frame + 1,
            "file_name": frame_name(frame, self._frames),
            "width": width,
            "height": height,
            "frame_index": frame,
            "time_seconds": round(time_seconds, 6),
        }
        self._file.write(_item(image, first=frame == 0))
        for label in range(1, self._objects + 1):
            self._annotate(labels == label, label)

    def _annotate(self, mask: npt.NDArray[np.bool_], label: int) -> None:
        run_lengths = coco.encode(np.asfortranarray(mask.view(np.uint8)))
        area = int(coco.area(run_lengths))
        if not area:
            return
        self._annotations += 1
        annotation = {
            "id": self._annotations,
            "image_id": self._images,
            "category_id": label,
            "track_id": label,
            "segmentation": {"size": list(mask.shape), "counts": run_lengths["counts"].decode("ascii")},
            "area": area,
            "bbox": [float(side) for side in coco.toBbox(run_lengths)],
            "iscrowd": 0,
        }
        self._later.write(_item(annotation, first=self._annotations == 1))

    def _finish(self) -> None:
        self._file.write('\n],\n"annotations": [')
        self._later.seek(0)
        shutil.copyfileobj(self._later, self._file)
        self._file.write("\n]}\n")


def _png(labels: Labels) -> bytes:
    picture = Image.fromarray(labels, mode="L")
    picture.putpalette([part for color in davis_palette() for part in color])
    packed = io.BytesIO()
    picture.save(packed, "PNG", compress_level=_PNG_LEVEL)
    return packed.getvalue()


def _rle_head(objects: int) -> str:
    categories = [
        {"id": label, "name": f"object {label}", "supercategory": "object"} for label in range(1, objects + 1)
    ]
    info = {"description": "Masks of one clip, one image per frame", "version": "1.0"}
    return f'{{"info": {json.dumps(info)},\n"categories": {json.dumps(categories)},\n"images": ['


def _item(value: dict[str, Any], *, first: bool) -> str:
    return ("\n" if first else ",\n") + json.dumps(value)
