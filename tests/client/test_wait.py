"""Waiting for a job."""

from __future__ import annotations

from typing import Any

import pytest
from rotomill import Client, Job, JobCanceled, JobFailed, WaitTimeout
from rotomill.retry import Retry
from rotomill.transport import Transport, connect
from rotomill.waiting import Wait

from tests.client.service import FakeService

STORY: list[dict[str, Any]] = [
    {"status": "queued", "queue_position": 1},
    {"status": "running", "stage": "fine_tuning", "progress": 0.2, "metadata": {"note": "line\u2028break"}},
    {"status": "running", "stage": "segmenting", "progress": 0.7},
    {"status": "succeeded", "stage": None, "progress": 1.0},
]


def test_every_state_is_told_and_the_last_returned(client: Client, service: FakeService) -> None:
    service.add_job()
    service.story = STORY
    seen: list[Job] = []
    ended = client.wait("job1", seen.append)
    assert ended.succeeded
    assert [job.progress for job in seen] == [0.0, 0.0, 0.2, 0.7, 1.0]
    assert seen[2].metadata["note"] == "line\u2028break"


def test_a_stream_that_breaks_is_taken_up_where_it_broke(client: Client, service: FakeService) -> None:
    service.add_job()
    service.story, service.events_per_stream = STORY, 1
    seen: list[Job] = []
    client.wait("job1", seen.append)
    resumed = [headers.get("last-event-id") for headers in service.asked("GET", "/events")]
    assert resumed == [None, "0", "1", "2"]
    assert [job.progress for job in seen] == [0.0, 0.0, 0.2, 0.7, 1.0]


def test_polling_takes_over_where_streams_do_not_get_through(client: Client, service: FakeService) -> None:
    service.add_job()
    service.story, service.streams = list(STORY), False
    seen: list[Job] = []
    assert client.wait("job1", seen.append).succeeded
    assert [job.progress for job in seen] == [0.0, 0.2, 0.7, 1.0]
    assert len(service.asked("GET", "/events")) == 3


def test_a_job_that_has_ended_needs_no_stream(client: Client, service: FakeService) -> None:
    service.add_finished_job()
    assert client.wait("job1").succeeded
    assert service.asked("GET", "/events") == []


def test_a_failed_job_raises_its_own_error(client: Client, service: FakeService) -> None:
    service.add_job()
    error = {"code": "clip_damaged", "detail": "Frame 12 cannot be decoded."}
    service.story = [{"status": "failed", "error": error}]
    with pytest.raises(JobFailed, match="Frame 12 cannot be decoded") as caught:
        client.wait("job1")
    assert caught.value.code == "clip_damaged"
    assert caught.value.job.status == "failed"


def test_a_canceled_job_is_told_apart(client: Client, service: FakeService) -> None:
    service.add_job()
    service.story = [{"status": "canceled"}]
    with pytest.raises(JobCanceled):
        client.wait("job1")


def test_a_wait_ends_when_its_time_is_over(service: FakeService) -> None:
    service.add_job(status="running")
    service.streams = False
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    with connect(service.url, 5) as http:
        job = Job.parse(service.jobs["job1"])
        wait = Wait(Transport(http), job, Retry(sleep=sleep), 2.0, timeout_seconds=20, clock=lambda: now[0])
        with pytest.raises(WaitTimeout, match="still running after 20 s"):
            wait.run()
    assert now[0] == pytest.approx(20, abs=0.2)


def test_an_error_of_the_callers_own_function_is_the_callers(client: Client, service: FakeService) -> None:
    service.add_job()
    service.story = STORY

    def fail(job: Job) -> None:
        if job.progress:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        client.wait("job1", fail)
