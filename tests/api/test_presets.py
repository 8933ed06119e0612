"""How long each preset is expected to take."""

import secrets
from typing import Any

import pytest

from storage import attempts, workers
from storage.database import Database
from storage.pace import Pace, measured
from tests.api.service import Service, problem
from tests.storage.records import OPTIONS, claim, submit

TIMINGS = {"fetching": 1.0, "fine_tuning": 20.0, "segmenting": 10.0, "encoding": 5.0, "storing": 1.0}
CLIP = {"width": 1000, "height": 1000, "frames": 100}


def done(
    database: Database,
    preset: str = "balanced",
    clip: dict[str, int] | None = None,
    network: str = "",
    **timings: float,
) -> None:
    """A job of this preset that has taken so long."""
    attempt = claim(
        database,
        submit(
            database,
            options=OPTIONS | {"preset": preset},
            clip=clip or CLIP,
            network_key=network or secrets.token_hex(32),
        ),
    )
    attempts.succeed(database, attempt, found=[], timings=TIMINGS | timings)


def expected(service: Service, **clip: int) -> dict[str, tuple[int, str]]:
    found: list[dict[str, Any]] = service.client.get("/v1/presets", params=clip).json()["presets"]
    assert [preset["name"] for preset in found] == ["fast", "balanced", "best"]
    assert all(len(preset["summary"]) > 20 for preset in found)
    return {preset["name"]: (preset["expected_seconds"], preset["basis"]) for preset in found}


def test_a_fresh_service_expects_what_is_usual(service: Service, database: Database) -> None:
    """The README's figures, of the clip they were measured on."""
    found = expected(service, width=854, height=480, frames=50)
    assert {basis for _, basis in found.values()} == {"usual"}
    for preset, seconds in {"fast": 18, "balanced": 47, "best": 80}.items():
        assert found[preset][0] == pytest.approx(seconds, rel=0.1)
    assert expected(service) == found
    workers.greet(database, "one", tier="standard", device="cpu")
    found = expected(service)
    for preset, seconds in {"fast": 11, "balanced": 38, "best": 74}.items():
        assert found[preset][0] == pytest.approx(seconds, rel=0.1)


def test_the_services_own_jobs_say_it_better(service: Service, database: Database) -> None:
    done(database)
    found = expected(service, **CLIP)
    assert found["balanced"] == (37, "measured")
    assert found["fast"][1] == found["best"][1] == "usual"


def test_longer_and_larger_clips_take_longer(service: Service, database: Database) -> None:
    done(database)
    # 22 s around, then 0.15 s a frame
    assert expected(service, width=1000, height=1000, frames=200)["balanced"][0] == 52
    # four times the pixels: all of the encoding, and a fifth of the segmenting, grow with them
    assert expected(service, width=2000, height=2000, frames=100)["balanced"][0] == 22 + 16 + 20
    times = [expected(service, width=640, height=360, frames=frames)["fast"][0] for frames in (1, 500, 5000)]
    assert times == sorted(times)


def test_the_middle_of_recent_jobs_counts(service: Service, database: Database) -> None:
    for fine_tuning in (10.0, 20.0, 500.0):
        done(database, fine_tuning=fine_tuning)
    assert expected(service, **CLIP)["balanced"] == (37, "measured")


def test_what_a_machine_did_long_ago_does_not_count(database: Database) -> None:
    for _ in range(20):
        done(database, fine_tuning=500.0)
    for _ in range(15):
        done(database, fine_tuning=5.0)
    assert measured(database)["balanced"].fine_tuning == 5.0


def test_a_network_that_was_there_already_tells_nothing_of_fine_tuning(database: Database) -> None:
    done(database, network="a" * 64)
    for _ in range(4):
        done(database, network="a" * 64, fine_tuning=0.01)
    assert measured(database)["balanced"].fine_tuning == 20.0


def test_jobs_that_are_unlike_the_preset_do_not_count(database: Database) -> None:
    for change in ({"budget_seconds": 5}, {"segmenter": "flow"}):
        attempt = claim(database, submit(database, options=OPTIONS | change, clip=CLIP))
        attempts.succeed(database, attempt, found=[], timings=TIMINGS)
    correction = claim(database, submit(database, starts_from="e" * 64, clip=CLIP))
    attempts.succeed(database, correction, found=[], timings=TIMINGS)
    unknown = claim(database, submit(database, clip={}))
    attempts.succeed(database, unknown, found=[], timings=TIMINGS)
    untimed = claim(database, submit(database, clip=CLIP))
    attempts.succeed(database, untimed, found=[], timings={"fetching": 1.0})
    submit(database, clip=CLIP)
    assert measured(database) == {}


def test_a_pace_holds_on_what_it_was_measured_on() -> None:
    pace = Pace(2.0, 20.0, 0.1, 0.05, 1_000_000)
    assert pace.seconds(width=1000, height=1000, frames=100) == pytest.approx(37.0)


@pytest.mark.parametrize("asked", [{"width": 0}, {"frames": -1}, {"height": "tall"}])
def test_a_clip_that_there_cannot_be_is_refused(service: Service, asked: dict[str, Any]) -> None:
    assert problem(service.client.get("/v1/presets", params=asked)) == (422, "request_invalid")
