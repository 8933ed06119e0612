"""How well the masks of a job match a known truth: J and F, as in DAVIS."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image

from model.measures import boundary_f, jaccard

Mask = npt.NDArray[np.bool_]


class FramesDifferError(Exception):
    """The masks are not those of the truth's frames."""


@dataclass(frozen=True)
class Score:
    """Means over the frames that were judged: region similarity J and contour accuracy F, in 0..1."""

    jaccard: float
    boundary_f: float
    frames: int


def score(masks_zip: Path, truth: Path) -> Score:
    """Compare a job's masks.zip with a folder of `00000.png` ….

    The first frame is left out because its mask was given, the last one because DAVIS does so.
    """
    with zipfile.ZipFile(masks_zip) as archive:
        found = {PurePosixPath(name).name: name for name in archive.namelist() if name.endswith(".png")}
        names = sorted(path.name for path in truth.glob("*.png"))
        if sorted(found) != names:
            raise FramesDifferError(f"{masks_zip} has {len(found)} masks, the truth has {len(names)}.")
        pairs = [
            (_mask(archive.read(found[name])), _mask((truth / name).read_bytes())) for name in names[1:-1]
        ]
    return Score(
        float(np.mean([jaccard(seen, true) for seen, true in pairs])),
        float(np.mean([boundary_f(seen, true) for seen, true in pairs])),
        len(pairs),
    )


def _mask(data: bytes) -> Mask:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(np.asarray(image) > 0)
