"""What a waiting person sees."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console
from rotomill import Job, wording
from rotomill.progress import LiveDisplay, PlainDisplay, StageClock, display


def job(status: str = "running", **fields: object) -> Job:
    return Job.parse({"id": "j", "status": status, **fields})


def terminal() -> tuple[Console, io.StringIO]:
    file = io.StringIO()
    return Console(file=file, force_terminal=True, width=100, color_system=None), file


def test_a_terminal_gets_a_bar_and_a_pipe_gets_lines() -> None:
    assert isinstance(display(terminal()[0]), LiveDisplay)
    assert isinstance(display(Console(file=io.StringIO())), PlainDisplay)


def test_the_bar_shows_stage_percent_estimate_and_leaves_the_finished_stages() -> None:
    console, file = terminal()
    with LiveDisplay(console) as shown:
        shown.update(job("queued", queue_position=2))
        shown._progress.refresh()
        shown.update(job(stage="fine_tuning", progress=0.42, eta_seconds=75))
        shown._progress.refresh()
        shown.update(job(stage="segmenting", progress=0.8, timings={"fine_tuning": 31.2}))
        shown.update(job("succeeded", progress=1.0))
    text = file.getvalue()
    assert "queued, 2nd in line" in text
    assert re.search(r"fine-tuning .* 42% 1 min 1[45] s left", text)
    assert re.search(r"✓ fine-tuning +31 s", text)
    assert re.search(r"✓ segmenting", text)


def test_the_bar_starts_anew_after_the_upload() -> None:
    console, file = terminal()
    with LiveDisplay(console) as shown:
        shown.uploading(10, 10)
        shown._progress.refresh()
        file.truncate(0)
        shown.update(job("queued", queue_position=1))
        shown._progress.refresh()
        assert "%" not in file.getvalue()
        shown.update(job(stage="fetching", progress=0.01))
        shown._progress.refresh()
    assert "100%" not in file.getvalue()
    assert re.search(r"fetching .* 1%", file.getvalue())


def test_lines_come_for_each_stage_and_tenth_only() -> None:
    file = io.StringIO()
    with PlainDisplay(Console(file=file, width=100)) as shown:
        for percent in range(0, 31, 2):
            shown.update(job(stage="segmenting", progress=percent / 100))
    assert file.getvalue().splitlines() == [
        "segmenting: 0%",
        "segmenting: 10%",
        "segmenting: 20%",
        "segmenting: 30%",
    ]


def test_a_stage_that_a_lost_worker_left_is_not_called_done() -> None:
    clock = StageClock(lambda: 0.0)
    assert clock.left(job(stage="segmenting")) is None
    assert clock.left(job("queued")) is None
    assert clock.left(job(stage="fetching")) is None
    assert clock.left(job(stage="fine_tuning")) == ("fetching", 0.0)


DURATIONS = {0.42: "0.42 s", 7.25: "7.2 s", 59.6: "1 min 00 s", 95: "1 min 35 s", 7500: "2 h 05 min"}


@pytest.mark.parametrize(("seconds", "text"), DURATIONS.items())
def test_durations_read_well(seconds: float, text: str) -> None:
    assert wording.duration(seconds) == text


def test_places_in_line_are_spelled_right() -> None:
    spelled = " ".join(wording.ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 111))
    assert spelled == "1st 2nd 3rd 4th 11th 12th 21st 111th"
