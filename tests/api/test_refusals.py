"""Bad input: a code and a sentence each, and nothing left behind."""

import io
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.api.live import listening
from tests.api.service import Service, problem
from tests.api.test_bodies import wait_until
from tests.worker.clips import box, box_mask, cut, make_audio, make_clip, png

WORDS = b"Dear Sir or Madam, this is a letter and no clip. " * 50


@pytest.fixture
def database_kind() -> str:
    """What is refused is not stored, wherever it is not."""
    return "sqlite"


def photograph() -> bytes:
    """Smooth colours, many of them: what no mask has."""
    image = Image.radial_gradient("L").resize((64, 48))
    colored = Image.merge("RGB", (image, image.rotate(90), image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)))
    file = io.BytesIO()
    colored.save(file, "PNG")
    return file.getvalue()


def empty_mask() -> bytes:
    return png(box(0) * 0)


def full_mask() -> bytes:
    return png(box(0) * 0 + 255)


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        (photograph, "mask_not_a_mask"),
        (empty_mask, "mask_empty"),
        (full_mask, "mask_full"),
        (lambda: box_mask(size=(32, 24)), "mask_wrong_size"),
        (lambda: WORDS, "mask_unreadable"),
        (lambda: b"", "mask_unreadable"),
    ],
)
def test_a_bad_mask_is_refused(service: Service, mask: Callable[[], bytes], code: str) -> None:
    assert problem(service.submit(mask=mask())) == (422, code)
    assert service.nothing_is_left()


def half(path: Path) -> Path:
    return cut(make_clip(path, frames=48), 0.5)


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda path: path.write_bytes(WORDS) and path, "clip_unreadable"),
        (lambda path: (path.touch(), path)[1], "clip_empty"),
        (half, "clip_truncated"),
        (lambda path: make_audio(path.with_suffix(".m4a"), "aac"), "clip_has_no_video"),
        (lambda path: make_clip(path, frames=1), "clip_too_short"),
    ],
)
def test_a_bad_clip_is_refused(
    service: Service, tmp_path: Path, make: Callable[[Path], Path], code: str
) -> None:
    video = make(tmp_path / "bad.mp4").read_bytes()
    assert problem(service.submit(video=video)) == (422, code)
    assert service.nothing_is_left()


@pytest.mark.parametrize(
    ("limits", "status", "code"),
    [
        ({"max_video_bytes": 1000}, 413, "clip_too_large"),
        ({"max_mask_bytes": 50}, 413, "mask_too_large"),
        ({"max_pixels": 64 * 48 - 1}, 422, "clip_too_many_pixels"),
        ({"max_frames": 11}, 422, "clip_too_many_frames"),
        ({"max_seconds": 0.4}, 422, "clip_too_long"),
    ],
)
def test_a_clip_over_a_limit_is_refused(
    make_service: Callable[..., Service], limits: dict[str, Any], status: int, code: str
) -> None:
    service = make_service(**limits)
    assert problem(service.submit()) == (status, code)
    assert service.nothing_is_left()


def test_a_clip_at_its_limits_is_accepted(make_service: Callable[..., Service]) -> None:
    service = make_service(max_pixels=64 * 48, max_frames=12, max_seconds=0.5)
    assert service.submit().status_code == 202


def test_masks_of_frames_that_do_not_exist_are_refused(service: Service) -> None:
    assert problem(service.submit(masks={12: box_mask()})) == (422, "mask_frame_out_of_range")
    assert service.nothing_is_left()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ("{not json", "options_not_json"),
        ("[]", "options_invalid"),
        ({"preset": "quick"}, "options_invalid"),
        ({"outputs": []}, "options_invalid"),
        ({"outputs": "masks.zip"}, "options_invalid"),
        ({"outputs": ["virus.exe"]}, "options_invalid"),
        ({"overlay_color": "red"}, "options_invalid"),
        ({"seed": "1"}, "options_invalid"),
        ({"seed": -1}, "options_invalid"),
        ({"deadline_seconds": 0}, "options_invalid"),
        ({"deadline_seconds": 1e9}, "options_invalid"),
        ({"deadline_seconds": 10**9}, "options_invalid"),
        ({"metadata": {"a": 1}}, "options_invalid"),
        ({"metadata": {"a": "b" * 501}}, "options_invalid"),
        ({"webhook": {"url": "ftp://example.com"}}, "options_invalid"),
        ({"webhook": {"url": "https://me:pass@example.com"}}, "options_invalid"),
        ({"webhook": {"url": "https://example.com", "events": ["job.exploded"]}}, "options_invalid"),
        ({"webhook": {"url": "https://example.com", "secret": "short"}}, "options_invalid"),
        ({"colour": "#ffffff"}, "options_invalid"),
    ],
)
def test_options_that_cannot_be_used_are_refused(service: Service, options: Any, code: str) -> None:
    assert problem(service.submit(options=options)) == (422, code)
    assert service.nothing_is_left()


