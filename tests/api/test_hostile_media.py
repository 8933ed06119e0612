"""Files made to do harm: each is refused with its code, and the service goes on."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.service import Service, problem
from tests.worker import hostile
from tests.worker.clips import box_mask, make_clip
from worker.nursery import Nursery


@pytest.fixture
def database_kind() -> str:
    """None of this depends on the database."""
    return "sqlite"


@pytest.fixture(scope="module")
def killing_nursery() -> Iterator[Nursery]:
    """Children whom certain files kill, as an unknown hole in a decoder might."""
    with Nursery("tests.worker.killing") as found:
        yield found


def accepts_good_ones(service: Service) -> bool:
    return service.submit(mask=box_mask(1)).status_code == 202


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (hostile.huge_clip, "clip_corrupt"),
        (hostile.huge_clip_that_claims_to_be_small, "clip_corrupt"),
        (hostile.many_frames, "clip_too_many_frames"),
        (lambda path: hostile.many_frames(path, 5_000_000), "clip_too_many_frames"),
        (hostile.billion_seconds, "clip_too_long"),
        (lambda path: hostile.zip_archive(make_clip(path)), "clip_unreadable"),
        (lambda path: hostile.tar_archive(make_clip(path)), "clip_unreadable"),
        (lambda path: hostile.packed(make_clip(path)), "clip_unreadable"),
        (lambda path: hostile.noise(), "clip_unreadable"),
    ],
    ids=["huge", "huge-in-secret", "billion", "millions", "long", "zip", "tar", "gzip", "noise"],
)
def test_a_hostile_clip_is_refused(
    service: Service, tmp_path: Path, make: Callable[[Path], bytes], code: str
) -> None:
    refused = service.submit(video=make(tmp_path / ("bad.mkv" if code == "clip_too_long" else "bad.mov")))
    assert problem(refused) == (422, code)
    assert service.nothing_is_left()
    assert accepts_good_ones(service)


@pytest.mark.parametrize("make", [hostile.playlist, hostile.concatenation])
def test_a_list_that_names_a_file_of_this_machine_is_no_clip(
    service: Service, tmp_path: Path, make: Callable[[Path], bytes]
) -> None:
    """Were it followed, the answer would be that of the clip that it names."""
    refused = service.submit(video=make(make_clip(tmp_path / "secret.mp4")))
    assert problem(refused) == (422, "clip_unreadable")
    assert "secret" not in refused.text
    assert accepts_good_ones(service)


@pytest.mark.parametrize("make", [hostile.playlist_of_the_net, hostile.session_description])
def test_a_list_that_names_a_server_reaches_nobody(service: Service, make: Callable[[int], bytes]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        refused = service.submit(video=make(server.getsockname()[1]))
        assert problem(refused) == (422, "clip_unreadable")
        with pytest.raises(TimeoutError):
            server.accept()


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (hostile.huge_picture, "mask_too_large"),
        (lambda: hostile.huge_picture(8000, 8000), "mask_wrong_size"),
        (hostile.false_picture, "mask_empty"),
        (hostile.inflating_text, "mask_unreadable"),
        (hostile.printing_program, "mask_unreadable"),
        (hostile.drawing, "mask_unreadable"),
        (hostile.noise, "mask_unreadable"),
    ],
    ids=["huge", "large", "endless", "inflating", "postscript", "svg", "noise"],
)
def test_a_hostile_mask_is_refused(service: Service, make: Callable[[], bytes], code: str) -> None:
    assert problem(service.submit(mask=make())) == (422, code)
    assert service.nothing_is_left()
    assert accepts_good_ones(service)


@pytest.mark.parametrize("word", [b"CRASH", b"EVERY", b"NEVER", b"SLEEP"])
def test_a_clip_that_kills_what_reads_it_is_refused(
    make_service: Callable[..., Service], killing_nursery: Nursery, word: bytes
) -> None:
    service = make_service(inspection_timeout_seconds=60.0 if word in {b"CRASH", b"EVERY"} else 1.0)
    service.services.nursery = killing_nursery
    refused = service.submit(video=word + bytes(1000))
    assert problem(refused) == (422, "clip_unreadable")
    assert service.nothing_is_left()
    service = make_service()
    service.services.nursery = killing_nursery
    assert accepts_good_ones(service)


def test_a_bug_of_ours_is_no_fault_of_the_clip(
    make_service: Callable[..., Service], killing_nursery: Nursery
) -> None:
    service = make_service()
    service.services.nursery = killing_nursery
    assert service.submit(video=b"FAILS" + bytes(1000)).status_code == 500
    assert service.nothing_is_left()
    assert accepts_good_ones(service)


def test_the_zygote_may_die_between_two_uploads(make_service: Callable[..., Service]) -> None:
    service = make_service()
    with Nursery() as own:
        service.services.nursery = own
        assert accepts_good_ones(service)
        own.kill()
        assert service.submit().status_code == 202


@pytest.mark.parametrize("objects_kind", ["moto"])
def test_what_lies_in_an_object_store_is_read_for_the_child(service: Service) -> None:
    assert accepts_good_ones(service)
    assert problem(service.submit(video=hostile.noise())) == (422, "clip_unreadable")
