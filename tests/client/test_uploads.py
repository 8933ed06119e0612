"""Sending large files first, in parts."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import httpx
import pytest
from rotomill import Client, ConnectionFailed, InvalidRequest, Retry

from tests.client.service import BREAK, BREAK_AFTER, FakeService

Fault = tuple[int, dict[str, str], dict[str, str]]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """Five parts and a bit."""
    path = tmp_path / "large.mp4"
    path.write_bytes(os.urandom((5 << 20) + 7))
    return path


def parts_sent(service: FakeService) -> list[int]:
    return [
        int(path.rsplit("/", 1)[1])
        for method, path, _ in service.requests
        if method == "PUT" and "parts" in path
    ]


def test_a_file_goes_in_parts_and_its_digest_along(client: Client, service: FakeService, large: Path) -> None:
    told: list[tuple[int, int]] = []
    upload = client.upload(large, on_upload=lambda sent, total: told.append((sent, total)))
    assert upload.complete
    assert upload.sha256 == hashlib.sha256(large.read_bytes()).hexdigest()
    assert parts_sent(service) == [1, 2, 3, 4, 5, 6]
    assert told[-1] == (upload.bytes, upload.bytes)
    assert [sent for sent, _ in told] == sorted(sent for sent, _ in told)


def test_a_part_whose_connection_breaks_is_sent_again_alone(
    client: Client, service: FakeService, large: Path, pauses: list[float]
) -> None:
    # begin, addresses, the first part; then the second breaks, and its new address comes
    service.faults.extend([None, None, None, BREAK, None])
    assert client.upload(large).complete
    assert parts_sent(service) == [1, 2, 2, 3, 4, 5, 6]
    assert pauses == [0.5]


def test_a_later_run_goes_on_where_an_earlier_one_ended(service: FakeService, large: Path) -> None:
    service.faults.extend([None, None, None, None, BREAK])
    with Client(service.url, retry=Retry(attempts=1)) as client:
        with pytest.raises(ConnectionFailed):
            client.upload(large, idempotency_key="shot-12")
        assert client.upload(large, idempotency_key="shot-12").complete
    assert parts_sent(service) == [1, 2, 3, 3, 4, 5, 6]
    assert len(service.uploads) == 1


def test_a_file_that_was_written_since_is_another(client: Client, service: FakeService, large: Path) -> None:
    client.upload(large, idempotency_key="shot-12")
    large.write_bytes(os.urandom(large.stat().st_size))
    later = large.stat().st_mtime_ns + 1_000_000_000
    os.utime(large, ns=(later, later))
    client.upload(large, idempotency_key="shot-12")
    assert len(service.uploads) == 2


def test_a_signed_address_is_shown_no_key_and_asked_for_anew_once_it_is_stale(
    service: FakeService, large: Path
) -> None:
    service.signs = True
    service.faults.extend([None, None, (403, {}, b"<Error><Code>AccessDenied</Code></Error>")])
    http = httpx.Client(
        base_url=service.url, headers={"Authorization": "Bearer rm_secret", "X-API-Key": "rm_secret"}
    )
    with http, Client(http=http, retry=Retry(sleep=lambda _: None)) as client:
        assert client.upload(large).complete
    to_store = service.asked("PUT", "/store/")
    assert len(to_store) == 7
    assert all("authorization" not in headers and "x-api-key" not in headers for headers in to_store)
    assert all(headers["content-length"] and "transfer-encoding" not in headers for headers in to_store)
    assert service.asked("POST", "/complete")[0]["authorization"] == "Bearer rm_secret"


def test_a_completion_that_takes_long_is_waited_for(
    client: Client, service: FakeService, large: Path, pauses: list[float]
) -> None:
    busy = (409, {"Retry-After": "2"}, {"code": "upload_completing", "detail": "Ask again."})
    service.faults.extend([None] * 8 + [busy] * 7)
    assert client.upload(large).complete
    assert sum(pauses) >= 14


def test_a_job_of_large_files_names_their_uploads_and_lets_go_of_them(
    client: Client, service: FakeService, large: Path, mask: Path
) -> None:
    job = client.submit(large, mask, masks={7: mask}, preset="fast", upload=True)
    arrived = service.submissions[0]
    assert job.id in service.jobs
    assert arrived.files["video"] == ("large.mp4", large.read_bytes())
    assert arrived.files["mask"] == arrived.files["mask_7"] == ("mask.png", mask.read_bytes())
    assert arrived.options == {"preset": "fast"}
    assert service.uploads == {}


def test_under_a_key_of_ones_own_the_uploads_stay_for_a_later_run(
    client: Client, service: FakeService, large: Path, mask: Path
) -> None:
    for _ in range(2):
        client.submit(large, mask, idempotency_key="shot-12", upload=True)
    assert parts_sent(service) == [1, 2, 3, 4, 5, 6]
    assert len(service.uploads) == 2


def test_files_of_more_than_64_mebibytes_are_uploaded_without_being_asked(
    client: Client, service: FakeService, tmp_path: Path, mask: Path
) -> None:
    service.part_bytes = 16 << 20
    huge = tmp_path / "huge.mp4"
    with huge.open("wb") as file:
        file.truncate((64 << 20) + 1)
    client.submit(huge, mask)
    assert parts_sent(service) == [1, 2, 3, 4, 5]


def test_a_whole_file_that_got_through_unheard_is_not_sent_again(
    client: Client, service: FakeService, mask: Path
) -> None:
    done: Fault = (409, {}, {"code": "upload_complete", "detail": "It is complete already."})
    service.faults.extend([None, BREAK_AFTER, done])
    assert client.upload(mask).complete


def test_what_arrives_as_something_else_is_told(client: Client, service: FakeService, large: Path) -> None:
    differs: Fault = (422, {}, {"code": "upload_checksum_differs", "detail": "It is not what you say."})
    service.faults.extend([None] * 8 + [differs])
    with pytest.raises(InvalidRequest, match="not what you say"):
        client.upload(large)