@pytest.mark.parametrize("key", ["", '""', '"open', "a" * 256, "two words", 'a"b', "smörgås".encode()])
def test_a_malformed_idempotency_key_is_refused(service: Service, key: str) -> None:
    refused = service.submit(headers={"Idempotency-Key": key})
    assert problem(refused) == (400, "idempotency_key_malformed")
    assert service.nothing_is_left()


@pytest.mark.parametrize(
    ("files", "code"),
    [
        ([("mask", b"x")], "video_missing"),
        ([("video", b"x")], "mask_missing"),
        ([("video", b"x"), ("mask_3", b"x")], "mask_missing"),
        ([("video", b"x"), ("video", b"x")], "field_repeated"),
        ([("mask", b"x"), ("mask_0", b"x")], "field_repeated"),
        ([("movie", b"x")], "field_unknown"),
        ([("mask_-1", b"x")], "field_unknown"),
        ([("mask_9999999999", b"x")], "field_unknown"),
    ],
)
def test_a_form_with_other_fields_is_refused(
    service: Service, files: list[tuple[str, bytes]], code: str
) -> None:
    form = [(name, ("file", content)) for name, content in files]
    assert problem(service.client.post("/v1/jobs", files=form)) == (422, code)
    assert service.nothing_is_left()


def test_too_many_masks_are_refused(make_service: Callable[..., Service]) -> None:
    service = make_service(max_masks=2)
    masks = {frame: box_mask(frame) for frame in (1, 2)}
    assert problem(service.submit(masks=masks)) == (422, "too_many_masks")


def test_options_without_end_are_refused(service: Service) -> None:
    assert problem(service.submit(options="x" * 70_000)) == (413, "options_too_large")


def test_a_body_that_is_no_form_is_refused(service: Service) -> None:
    assert problem(service.client.post("/v1/jobs", content=b"{}")) == (400, "content_type_wrong")
    headers = {"content-type": "multipart/form-data; boundary=x"}
    for body, code in ((b"rubbish", "body_malformed"), (b"--x\r\nContent-Disp", "body_incomplete")):
        refused = service.client.post("/v1/jobs", content=body, headers=headers)
        assert problem(refused) == (400, code)
    assert service.nothing_is_left()


def test_a_body_cut_off_in_the_middle_leaves_nothing(service: Service) -> None:
    """Over a real connection, which the caller drops in the middle of the clip."""
    with listening(service) as port:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            head = (
                "POST /v1/jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000000\r\n"
                "Content-Type: multipart/form-data; boundary=x\r\n\r\n"
                '--x\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n\r\n'
            )
            connection.sendall(head.encode() + bytes(20_000_000))
        wait_until(service.nothing_is_left)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/v1/jobs/job_unknown", 404, "job_not_found"),
        ("DELETE", "/v1/jobs/job_unknown", 404, "job_not_found"),
        ("POST", "/v1/jobs/job_unknown/cancel", 404, "job_not_found"),
        ("GET", "/v1/jobs/job_unknown/events", 404, "job_not_found"),
        ("GET", "/v1/jobs/job_unknown/results/masks.zip", 404, "job_not_found"),
        ("GET", "/v1/jobs/job_unknown/deliveries", 404, "job_not_found"),
        ("POST", "/v1/jobs/job_unknown/deliveries/1/redeliver", 404, "job_not_found"),
        ("GET", "/v1/jobs?status=lost", 422, "request_invalid"),
        ("GET", "/v1/jobs?limit=0", 422, "request_invalid"),
        ("GET", "/v2/jobs", 404, "path_not_found"),
        ("PUT", "/v1/jobs", 405, "method_not_allowed"),
    ],
)
def test_an_unknown_thing_is_said_to_be_unknown(
    service: Service, method: str, path: str, status: int, code: str
) -> None:
    assert problem(service.client.request(method, path)) == (status, code)
