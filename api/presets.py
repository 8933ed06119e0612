"""The call about presets: what each is for, and how long it takes here."""

from enum import StrEnum
from statistics import median
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.dependencies import Given
from api.schemas import Preset
from api.security import Authenticated
from storage import pace, workers
from storage.pace import Pace

router = APIRouter(prefix="/v1/presets", tags=["jobs"])

SUMMARIES: Final = {
    Preset.FAST: "A first look: learns the object briefly, at a small size.",
    Preset.BALANCED: "For most clips: learns the object well before it follows it.",
    Preset.BEST: "Looks closer and learns longer: for fine edges and small objects.",
}

# Of a fresh installation: 50 frames of 854x480 on two cores, from docs/benchmarks.md.
_PIXELS = 854 * 480
USUAL: Final = {
    "compact": {
        Preset.FAST: Pace(4.0, 9.2, 0.058, 0.032, _PIXELS),
        Preset.BALANCED: Pace(4.0, 38.0, 0.062, 0.032, _PIXELS),
        Preset.BEST: Pace(4.0, 70.0, 0.1, 0.032, _PIXELS),
    },
    "standard": {
        Preset.FAST: Pace(1.8, 2.8, 0.092, 0.034, _PIXELS),
        Preset.BALANCED: Pace(1.8, 25.0, 0.19, 0.034, _PIXELS),
        Preset.BEST: Pace(1.8, 58.0, 0.25, 0.034, _PIXELS),
    },
}
FRESH_TIER: Final = "compact"


class Basis(StrEnum):
    """What an expectation stands on."""

    MEASURED = "measured"  # this installation's latest jobs
    USUAL = "usual"  # measurements on two processor cores, as much slower here as other presets have been


class PresetOut(BaseModel):
    """One preset."""

    name: Preset
    expected_seconds: int = Field(description="From the start of a job to its end; waiting comes on top.")
    basis: Basis = Field(
        description="`measured`: by this service's latest jobs; `usual`: on two processor cores, in proportion to "
        "what other presets have taken here."
    )
    summary: str


class PresetList(BaseModel):
    """All presets, the quickest first."""

    presets: list[PresetOut]


@router.get("", response_model=PresetList)
def list_presets(
    given: Given,
    caller: Authenticated,  # noqa: ARG001 — wants one
    width: Annotated[int, Query(ge=1, le=100_000, description="Of the clip, upright.")] = 854,
    height: Annotated[int, Query(ge=1, le=100_000)] = 480,
    frames: Annotated[int, Query(ge=1, le=10_000_000)] = 50,
) -> dict[str, Any]:
    """How long each preset is expected to take for a clip of this size."""
    usual = USUAL[_tier(given)]
    measured = pace.measured(given.database)
    size = {"width": width, "height": height, "frames": frames}
    slowness = median(
        [
            found.seconds(**size) / usual[Preset(preset)].seconds(**size)
            for preset, found in measured.items()
            if preset in usual
        ]
        or [1.0]
    )
    return {
        "presets": [
            _expected(preset, measured[preset].seconds(**size), Basis.MEASURED)
            if preset in measured
            else _expected(preset, usual[preset].seconds(**size) * slowness, Basis.USUAL)
            for preset in Preset
        ]
    }


def _expected(preset: Preset, seconds: float, basis: Basis) -> dict[str, Any]:
    return {"name": preset, "expected_seconds": round(seconds), "basis": basis, "summary": SUMMARIES[preset]}


def _tier(given: Given) -> str:
    """The one that most workers have; a fresh installation's where none is there."""
    groups = sorted(workers.present(given.database), key=lambda group: -group.count)
    return next((group.tier for group in groups if group.tier in USUAL), FRESH_TIER)
