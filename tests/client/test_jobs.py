"""Listing, showing, canceling and deleting jobs, and their deliveries."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from rotomill import Client, Conflict, Job, NotFound, ServiceFailed

from tests.client.service import BREAK, BREAK_AFTER, FakeService


def test_a_list_goes_over_all_its_pages(client: Client, service: FakeService) -> None:
    for _ in range(5):
        service.add_job()
    assert [job.id for job in client.jobs()] == ["job1", "job2", "job3", "job4", "job5"]
    assert len(service.requests) == 3


def test_a_list_of_one_status_keeps_it_on_every_page(client: Client, service: FakeService) -> None:
    for status in ("queued", "failed", "failed", "queued", "failed"):
        service.add_job(status=status)
    assert [job.id for job in client.jobs("failed")] == ["job2", "job3", "job5"]


def test_a_search_keeps_its_words_on_every_page(client: Client, service: FakeService) -> None:
    for shot in ("harbour 1", "pier", "harbour 2", "harbour 3"):
        service.add_job(metadata={"shot": shot})
    assert [job.id for job in client.jobs(search="harbour")] == ["job1", "job3", "job4"]


def test_a_job_has_typed_fields_and_keeps_those_it_does_not_know(
    client: Client, service: FakeService
) -> None:
    service.add_job(status="failed", error={"code": "x", "detail": "y", "more": 1}, timings={"fetching": 0.5})
    job = client.job("job1")
    assert job.created_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert job.error is not None
    assert job.error.code == "x"
    assert job.finished
    assert not job.succeeded
    assert job.timings["fetching"] == 0.5
    assert job.raw["field_of_a_later_version"] == {"any": "thing"}


def test_a_job_of_two_fields_can_be_read() -> None:
    assert Job.parse({"id": "a", "status": "some_later_status"}).finished is False


def test_an_unknown_job_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound, match="There is no job nope") as caught:
        client.job("nope")
    assert caught.value.code == "job_not_found"


def test_an_id_cannot_reach_another_path(client: Client, service: FakeService) -> None:
    with pytest.raises(NotFound):
        client.job("../jobs?x=1")
    assert service.requests[0][1] == "/v1/jobs/..%2Fjobs%3Fx%3D1"


def test_cancel_returns_the_job(client: Client, service: FakeService) -> None:
    service.add_job()
    assert client.cancel("job1").status == "canceled"


def test_a_running_job_is_not_deleted(client: Client, service: FakeService) -> None:
    service.add_job(status="running")
    with pytest.raises(Conflict) as caught:
        client.delete("job1")
    assert caught.value.code == "job_running"


def test_a_delete_whose_answer_got_lost_has_deleted(client: Client, service: FakeService) -> None:
    service.add_job()
    service.faults.append(BREAK_AFTER)
    client.delete("job1")
    assert service.jobs == {}


def test_a_delete_of_an_unknown_job_is_not_found(client: Client) -> None:
    with pytest.raises(NotFound):
        client.delete("nope")


def test_a_restarting_service_is_waited_for_but_not_for_ever(
    client: Client, service: FakeService, pauses: list[float]
) -> None:
    service.add_job()
    restarting: object = (503, {}, {"code": "starting", "detail": "Starting."})
    service.faults.extend([restarting, BREAK, (502, {}, b""), (504, {}, b"")])
    assert client.job("job1").id == "job1"
    assert pauses == [0.5, 1.0, 2.0, 4.0]
    service.faults.extend([restarting] * 9)
    with pytest.raises(ServiceFailed):
        client.job("job1")


def test_an_internal_error_is_not_repeated(client: Client, service: FakeService) -> None:
    service.faults.append((500, {}, {"code": "internal", "detail": "A defect."}))
    with pytest.raises(ServiceFailed):
        client.job("job1")
    assert len(service.requests) == 1


def test_deliveries_tell_their_attempts(client: Client, service: FakeService) -> None:
    service.add_job()
    service.deliveries.append(
        {
            "number": 1,
            "event": "job.succeeded",
            "url": "https://example.org/hook",
            "status": "pending",
            "attempts": [{"at": "2026-11-20T10:00:05Z", "status_code": 500, "error": None}],
            "next_attempt_at": "2026-11-20T10:05:00Z",
            "created_at": "2026-11-20T10:00:00Z",
            "delivered_at": None,
        }
    )
    [delivery] = client.deliveries("job1")
    assert delivery.attempts[0].status_code == 500
    assert delivery.next_attempt_at == datetime(2026, 11, 20, 10, 5, tzinfo=UTC)


def test_a_redelivery_is_asked_for_by_number(client: Client, service: FakeService) -> None:
    service.add_job()
    client.redeliver("job1", 3)
    assert service.requests[-1][:2] == ("POST", "/v1/jobs/job1/deliveries/3/redeliver")
