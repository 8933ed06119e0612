"""Masks that were drawn over what a job had found: whose number their objects have."""

import numpy as np
import pytest
from PIL import Image

from tests.worker.clips import encode, png
from tests.worker.test_masks import COLORS, SEVERAL, SIZE, WHITE, Bytes, three
from worker.errors import InputError
from worker.masks import read_masks


def corrected(sent: dict[int, bytes], corrections: dict[int, bytes]) -> tuple[dict[int, Bytes], int]:
    return read_masks(sent | corrections, SIZE, corrections)


@pytest.mark.parametrize("kind", SEVERAL)
def test_numbers_are_those_of_the_jobs_own_masks(kind: str) -> None:
    """In whatever form the first masks were."""
    made, _ = read_masks({0: SEVERAL[kind]}, SIZE)
    found, count = corrected(
        {0: SEVERAL[kind]}, {4: png(made[0]), 9: png(np.where(made[0] == 2, made[0], 0))}
    )
    assert count == 3
    assert np.array_equal(found[4], made[0])
    assert set(np.unique(found[9])) == {0, 2}


@pytest.mark.parametrize("kind", ["palette", "colours"])
def test_colours_are_those_of_the_masks_that_were_sent(kind: str) -> None:
    made, _ = read_masks({0: SEVERAL[kind]}, SIZE)
    found, count = corrected({0: SEVERAL[kind]}, {4: png(COLORS[three()])})
    assert count == 3
    assert np.array_equal(found[4], made[0])


def test_a_higher_number_or_another_colour_is_a_new_object() -> None:
    made, _ = read_masks({0: SEVERAL["colours"]}, SIZE)
    more = made[0].copy()
    more[0:8, 0:8] = 9
    found, count = corrected({0: SEVERAL["colours"]}, {4: png(more), 5: png(more)})
    assert count == 4
    assert found[4][0, 0] == found[5][0, 0] == 4
    colors = COLORS[three()]
    colors[0:8, 0:8] = (0, 0, 250)
    found, count = corrected({0: SEVERAL["colours"]}, {4: png(colors)})
    assert (count, found[4][0, 0]) == (4, 4)


def test_new_objects_keep_their_numbers_when_the_next_one_is_added_in_an_earlier_frame() -> None:
    sent = {0: SEVERAL["palette"]}
    nothing = np.zeros(SIZE[::-1], np.uint8)
    fourth, fifth, again = nothing.copy(), nothing.copy(), nothing.copy()
    fourth[0:8, 0:8], fifth[0:8, 20:28], again[0:8, 0:8] = 4, 5, 4
    found, _ = corrected(sent, {9: png(fourth)})
    assert found[9][0, 0] == 4
    found, count = corrected(sent, {4: png(fifth), 9: png(fourth), 12: png(again)})
    assert count == 5
    assert (found[4][0, 20], found[9][0, 0], found[12][0, 0]) == (5, 4, 4)


@pytest.mark.parametrize("first", [4, 9])
def test_black_and_white_is_the_only_object_that_was_sent_whatever_else_is_added(first: int) -> None:
    more = (np.asarray(WHITE) > 0).astype(np.uint8)
    more[0:8, 0:8] = 2
    found, count = corrected({0: encode(WHITE)}, {first: encode(WHITE), 13 - first: png(more)})
    assert count == 2
    assert set(np.unique(found[first])) == {0, 1}


@pytest.mark.parametrize("first", [WHITE, Image.fromarray(np.asarray(WHITE) // 255)])
@pytest.mark.parametrize("second", [WHITE, Image.fromarray(np.asarray(WHITE) // 255)])
def test_one_object_needs_no_number(first: Image.Image, second: Image.Image) -> None:
    found, count = corrected({0: encode(first)}, {4: encode(second)})
    assert count == 1
    assert np.array_equal(found[4] > 0, np.asarray(WHITE) > 0)


def test_an_object_may_be_corrected_to_be_gone() -> None:
    found, count = corrected({0: encode(WHITE)}, {4: png(np.zeros(SIZE[::-1], np.uint8))})
    assert count == 1
    assert not found[4].any()


def test_where_all_masks_are_new_they_are_read_as_any() -> None:
    _, count = corrected({}, {0: SEVERAL["colours"], 4: SEVERAL["colours"]})
    assert count == 3


def test_colours_say_nothing_beside_numbers() -> None:
    with pytest.raises(InputError) as told:
        corrected({0: SEVERAL["small grey levels"]}, {4: SEVERAL["colours"]})
    assert told.value.code == "masks_differ"


def test_too_many_objects_in_all_are_refused() -> None:
    steps = np.zeros(SIZE[::-1], np.uint8)
    for number in range(1, 21):
        steps[number * 5 : number * 5 + 4, 10:60] = number
    assert corrected({0: png(steps)}, {4: png(steps)})[1] == 20
    one_more = Image.fromarray(np.where(steps == 7, 30, 0).astype(np.uint8)).convert("P")
    one_more.putpalette([0, 0, 0] * 30 + [200, 0, 0])
    with pytest.raises(InputError) as told:
        corrected({0: png(steps)}, {4: encode(one_more)})
    assert told.value.code == "mask_too_many_objects"
