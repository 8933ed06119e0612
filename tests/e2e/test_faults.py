"""Processes die in the middle of everything; accepted work is done once."""

import os
import signal
import socket
import time
from collections.abc import Iterator

import pytest

from tests.e2e.stack import Stack, running, wait_ready
from tests.receiver import Receiver, receiving
from worker import queue

STAGES = ["fetching", "fine_tuning", "segmenting", "encoding", "storing"]
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("service")) as found:
        yield found


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as found:
        yield found


def webhook(receiver: Receiver) -> dict[str, str]:
    return {"url": receiver.url, "secret": SECRET}


@pytest.mark.parametrize(("seed", "stage"), list(enumerate(STAGES)))
def test_a_killed_workers_job_is_done_by_another_and_told_once(
    stack: Stack, receiver: Receiver, seed: int, stage: str
) -> None:
    with stack.held(stage):
        job_id = stack.submit(seed=100 + seed, webhook=webhook(receiver))
        stack.wait_stage(job_id, stage)
        os.kill(stack.worker_of(job_id), signal.SIGKILL)
        stack.wait(job_id, lambda job: job["attempt"] == 2, seconds=60)
    job = stack.wait_ended(job_id)
    assert (job["status"], job["attempt"]) == ("succeeded", 2), job["error"]
    time.sleep(1)
    assert len(receiver.received) == 1
    others = [key for key in stack.objects() if key.startswith(f"results/{job_id}/1/")]
    assert others == []


@pytest.mark.parametrize(("seed", "stage"), list(enumerate(STAGES)))
def test_a_cancel_takes_effect_within_five_seconds_in_every_stage(
    stack: Stack, receiver: Receiver, seed: int, stage: str
) -> None:
    with stack.held(stage):
        job_id = stack.submit(seed=200 + seed, webhook=webhook(receiver))
        stack.wait_stage(job_id, stage)
        with stack.http as http:
            http.post(f"/v1/jobs/{job_id}/cancel")
        job = stack.wait_ended(job_id, seconds=5)
    assert job["status"] == "canceled"
    assert job["results"] == []
    assert not any(key.startswith(f"results/{job_id}") for key in stack.objects())
    stack.wait(job_id, lambda _: len(receiver.received) == 1, seconds=10)
    assert b'"type":"job.canceled"' in receiver.received[0].body


def test_a_worker_that_slept_through_its_lease_changes_nothing(stack: Stack, receiver: Receiver) -> None:
    with stack.held("segmenting"):
        job_id = stack.submit(seed=300, webhook=webhook(receiver))
        stack.wait_stage(job_id, "segmenting")
        sleeper = stack.worker_of(job_id)
        os.kill(sleeper, signal.SIGSTOP)
        stack.wait(job_id, lambda job: job["status"] == "queued", seconds=30)
    os.kill(sleeper, signal.SIGCONT)
    job = stack.wait_ended(job_id)
    assert (job["status"], job["attempt"]) == ("succeeded", 2)
    time.sleep(1)
    assert len(receiver.received) == 1


def test_a_message_that_comes_many_times_runs_the_job_once(
    stack: Stack, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = stack.folder / "data" / "broker"
    options = {"data_folder_in": str(folder / "messages"), "data_folder_out": str(folder / "messages")}
    monkeypatch.setitem(
        queue.app.conf, "broker_transport_options", options | {"control_folder": str(folder / "control")}
    )
    job_id = stack.submit(seed=301, webhook=webhook(receiver))
    for _ in range(5):
        queue.send_hint(job_id)
    job = stack.wait_ended(job_id)
    deadline = time.monotonic() + 30
    while list((folder / "messages").glob("*.jobs.msg")) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not list((folder / "messages").glob("*.jobs.msg")), "every message has been taken"
    time.sleep(2)
    assert (job["status"], stack.job(job_id)["attempt"]) == ("succeeded", 1)
    assert len(receiver.received) == 1


def test_the_workers_main_process_may_die_too(stack: Stack) -> None:
    with stack.held("segmenting"):
        job_id = stack.submit(seed=302)
        stack.wait_stage(job_id, "segmenting")
        os.kill(stack.process_id("worker"), signal.SIGKILL)
        stack.wait(job_id, lambda job: job["attempt"] == 2, seconds=60)
    assert stack.wait_ended(job_id)["status"] == "succeeded"


def test_a_job_survives_the_api_that_accepted_it(stack: Stack) -> None:
    job_id = stack.submit(seed=303)
    os.kill(stack.process_id("api"), signal.SIGKILL)
    assert stack.wait_ended(job_id)["status"] == "succeeded"


def test_an_upload_that_dies_with_the_api_leaves_nothing(stack: Stack) -> None:
    wait_ready(stack)
    before = set(stack.stored_files())
    listed = len(jobs_of(stack))
    host, port = stack.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        head = (
            "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n"
            "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
            '--x\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
        )
        connection.sendall(head.encode() + bytes(20_000_000))
        deadline = time.monotonic() + 10
        while set(stack.stored_files()) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert set(stack.stored_files()) != before
        os.kill(stack.process_id("api"), signal.SIGKILL)
    time.sleep(0.5)
    wait_ready(stack)
    assert set(stack.stored_files()) == before
    assert len(jobs_of(stack)) == listed


def jobs_of(stack: Stack) -> list[dict[str, object]]:
    with stack.http as http:
        found: list[dict[str, object]] = http.get("/v1/jobs", params={"limit": 200}).json()["jobs"]
    return found


def test_a_stopped_service_hands_its_job_back_and_the_next_one_finishes_it(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("restarted")
    with running(folder) as first, first.held("encoding"):
        job_id = first.submit(seed=304)
        first.wait_stage(job_id, "encoding")
        first.process.send_signal(signal.SIGINT)
        assert first.process.wait(30) == 0
    with running(folder) as second:
        job = second.wait_ended(job_id)
    assert (job["status"], job["attempt"]) == ("succeeded", 2)
    assert list(folder.glob("rotomill-*")) == []
