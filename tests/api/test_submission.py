import json
from concurrent.futures import ThreadPoolExecutor

from storage import attempts
from storage.jobs import StoredFile
from storage.keys import result_key
from storage.results import Result
from tests.api.service import Service, problem
from tests.storage.records import LEASE
from tests.storage.test_objects import write
from tests.worker.clips import box_mask

KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


def test_a_good_upload_is_accepted_queued_and_hinted_at(service: Service) -> None:
    response = service.submit(options={"preset": "fast", "metadata": {"shot": "012"}})
    job = response.json()
    assert response.status_code == 202, job
    assert response.headers["location"] == f"/v1/jobs/{job['id']}"
    assert (job["status"], job["queue_position"], job["attempt"]) == ("queued", 1, 0)
    assert job["metadata"] == {"shot": "012"}
    assert (job["clip"]["width"], job["clip"]["height"], job["clip"]["frames"]) == (64, 48, 12)
    assert job["objects"] == 1
    assert service.hints == [job["id"]]
    assert service.client.get(response.headers["location"]).json() == job


def test_what_was_uploaded_lies_in_the_store_under_the_job(service: Service) -> None:
    job = service.submit(masks={5: box_mask(5)}).json()
    keys = sorted(found.key for found in service.services.objects.list("uploads"))
    assert keys == [f"uploads/{job['id']}/{name}" for name in ("mask_00000", "mask_00005", "video")]
    assert (service.folder / "objects" / keys[-1]).read_bytes() == service.clip()


def test_a_webhooks_secret_is_never_shown(service: Service) -> None:
    webhook = {"url": "https://example.com/hook", "secret": "whsec_" + "A" * 32}
    shown = service.submit(options={"webhook": webhook}).json()["options"]["webhook"]
    assert set(shown) == {"url", "events"}


def test_the_same_key_and_content_get_the_same_job(service: Service) -> None:
    first = service.submit(headers=KEY)
    again = service.submit(headers={"Idempotency-Key": KEY["Idempotency-Key"].strip('"')})
    assert again.status_code == 202
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert len(list(service.services.objects.list("uploads"))) == 2


def test_the_same_key_with_other_content_is_refused(service: Service) -> None:
    service.submit(headers=KEY)
    for other in ({"mask": box_mask(3)}, {"options": {"preset": "best"}}):
        assert problem(service.submit(headers=KEY, **other)) == (422, "idempotency_key_reused")
    assert len(list(service.services.objects.list("uploads"))) == 2


def test_one_key_at_the_same_time_makes_one_job(service: Service) -> None:
    service.clip()  # made before four threads want it
    with ThreadPoolExecutor(4) as pool:
        responses = list(pool.map(lambda _: service.submit(headers=KEY), range(4)))
    made = {response.json()["id"] for response in responses if response.status_code == 202}
    refused = [problem(response) for response in responses if response.status_code != 202]
    assert len(made) == 1
    assert set(refused) <= {(409, "request_in_progress")}
    assert len(service.client.get("/v1/jobs").json()["jobs"]) == 1


def test_a_refused_request_does_not_use_up_its_key(service: Service) -> None:
    assert problem(service.submit(headers=KEY, mask=b"no picture"))[0] == 422
    assert service.submit(headers=KEY).status_code == 202


def finish(service: Service, job_id: str, content: bytes = b"zip") -> None:
    """Let the job succeed with one small result."""
    database, objects = service.services.database, service.services.objects
    attempt = attempts.claim(database, job_id, worker="test", lease=LEASE)
    assert attempt is not None
    key = result_key(job_id, attempt.number, "masks.zip")
    size, sha256 = write(objects, key, content)
    result = Result("masks.zip", key, size, sha256, "application/zip")
    attempts.succeed(database, attempt, found=[result], timings={})


def test_an_equal_job_is_answered_at_once_with_results_of_its_own(service: Service) -> None:
    first = service.submit(options={"outputs": ["masks.zip"]}).json()
    finish(service, first["id"])
    second = service.submit(options={"outputs": ["masks.zip"], "metadata": {"other": "name"}}).json()
    assert (second["status"], second["cached"], second["progress"]) == ("succeeded", True, 1.0)
    assert second["id"] not in service.hints
    service.client.delete(f"/v1/jobs/{first['id']}")
    assert service.client.get(second["results"][0]["url"]).content == b"zip"


def test_other_content_or_options_are_another_job(service: Service) -> None:
    finish(service, service.submit(options={"outputs": ["masks.zip"]}).json()["id"])
    for other in (
        {"options": {"outputs": ["rle.json"]}},
        {"options": {"outputs": ["masks.zip"], "seed": 1}},
        {"options": {"outputs": ["masks.zip"]}, "mask": box_mask(2)},
        {"options": {"outputs": ["masks.zip"]}, "masks": {4: box_mask(4)}},
    ):
        assert service.submit(**other).json()["status"] == "queued"


def test_a_cached_result_that_is_gone_means_work_not_an_error(service: Service) -> None:
    first = service.submit(options={"outputs": ["masks.zip"]}).json()
    finish(service, first["id"])
    service.services.objects.delete_prefix("results")
    assert service.submit(options={"outputs": ["masks.zip"]}).json()["status"] == "queued"


def test_a_broker_that_is_away_costs_the_hint_not_the_job(service: Service) -> None:
    def broken(_job_id: str) -> None:
        raise ConnectionError

    service.services.send_hint = broken
    assert service.submit().status_code == 202
    assert service.client.get("/v1/jobs").json()["jobs"][0]["status"] == "queued"


def test_a_file_is_known_by_its_content(service: Service) -> None:
    job_id = service.submit().json()["id"]
    page = service.services.database
    from storage import jobs  # noqa: PLC0415 — only here

    job = jobs.get(page, job_id)
    assert job is not None
    assert isinstance(job.video, StoredFile)
    assert job.video.bytes == len(service.clip())
    assert json.dumps(job.video.filename) == '"clip.mp4"'
