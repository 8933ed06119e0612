"""Tricks in the names of files: none reaches a path, a header or a line of the log as it came."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from api.errors import ApiError
from api.multipart import Multipart, PartHead, plain_name
from storage import jobs
from tests.api.service import Service, problem
from tests.api.test_submission import finish
from tests.storage.records import submit
from tests.worker.clips import box_mask

FORM = {"Content-Type": "multipart/form-data; boundary=x"}
DISPOSITION = b"--x\r\nContent-Disposition: form-data; name="

PATH = b"../../../../etc/passwd"
NUL = b"a\x00.mp4"
TURNED = "invoice\u202e4pm.exe".encode()

NAMES = [
    PATH,
    NUL,
    TURNED,
    rb"..\..\windows\win.ini",
    b"/etc/passwd",
    b"a.mp4\rSet-Cookie: a=b",
    b'a"; name="options',
    b"a" * 3500,
    "\u2066\u200bclip\ufeff.mp4".encode(),
    b"\xff\xfe\xc3(",
    b"%2e%2e%2fclip.mp4",
    b"\x1b[2Jclip.mp4",
    b"",
]


@pytest.fixture
def database_kind() -> str:
    """Names do not come near SQL that differs."""
    return "sqlite"


async def head_of(disposition: bytes) -> PartHead:
    """What is read of a part with such a header."""

    async def body() -> AsyncIterator[bytes]:
        yield DISPOSITION + disposition + b"\r\n\r\nabc\r\n--x--\r\n"

    return await anext(aiter(Multipart(body(), FORM["Content-Type"])))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("parameter", ["filename", "filename*"])
def test_a_files_name_is_only_a_name(name: bytes, parameter: str) -> None:
    value = b'filename="%s"' % name.replace(b'"', b'\\"')
    if parameter == "filename*":  # RFC 5987
        value = b"filename*=UTF-8''" + b"".join(b"%%%02x" % byte for byte in name[:1000])
    try:
        found = asyncio.run(head_of(b'"video"; ' + value))
    except ApiError:
        return  # no name at all
    assert found.name == "video"
    assert len(found.filename) <= 200
    assert found.filename.isprintable()
    assert not set(found.filename) & set("/\\\u202e\u2066\u200b")


def test_a_name_of_ten_thousand_bytes_is_refused() -> None:
    with pytest.raises(ApiError, match="body_malformed"):
        asyncio.run(head_of(b'"video"; filename="%s"' % (b"a" * 10_000)))


def test_a_plain_name_keeps_what_people_write() -> None:
    assert plain_name("Größe – Szene 12 (final).mp4") == "Größe – Szene 12 (final).mp4"
    assert plain_name("C:\\fakepath\\クリップ.mov") == "クリップ.mov"


def post(service: Service, disposition: bytes) -> tuple[int, dict[str, Any]]:
    """Submit a clip with such a header."""
    mask = DISPOSITION + b'"mask"; filename="m.png"\r\n\r\n' + box_mask()
    body = b"\r\n".join([DISPOSITION + disposition + b"\r\n\r\n" + service.clip(), mask, b"--x--\r\n"])
    response = service.client.post("/v1/jobs", content=body, headers=FORM)
    return response.status_code, response.json()


def files(service: Service) -> list[Path]:
    folder = service.folder / "objects"
    return [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", [PATH, NUL, TURNED])
def test_it_reaches_no_path_and_no_line_of_the_log(service: Service, name: bytes) -> None:
    with structlog.testing.capture_logs() as logged:
        status, body = post(service, b'"video"; filename="%s"' % name)
    assert status == 202, body
    job = jobs.get(service.services.database, body["id"])
    assert job is not None
    assert job.video.key == f"uploads/{job.id}/video"
    assert {path.parts[:2] for path in files(service)} == {("uploads", job.id)}
    assert not any(name.decode() in str(line) for line in logged)


@pytest.mark.parametrize(
    "field", [b'"../video"', b'"video\x00"', b'"mask_1/../../x"', b'"\xe2\x80\xaevideo"', b'"mask_01x"']
)
def test_a_fields_name_is_taken_by_its_letter(service: Service, field: bytes) -> None:
    status, body = post(service, field + b'; filename="a.mp4"')
    assert (status, body["code"]) == (422, "field_unknown")
    assert body["detail"].isprintable()
    assert files(service) == []


def test_a_result_has_our_name_and_type_whatever_was_sent(service: Service) -> None:
    _, job = post(service, b'"video"; filename="<script>.html"')
    finish(service, job["id"])
    result = service.client.get(f"/v1/jobs/{job['id']}/results/masks.zip")
    assert result.headers["content-disposition"] == 'inline; filename="masks.zip"'
    assert result.headers["content-type"] == "application/zip"
    assert result.headers["x-content-type-options"] == "nosniff"


def test_no_result_is_found_by_a_path(service: Service) -> None:
    job = submit(service.services.database)
    finish(service, job.id)
    tricks = (
        "..%2f..%2fjobs.db",
        "%2e%2e/%2e%2e/jobs.db",
        "masks.zip%00",
        "masks.zip%0d%0aX: y",
        "..\\jobs.db",
    )
    for name in tricks:
        assert problem(service.client.get(f"/v1/jobs/{job.id}/results/{name}"))[0] == 404


def test_an_id_that_none_can_have_is_not_found(service: Service) -> None:
    """PostgreSQL would refuse to look for some of these."""
    for job_id in ("job_%00", "job_" + "a" * 40, "%0d%0aSet-Cookie: a=b", "job_%ed%a0%80"):
        refused = service.client.get(f"/v1/jobs/{job_id}")
        assert problem(refused) == (404, "job_not_found")
        assert "set-cookie" not in refused.headers


def test_a_last_event_id_of_odd_digits_is_refused(service: Service) -> None:
    job = submit(service.services.database)
    for number in ("\xb2".encode("latin-1"), b"9" * 5000, b"-1", b"1e3", b"0x10"):
        refused = service.client.get(f"/v1/jobs/{job.id}/events", headers={"Last-Event-ID": number})
        assert problem(refused) == (400, "last_event_id_malformed")
