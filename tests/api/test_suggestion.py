"""The box tool, as its callers meet it: real children, pictures made here."""

import asyncio
import io
from collections.abc import Callable
from typing import Any

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from api.limits import SUGGESTION_PATIENCE_SECONDS, owner_suggestion_slots, suggestion_slots
from api.settings import ApiSettings
from storage import api_keys
from storage.database import Database
from tests.api.service import Service, problem
from tests.api.test_keys import bearer
from tests.worker.suggestion.scene import BOX, DISC, SCENE, encoded, overlap, strokes_of

PATH = "/v1/masks/suggest"


@pytest.fixture
def database_kind() -> str:
    """Nothing of it is stored."""
    return "sqlite"


def ask(service: Service, image: bytes | None = None, box: str | None = BOX, **more: Any) -> httpx.Response:
    files = {"image": ("frame.png", encoded(SCENE) if image is None else image), **more}
    data = {} if box is None else {"box": box}
    response: httpx.Response = service.client.post(PATH, files=files, data=data)
    return response


def mask_of(response: httpx.Response) -> npt.NDArray[np.uint8]:
    assert response.status_code == 200, response.text
    return np.asarray(Image.open(io.BytesIO(response.content)))


def test_the_object_in_a_box_comes_back_as_a_mask(service: Service) -> None:
    answer = ask(service)
    mask = mask_of(answer)
    assert answer.headers["content-type"] == "image/png"
    assert mask.shape == DISC.shape
    assert mask.dtype == np.uint8
    assert set(np.unique(mask)) == {0, 255}
    assert overlap(mask > 0, DISC) > 0.85
    assert service.nothing_is_left()


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_other_kinds_of_pictures_are_read_too(service: Service, kind: str) -> None:
    assert overlap(mask_of(ask(service, encoded(SCENE, kind))) > 0, DISC) > 0.85


def test_strokes_are_heard(service: Service) -> None:
    ground = np.zeros(DISC.shape, bool)
    ground[90:96, 70:130] = True
    mask = mask_of(ask(service, strokes=("strokes.png", strokes_of(np.zeros_like(ground), ground))))
    assert not mask[ground].any()


@pytest.mark.parametrize(
    ("box", "code"),
    [
        (None, "box_missing"),
        ("1,2,3", "box_invalid"),
        ("a,b,c,d", "box_invalid"),
        ("1,2,3,9999999999999", "box_invalid"),
        ("10,10,10,90", "box_empty"),
        ("90,10,20,90", "box_empty"),
        ("900,900,990,990", "box_outside"),
        ("-50,-50,-10,-10", "box_outside"),
    ],
)
def test_a_box_that_holds_nothing_is_refused(service: Service, box: str | None, code: str) -> None:
    assert problem(ask(service, box=box)) == (422, code)


def test_what_is_no_picture_is_refused(service: Service) -> None:
    assert problem(ask(service, b"no picture")) == (422, "image_unreadable")
    assert problem(ask(service, encoded(SCENE)[:-200])) == (422, "image_unreadable")
    assert problem(ask(service, encoded(SCENE, "GIF"))) == (422, "image_unreadable")
    assert problem(ask(service, b"")) == (422, "image_unreadable")


def test_a_picture_with_too_many_pixels_is_refused_before_it_is_decoded(service: Service) -> None:
    large = Image.new("L", (2049, 2048))
    target = io.BytesIO()
    large.save(target, "PNG")
    assert problem(ask(service, target.getvalue()[:1000])) == (422, "image_too_large")


def test_a_picture_that_is_too_long_is_refused(service: Service) -> None:
    """The network's view of a long box is half as wide as long."""
    long = encoded(np.zeros((4, 1_000_000, 3), np.uint8))
    assert problem(ask(service, long, "0,0,999999,4")) == (422, "image_too_large")


def test_a_file_with_too_many_bytes_is_refused(service: Service) -> None:
    assert problem(ask(service, bytes(8 * 1024**2 + 1))) == (413, "image_too_large")
    assert problem(ask(service, strokes=("s.png", bytes(2 * 1024**2 + 1)))) == (413, "strokes_too_large")


def test_strokes_that_do_not_fit_are_refused(service: Service) -> None:
    none = np.zeros((10, 10), bool)
    assert problem(ask(service, strokes=("s.png", strokes_of(none, none)))) == (422, "strokes_wrong_size")
    assert problem(ask(service, strokes=("s.png", b"no picture"))) == (422, "strokes_unreadable")
    assert problem(ask(service, strokes=("s.png", encoded(SCENE)))) == (422, "strokes_invalid")


def test_a_form_that_is_none_is_refused(service: Service) -> None:
    post = service.client.post
    assert problem(post(PATH, json={"box": BOX})) == (400, "content_type_wrong")
    assert problem(post(PATH, files={"box": (None, BOX)})) == (422, "image_missing")
    assert problem(ask(service, mask=("mask.png", b""))) == (422, "field_unknown")
    assert problem(post(PATH, files=[("box", (None, BOX)), ("box", (None, BOX))])) == (422, "field_repeated")


def test_nobody_without_a_key_is_served_where_keys_are_needed(
    make_service: Callable[..., Service], database: Database
) -> None:
    service = make_service(host="0.0.0.0")
    assert ask(service).status_code == 401
    service.client.headers.update(bearer(api_keys.create(database, "studio")[1]))
    assert ask(service).status_code == 200


def test_a_zygote_that_died_is_replaced(service: Service) -> None:
    assert ask(service).status_code == 200
    service.services.nursery.kill()
    assert ask(service).status_code == 200


async def _refused(slots: Any, owners: list[str]) -> str:
    """The code with which the last of these owners is refused while all others hold a place."""
    first, *others = owners
    async with slots.hold(first):
        if others:
            return await _refused(slots, others)
        with pytest.raises(Exception, match="too_") as refusal:
            async with slots.hold(first):
                pass
        return str(refusal.value.code)  # type: ignore[attr-defined]  # an ApiError


def test_too_many_at_once_are_refused_with_words() -> None:
    settings = ApiSettings(suggestions_at_once=1)
    one, all_ = owner_suggestion_slots(settings, 0.01), suggestion_slots(settings, 0.01)
    assert asyncio.run(_refused(one, ["a"])) == "too_many_suggestions"
    assert asyncio.run(_refused(all_, [""])) == "too_busy"
    assert SUGGESTION_PATIENCE_SECONDS <= 20
