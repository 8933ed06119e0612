"""The same service on PostgreSQL, Redis and S3, by settings alone."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest
from standardwebhooks import Webhook

from tests.e2e.stack import Stack, running
from tests.receiver import Receiver, receiving
from tests.services import redis_server
from tests.services.cluster import Cluster
from tests.services.need import need
from tests.services.s3 import S3

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, postgresql_cluster: Cluster, rclone: S3
) -> Iterator[Stack]:
    need("Redis")
    bucket = rclone.new_bucket()
    with ExitStack() as stack:
        _server, port = stack.enter_context(redis_server.redis_server())
        postgresql_cluster.empty()
        settings = {
            "ROTOMILL_DATABASE_URL": postgresql_cluster.address,
            "ROTOMILL_BROKER_URL": redis_server.address(port),
            "ROTOMILL_OBJECTS_URL": bucket.address,
            **bucket.environment,
        }
        yield stack.enter_context(running(tmp_path_factory.mktemp("deployment"), **settings))


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving(Receiver()) as found:
        yield found


def test_a_job_is_done_told_and_its_results_come_from_the_object_store(
    stack: Stack, receiver: Receiver
) -> None:
    job_id = stack.submit(
        segmenter="flow", outputs=["masks.zip"], webhook={"url": receiver.url, "secret": SECRET}
    )
    job = stack.wait_ended(job_id)
    assert job["status"] == "succeeded", job["error"]
    with stack.http as http:
        answer = http.get(f"/v1/jobs/{job_id}/results/masks.zip")
    assert answer.status_code == httpx.codes.TEMPORARY_REDIRECT
    assert httpx.get(answer.headers["location"]).content.startswith(b"PK")
    stack.wait(job_id, lambda _: len(receiver.received) == 1, seconds=20)
    told = receiver.received[0]
    assert Webhook(SECRET).verify(told.body, told.headers)["type"] == "job.succeeded"
    assert not (stack.folder / "data" / "rotomill.db").exists()
    assert not (stack.folder / "data" / "objects").exists()


def test_a_killed_workers_job_is_done_by_another_and_told_once(
    stack: Stack, receiver: Receiver, postgresql_cluster: Cluster
) -> None:
    with stack.held("segmenting"):
        job_id = stack.submit(seed=1, segmenter="flow", webhook={"url": receiver.url, "secret": SECRET})
        stack.wait_stage(job_id, "segmenting")
        row = postgresql_cluster.connection.execute(
            "SELECT worker FROM jobs WHERE id = %s", [job_id]
        ).fetchone()
        assert row is not None
        os.kill(int(row[0].rsplit(":", 1)[1]), signal.SIGKILL)
        stack.wait(job_id, lambda job: job["attempt"] == 2, seconds=60)
    job = stack.wait_ended(job_id)
    assert (job["status"], job["attempt"]) == ("succeeded", 2), job["error"]
    time.sleep(1)
    assert len(receiver.received) == 1
