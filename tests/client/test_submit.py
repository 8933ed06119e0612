"""Submitting a job."""

from __future__ import annotations

from pathlib import Path

import pytest
from rotomill import Client, ConnectionFailed, InvalidRequest, RateLimited, Retry

from tests.client.service import BREAK, BREAK_AFTER, FakeService


def test_files_and_options_arrive_as_given(
    client: Client, service: FakeService, clip: Path, mask: Path
) -> None:
    job = client.submit(
        clip,
        str(mask),
        masks={7: mask},
        preset="fast",
        outputs=("overlay.mp4", "masks.zip"),
        overlay_color="#ff0000",
        webhook_url="https://example.org/hook",
        webhook_events=["job.failed"],
        metadata={"shot": "Süd 12"},
        deadline_seconds=600,
        seed=3,
    )
    arrived = service.submissions[0]
    assert job.id in service.jobs
    assert job.status == "queued"
    assert arrived.files["video"] == ("clip.mp4", clip.read_bytes())
    assert set(arrived.files) == {"video", "mask", "mask_7"}
    assert arrived.options == {
        "preset": "fast",
        "outputs": ["overlay.mp4", "masks.zip"],
        "overlay_color": "#ff0000",
        "webhook": {"url": "https://example.org/hook", "events": ["job.failed"]},
        "metadata": {"shot": "Süd 12"},
        "deadline_seconds": 600,
        "seed": 3,
    }


def test_what_is_left_out_is_left_to_the_service(
    client: Client, service: FakeService, clip: Path, mask: Path
) -> None:
    client.submit(clip, mask)
    assert service.submissions[0].options == {}


def test_a_connection_that_drops_after_the_job_was_made_makes_no_second_job(
    client: Client, service: FakeService, clip: Path, mask: Path, pauses: list[float]
) -> None:
    service.faults.extend([BREAK_AFTER, BREAK])
    job = client.submit(clip, mask)
    assert list(service.jobs) == [job.id]
    assert len({one.key for one in service.submissions}) == 1
    assert service.submissions[-1].files["video"][1] == clip.read_bytes()
    assert pauses == [0.5, 1.0]


def test_a_first_sending_that_is_still_being_received_is_waited_for(
    client: Client, service: FakeService, clip: Path, mask: Path, pauses: list[float]
) -> None:
    busy = {"code": "request_in_progress", "detail": "Wait for its answer."}
    service.faults.extend([BREAK_AFTER, (409, {"Retry-After": "5"}, busy)])
    job = client.submit(clip, mask)
    assert list(service.jobs) == [job.id]
    assert pauses == [0.5, 5.0]


def test_two_submissions_of_the_same_files_are_two_jobs(client: Client, clip: Path, mask: Path) -> None:
    assert client.submit(clip, mask).id != client.submit(clip, mask).id


def test_a_key_of_the_callers_own_is_sent_as_a_quoted_string(
    client: Client, service: FakeService, clip: Path, mask: Path
) -> None:
    client.submit(clip, mask, idempotency_key="shot-12")
    assert service.submissions[0].key == '"shot-12"'


def test_a_service_that_asks_to_wait_is_given_the_time_it_asks_for(
    client: Client, service: FakeService, clip: Path, mask: Path, pauses: list[float]
) -> None:
    service.faults.append((429, {"Retry-After": "7"}, {"code": "queue_full", "detail": "Try later."}))
    client.submit(clip, mask)
    assert pauses == [7.0]


def test_a_service_that_asks_for_an_hour_is_an_error_at_once(
    client: Client, service: FakeService, clip: Path, mask: Path, pauses: list[float]
) -> None:
    service.faults.append((429, {"Retry-After": "3600"}, {"code": "queue_full", "detail": "Try later."}))
    with pytest.raises(RateLimited) as caught:
        client.submit(clip, mask)
    assert caught.value.retry_after_seconds == 3600
    assert pauses == []


def test_a_refusal_is_told_with_its_code_and_not_repeated(
    client: Client, service: FakeService, clip: Path, mask: Path
) -> None:
    service.faults.append((422, {}, {"code": "mask_empty", "detail": "The mask marks nothing."}))
    with pytest.raises(InvalidRequest, match="The mask marks nothing") as caught:
        client.submit(clip, mask)
    assert (caught.value.code, caught.value.status) == ("mask_empty", 422)
    assert len(service.requests) == 1


def test_an_answer_from_something_else_says_so(
    client: Client, service: FakeService, clip: Path, mask: Path
) -> None:
    service.faults.append((403, {}, b"<html>Forbidden</html>"))
    with pytest.raises(Exception, match="403 Forbidden; is this a Rotomill service"):
        client.submit(clip, mask)


def test_a_service_that_is_not_there_is_named(clip: Path, mask: Path) -> None:
    with (
        Client("http://127.0.0.1:9", retry=Retry(attempts=1)) as client,
        pytest.raises(ConnectionFailed, match=r"No service answers at http://127.0.0.1:9"),
    ):
        client.submit(clip, mask)


def test_the_upload_reports_every_byte(client: Client, clip: Path, mask: Path) -> None:
    told: list[tuple[int, int]] = []
    client.submit(clip, mask, on_upload=lambda sent, total: told.append((sent, total)))
    total = clip.stat().st_size + mask.stat().st_size
    assert told[-1] == (total, total)


def test_a_mask_for_frame_0_twice_and_a_secret_without_an_address_are_mistakes(
    client: Client, clip: Path, mask: Path
) -> None:
    with pytest.raises(ValueError, match="frame 0 is `mask`"):
        client.submit(clip, mask, masks={0: mask})
    with pytest.raises(ValueError, match="webhook_url"):
        client.submit(clip, mask, webhook_secret="whsec_AAAA")
