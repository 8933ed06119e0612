"""How fast this installation has worked lately, from what each stage of its jobs has taken."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import sqlalchemy as sa

from storage.database import Database
from storage.jobs import Stage, Status, jobs

# So many jobs are looked at, and of each preset the newest few count: a machine may have changed.
MOST_JOBS = 200
MOST_OF_A_PRESET = 15

# Of a frame's segmenting. The network sees each frame at the same size; reading it and deciding its pixels grow.
SHARE_THAT_GROWS = 0.2


@dataclass(frozen=True)
class Pace:
    """What a job's stages take: seconds for fetching and storing, for fine-tuning, and of each frame."""

    around: float
    fine_tuning: float
    segmenting_per_frame: float
    encoding_per_frame: float
    pixels: float
    """Of the frames that this was measured on."""

    def seconds(self, *, width: int, height: int, frames: int) -> float:
        """What a clip of this size takes, once it is its turn."""
        larger = width * height / self.pixels
        segmenting = self.segmenting_per_frame * (1 - SHARE_THAT_GROWS + SHARE_THAT_GROWS * larger)
        return self.around + self.fine_tuning + frames * (segmenting + self.encoding_per_frame * larger)


def measured(database: Database) -> Mapping[str, Pace]:
    """The pace of each preset that has been used; of all owners' jobs, for they share the machine."""
    columns: list[sa.ColumnElement[Any]] = [jobs.c.options, jobs.c.clip, jobs.c.timings, jobs.c.network_key]
    query = (
        sa.select(*columns)
        # what corrects another begins with its network, and takes less
        .where(jobs.c.status == Status.SUCCEEDED, jobs.c.cached.is_(False), jobs.c.starts_from.is_(None))
        .order_by(jobs.c.id.desc())
        .limit(MOST_JOBS)
    )
    with database.read() as connection:
        rows = connection.execute(query).all()
    found: dict[str, dict[str, sa.Row[Any]]] = defaultdict(dict)
    for row in rows:
        of_preset = found[row.options.get("preset", "")]
        if _is_usual(row) and (row.network_key in of_preset or len(of_preset) < MOST_OF_A_PRESET):
            # jobs that shared a network: the one that fine-tuned it
            others = of_preset.get(row.network_key)
            of_preset[row.network_key] = row if others is None else max(row, others, key=_fine_tuning)
    return {preset: _pace(list(of_preset.values())) for preset, of_preset in found.items() if of_preset}


def _is_usual(row: sa.Row[Any]) -> bool:
    """Whether the preset alone decided what it took, and all of it is known."""
    is_whole = {Stage.FINE_TUNING, Stage.SEGMENTING, Stage.ENCODING} <= set(row.timings)
    is_plain = row.options.get("segmenter", "auto") == "auto" and not row.options.get("budget_seconds")
    return is_whole and is_plain and _pixels(row) > 0 and row.clip.get("frames", 0) > 0


def _pace(rows: Sequence[sa.Row[Any]]) -> Pace:
    pixels = median(map(_pixels, rows))
    return Pace(
        around=median(
            row.timings.get(Stage.FETCHING, 0.0) + row.timings.get(Stage.STORING, 0.0) for row in rows
        ),
        fine_tuning=median(map(_fine_tuning, rows)),
        segmenting_per_frame=median(row.timings[Stage.SEGMENTING] / row.clip["frames"] for row in rows),
        encoding_per_frame=median(
            row.timings[Stage.ENCODING] / row.clip["frames"] / _pixels(row) * pixels for row in rows
        ),
        pixels=pixels,
    )


def _fine_tuning(row: sa.Row[Any]) -> float:
    seconds: float = row.timings[Stage.FINE_TUNING]
    return seconds


def _pixels(row: sa.Row[Any]) -> int:
    pixels: int = row.clip.get("width", 0) * row.clip.get("height", 0)
    return pixels
