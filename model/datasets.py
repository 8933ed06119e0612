"""Sequences on disk in DAVIS's layout: frames, indexed-PNG masks, and sets of sequence names."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, UnidentifiedImageError

from model.errors import ModelError

Labels = npt.NDArray[np.uint8]

# DAVIS keeps every resolution in a folder of its own; the benchmark is scored at this one.
RESOLUTION = "480p"
# Labels from here on are pixels whose truth nobody knows (DAVIS: 255, YouTube-VOS: 254 too).
VOID_FROM = 254


class DatasetError(ModelError):
    """A folder, archive or picture is not what the dataset's layout says."""

    code = "dataset_invalid"


@dataclass(frozen=True)
class MaskSequence:
    """The masks of one sequence, by frame number, read from a folder or an archive when asked."""

    name: str
    files: Mapping[int, Traversable]

    @property
    def frames(self) -> tuple[int, ...]:
        """The frame numbers that have a mask, in order."""
        return tuple(sorted(self.files))

    def labels(self, frame: int) -> Labels:
        """The (H, W) uint8 labels of a frame; 0 is background. DatasetError if unreadable."""
        return read_labels(self.files[frame])


@dataclass(frozen=True)
class TrainingSequence:
    """The frames of one sequence with their masks, as paths in order; both have one length."""

    name: str
    images: tuple[Path, ...]
    masks: tuple[Path, ...]

    def __len__(self) -> int:
        return len(self.images)

    def image(self, index: int) -> npt.NDArray[np.uint8]:
        """The (H, W, 3) uint8 RGB picture of a frame."""
        return read_image(self.images[index])

    def labels(self, index: int) -> Labels:
        """The (H, W) uint8 mask of a frame: 0 background, 255 the object in DAVIS-2016."""
        return read_labels(self.masks[index])


def mask_sequences(path: Path) -> dict[str, MaskSequence]:
    """The mask sequences below a path, by name in order.

    `path` is a DAVIS root, a folder of sequence folders, one sequence folder, or a zip archive of
    either; a single sequence takes the name of its folder or archive. Raises DatasetError where
    there is no mask at all.
    """
    root = _opened(path)
    annotations = root / "Annotations" / RESOLUTION
    if annotations.is_dir():
        root = annotations
    alone = _numbered(root, ".png")
    if alone:
        return {path.stem: MaskSequence(path.stem, alone)}
    folders = sorted((item for item in root.iterdir() if item.is_dir()), key=lambda item: item.name)
    found = {folder.name: MaskSequence(folder.name, _numbered(folder, ".png")) for folder in folders}
    found = {name: sequence for name, sequence in found.items() if sequence.files}
    if not found:
        raise DatasetError(f"{path}: no masks here; expected 00000.png… or folders of them")
    return found


def training_sequence(root: Path, name: str) -> TrainingSequence:
    """The frames and masks of one sequence of a DAVIS root, paired by frame number.

    Frames without a mask and masks without a frame are left out. Raises DatasetError where
    nothing pairs.
    """
    images = _numbered(root / "JPEGImages" / RESOLUTION / name, ".jpg")
    masks = _numbered(root / "Annotations" / RESOLUTION / name, ".png")
    frames = sorted(images.keys() & masks.keys())
    if not frames:
        raise DatasetError(f"{root}: no frames with masks for the sequence {name!r}")
    return TrainingSequence(
        name,
        tuple(Path(str(images[frame])) for frame in frames),
        tuple(Path(str(masks[frame])) for frame in frames),
    )


def read_set(path: Path) -> list[str]:
    """The sequence names in a set file, in order and each once.

    Takes both of DAVIS's kinds: a name on each line (2017), and lines of a picture and its mask
    (2016: `/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png`).
    """
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{path}: not a set file: {error}") from error
    firsts = [line.split()[0] for line in lines if line.strip()]
    return list(dict.fromkeys(Path(first).parent.name if "/" in first else first for first in firsts))


def read_labels(source: Traversable) -> Labels:
    """The (H, W) uint8 labels of a mask: palette indices, or the values of a grey picture.

    A coloured picture whose channels agree counts as grey. Raises DatasetError for any other and
    for what is not a picture.
    """
    picture = _picture(source)
    if picture.mode in ("P", "L", "1"):
        return np.asarray(picture).astype(np.uint8)
    bands = [np.asarray(band) for band in picture.split()]
    colours = bands[:-1] if picture.mode in ("LA", "RGBA") else bands
    if picture.mode not in ("LA", "RGB", "RGBA") or any((band != colours[0]).any() for band in colours):
        raise DatasetError(f"{source}: not a mask; save it as a grey or palette PNG of labels")
    return colours[0].astype(np.uint8)


def read_image(source: Traversable) -> npt.NDArray[np.uint8]:
    """The (H, W, 3) uint8 RGB picture in a file. Raises DatasetError if it is none."""
    return np.asarray(_picture(source).convert("RGB"))


def _picture(source: Traversable) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(source.read_bytes()))
        picture.load()
    except (OSError, UnidentifiedImageError, SyntaxError, zipfile.BadZipFile) as error:
        raise DatasetError(f"{source}: not a readable picture: {error}") from error
    return picture


def _opened(path: Path) -> Traversable:
    if path.is_dir():
        return path
    if not path.is_file():
        raise DatasetError(f"{path}: no such folder or archive")
    try:
        return zipfile.Path(path)
    except zipfile.BadZipFile as error:
        raise DatasetError(f"{path}: neither a folder nor a zip archive") from error


def _numbered(folder: Traversable, suffix: str) -> dict[int, Traversable]:
    """The folder's files of that kind whose name is a frame number; none if there is no folder."""
    if not folder.is_dir():
        return {}
    stems = ((item, item.name.removesuffix(suffix)) for item in folder.iterdir())
    return {int(stem): item for item, stem in stems if stem != item.name and stem.isdecimal()}
