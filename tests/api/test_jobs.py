import json
from typing import Any

import pytest

from api.readiness import Readiness
from api.schemas import JobOut
from api.webhook_schemas import WebhookBody
from storage import attempts, deliveries, submissions, workers
from storage.jobs import Stage
from storage.keys import network_object_key
from tests.api.service import Service, problem
from tests.api.test_submission import finish
from tests.storage.records import LEASE, claim, submit, submit_with_webhook
from tests.storage.test_objects import write


def test_jobs_are_listed_newest_first_in_pages(service: Service) -> None:
    submitted = [submit(service.services.database).id for _ in range(5)]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        parameters = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = service.client.get("/v1/jobs", params=parameters).json()
        seen += [job["id"] for job in page["jobs"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == sorted(submitted, reverse=True)


def test_jobs_are_filtered_by_status(service: Service) -> None:
    waiting = submit(service.services.database)
    claim(service.services.database, submit(service.services.database))
    listed = service.client.get("/v1/jobs", params={"status": "queued"}).json()["jobs"]
    assert [job["id"] for job in listed] == [waiting.id]


def test_a_waiting_job_is_canceled_at_once_and_again(service: Service) -> None:
    job = submit(service.services.database)
    for _ in range(2):
        response = service.client.post(f"/v1/jobs/{job.id}/cancel")
        assert (response.status_code, response.json()["status"]) == (200, "canceled")


def test_a_job_that_has_ended_cannot_be_canceled(service: Service) -> None:
    job = submit(service.services.database)
    finish(service, job.id)
    assert problem(service.client.post(f"/v1/jobs/{job.id}/cancel")) == (409, "job_finished")


def test_a_running_job_must_be_canceled_before_it_is_deleted(service: Service) -> None:
    attempt = claim(service.services.database, submit(service.services.database))
    path = f"/v1/jobs/{attempt.job.id}"
    assert problem(service.client.delete(path)) == (409, "job_running")
    service.client.post(f"{path}/cancel")
    attempts.cancel(service.services.database, attempt)
    assert service.client.delete(path).status_code == 204
    assert problem(service.client.get(path)) == (404, "job_not_found")


def test_deleting_removes_uploads_results_and_the_network_nobody_shares(service: Service) -> None:
    job_id = service.submit(options={"outputs": ["masks.zip"]}).json()["id"]
    finish(service, job_id)
    job = submissions.cancel(service.services.database, job_id)
    assert job is not None
    write(service.services.objects, network_object_key(job.network_key), b"weights")
    assert service.client.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert service.nothing_is_left()


def test_a_network_that_another_job_shares_is_kept(service: Service) -> None:
    first, second = submit(service.services.database), submit(service.services.database)
    write(service.services.objects, network_object_key(first.network_key), b"weights")
    service.client.delete(f"/v1/jobs/{first.id}")
    assert service.services.objects.exists(network_object_key(second.network_key))


def finished(service: Service) -> dict[str, Any]:
    job = submit(service.services.database)
    finish(service, job.id)
    shown: dict[str, Any] = service.client.get(f"/v1/jobs/{job.id}").json()
    return shown


def test_a_result_comes_whole_or_in_ranges(service: Service) -> None:
    (result,) = finished(service)["results"]
    whole = service.client.get(result["url"])
    assert whole.content == b"zip"
    assert whole.headers["content-type"] == result["media_type"]
    assert whole.headers["etag"] == f'"{result["sha256"]}"'
    part = service.client.get(result["url"], headers={"Range": "bytes=1-"})
    assert (part.status_code, part.content) == (206, b"ip")
    assert part.headers["content-range"] == "bytes 1-2/3"
    assert service.client.get(result["url"], headers={"Range": "bytes=9-"}).status_code == 416
    assert service.client.head(result["url"]).headers["content-length"] == "3"


def test_results_that_are_not_there_are_explained(service: Service) -> None:
    waiting = submit(service.services.database)
    path = f"/v1/jobs/{waiting.id}/results/masks.zip"
    assert problem(service.client.get(path)) == (409, "job_not_succeeded")
    job = finished(service)
    for name in ("alpha.mov", "..%2f..%2fjobs.db"):
        path = f"/v1/jobs/{job['id']}/results/{name}"
        assert problem(service.client.get(path))[0] == 404
    service.services.objects.delete_prefix("results")
    assert problem(service.client.get(job["results"][0]["url"])) == (410, "result_gone")


def events_of(text: str) -> list[dict[str, str]]:
    """Server-sent events as their fields."""
    blocks = [block for block in text.split("\n\n") if "data:" in block]
    return [dict(line.split(": ", 1) for line in block.splitlines() if ": " in line) for block in blocks]


def story(service: Service) -> str:
    """A job that has been through everything."""
    database = service.services.database
    job = submit(database)
    attempt = claim(database, job)
    attempts.report(database, attempt, stage=Stage.SEGMENTING, progress=0.5, eta_seconds=3.0, lease=LEASE)
    attempts.succeed(database, attempt, found=[], timings={})
    return job.id


def test_a_follower_hears_what_it_missed_in_order(service: Service) -> None:
    path = f"/v1/jobs/{story(service)}/events"
    response = service.client.get(path, headers={"Last-Event-ID": "1"})
    assert response.headers["content-type"].startswith("text/event-stream")
    found = events_of(response.text)
    assert [event["event"] for event in found] == ["job.running", "job.progress", "job.succeeded"]
    assert [event["id"] for event in found] == ["2", "3", "4"]
    progress = json.loads(found[1]["data"])
    assert (progress["status"], progress["stage"], progress["progress"]) == ("running", "segmenting", 0.5)


def test_a_new_follower_begins_with_the_newest(service: Service) -> None:
    found = events_of(service.client.get(f"/v1/jobs/{story(service)}/events").text)
    assert [event["event"] for event in found] == ["job.succeeded"]


def test_a_follower_who_has_heard_all_is_let_go(service: Service) -> None:
    path = f"/v1/jobs/{story(service)}/events"
    assert events_of(service.client.get(path, headers={"Last-Event-ID": "4"}).text) == []


def test_a_last_event_id_that_is_none_is_refused(service: Service) -> None:
    path = f"/v1/jobs/{story(service)}/events"
    refused = service.client.get(path, headers={"Last-Event-ID": "four"})
    assert problem(refused) == (400, "last_event_id_malformed")


def test_deliveries_are_shown_and_sent_again_on_demand(service: Service) -> None:
    job = submit_with_webhook(service.services.database)
    submissions.cancel(service.services.database, job.id)
    path = f"/v1/jobs/{job.id}/deliveries"
    (shown,) = service.client.get(path).json()["deliveries"]
    assert (shown["number"], shown["event"], shown["status"]) == (1, "job.canceled", "pending")
    assert service.client.post(f"{path}/1/redeliver").status_code == 202
    assert problem(service.client.post(f"{path}/2/redeliver")) == (404, "delivery_not_found")


def test_a_webhooks_body_is_what_the_documentation_says(service: Service) -> None:
    job = submit_with_webhook(service.services.database)
    submissions.cancel(service.services.database, job.id)
    (owed,) = deliveries.of(service.services.database, job.id)
    body = WebhookBody.model_validate_json(owed.body)
    assert isinstance(body.data, JobOut)
    assert json.loads(owed.body)["data"] == service.client.get(f"/v1/jobs/{job.id}").json()


def test_readiness_says_which_workers_are_there(service: Service) -> None:
    """None is no failure: jobs wait."""
    assert service.client.get("/readyz").json()["workers"] == []
    workers.greet(service.services.database, "a:1", tier="compact", device="cpu")
    assert service.client.get("/readyz").json()["workers"] == [
        {"tier": "compact", "device": "cpu", "count": 1}
    ]


@pytest.mark.parametrize("broken", ["database", "objects", "broker"])
def test_readiness_names_what_is_missing_and_liveness_asks_nobody(service: Service, broken: str) -> None:
    assert service.client.get("/readyz").json()["checks"] == dict.fromkeys(
        ("database", "objects", "broker"), "ok"
    )

    def fail() -> None:
        raise ConnectionError

    target = service.services if broken == "broker" else getattr(service.services, broken)
    setattr(target, "check_broker" if broken == "broker" else "check", fail)
    service.services.readiness = Readiness()
    response = service.client.get("/readyz")
    assert (response.status_code, response.json()["code"]) == (503, "not_ready")
    assert response.json()["checks"][broken] == "failed"
    assert service.client.get("/livez").status_code == 200
