"""Masks are understood however a person drew or exported them; what is no mask is told why."""

import contextlib
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image, ImageDraw, ImageFilter

from tests.worker.clips import SHARED, encode, png
from worker.errors import InputError
from worker.masks import MAX_OBJECTS, read_masks

Bytes = npt.NDArray[np.uint8]
SIZE = (160, 120)


def shape(left: int = 40, top: int = 30, right: int = 110, bottom: int = 90) -> Image.Image:
    """A white ellipse on black, without soft edges."""
    image = Image.new("L", SIZE)
    ImageDraw.Draw(image).ellipse((left, top, right, bottom), fill=255)
    return image


WHITE = shape()
TRUTH = np.asarray(WHITE) > 127
SOFT = WHITE.filter(ImageFilter.GaussianBlur(1.2))
SOFT_TRUTH = np.asarray(SOFT) > 127
PHOTO = Image.fromarray(np.random.default_rng(3).integers(0, 256, (30, 40, 3), dtype=np.uint8)).resize(
    SIZE, Image.Resampling.BICUBIC
)


def labels(data: bytes, size: tuple[int, int] = SIZE) -> tuple[Bytes, int]:
    found, count = read_masks({0: data}, size)
    assert found[0].shape == size[::-1]
    assert found[0].dtype == np.uint8
    assert found[0].max() == count
    return found[0], count


def refusal(masks: dict[int, bytes] | bytes, size: tuple[int, int] = SIZE) -> InputError:
    with pytest.raises(InputError) as error:
        read_masks(masks if isinstance(masks, dict) else {0: masks}, size)
    return error.value


def colored(color: tuple[int, int, int], ground: tuple[int, int, int] = (0, 0, 0)) -> Image.Image:
    return Image.composite(Image.new("RGB", SIZE, color), Image.new("RGB", SIZE, ground), WHITE)


def cutout() -> Image.Image:
    image = PHOTO.convert("RGBA")
    image.putalpha(WHITE)
    return image


def translucent(alpha: int) -> Image.Image:
    image = Image.new("RGBA", SIZE)
    image.paste((255, 0, 0, alpha), mask=WHITE)
    return image


def palette(indices: Bytes, *colors: tuple[int, int, int]) -> Image.Image:
    image = Image.fromarray(indices, "P")
    image.putpalette([channel for color in colors for channel in color])
    return image


EXACT: dict[str, bytes] = {
    "0 and 255": encode(WHITE),
    "0 and 1": png(TRUTH.astype(np.uint8)),
    "one bit": encode(WHITE.convert("1", dither=Image.Dither.NONE)),
    "grey": png(TRUTH.astype(np.uint8) * 128),
    "16 bits": png(TRUTH.astype(np.uint16) * 65535),  # type: ignore[arg-type]  # Pillow takes 16 bits too
    "16 bits, 0 and 1": png(TRUTH.astype(np.uint16)),
    "white RGB": encode(WHITE.convert("RGB")),
    "red RGB": encode(colored((255, 0, 0))),
    "red on white": encode(colored((255, 0, 0), (255, 255, 255))),
    "opaque RGBA": encode(colored((0, 200, 0)).convert("RGBA")),
    "white on transparency": encode(Image.merge("LA", (Image.new("L", SIZE, 255), WHITE))),
    "black on transparency": encode(Image.merge("LA", (Image.new("L", SIZE, 0), WHITE))),
    "translucent red": encode(translucent(110)),
    "cut-out photograph": encode(cutout()),
    "palette": encode(palette(TRUTH.astype(np.uint8), (0, 0, 0), (128, 0, 0))),
    "palette with black second": encode(palette(1 - TRUTH.astype(np.uint8), (255, 255, 255), (0, 0, 0))),
    "palette without black": encode(palette(TRUTH.astype(np.uint8), (0, 0, 255), (255, 255, 0))),
    "BMP": encode(WHITE, "BMP"),
    "TIFF": encode(WHITE, "TIFF"),
}


@pytest.mark.parametrize("kind", EXACT)
def test_one_object_in_every_form(kind: str) -> None:
    found, count = labels(EXACT[kind])
    assert count == 1
    assert np.array_equal(found > 0, TRUTH)


SOFT_KINDS: dict[str, bytes] = {
    "grey": encode(SOFT),
    "RGB": encode(Image.composite(Image.new("RGB", SIZE, (0, 120, 255)), Image.new("RGB", SIZE), SOFT)),
    "alpha": encode(Image.merge("LA", (Image.new("L", SIZE, 255), SOFT))),
    "GIF": encode(SOFT, "GIF"),
    "few shades in a palette": encode(SOFT.quantize(12)),
    "JPEG": encode(WHITE, "JPEG", quality=85),
    "JPEG in colour": encode(colored((220, 30, 30)), "JPEG", quality=75),
    "worn JPEG": encode(WHITE, "JPEG", quality=30),
    "WebP": encode(WHITE, "WEBP", quality=70),
}


@pytest.mark.parametrize("kind", SOFT_KINDS)
def test_soft_and_ringing_edges_are_cut_at_half(kind: str) -> None:
    found, count = labels(SOFT_KINDS[kind])
    assert count == 1
    differing = (found > 0) != SOFT_TRUTH
    assert differing.sum() < 0.02 * TRUTH.sum()


def test_a_line_one_pixel_wide_is_an_object() -> None:
    image = Image.new("L", SIZE)
    ImageDraw.Draw(image).line((10, 10, 140, 100), fill=255)
    found, count = labels(encode(image))
    assert count == 1
    assert np.array_equal(found > 0, np.asarray(image) > 0)


def three() -> Bytes:
    drawn = np.zeros(SIZE[::-1], np.uint8)
    drawn[10:50, 10:60] = 1
    drawn[40:100, 50:90] = 2  # touches the first
    drawn[70:73, 120:123] = 3
    return drawn


COLORS = np.array([(0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0)], np.uint8)
SEVERAL: dict[str, bytes] = {
    "palette": encode(palette(three(), *(tuple(map(int, color)) for color in COLORS))),  # type: ignore[arg-type]  # three channels each
    "small grey levels": png(three()),
    "spread grey levels": png(three() * 60),
    "colours": png(COLORS[three()]),
    "colours on transparency": png(np.dstack([COLORS[three()], (three() > 0) * np.uint8(255)])),
}


@pytest.mark.parametrize("kind", SEVERAL)
def test_several_objects_in_every_form(kind: str) -> None:
    found, count = labels(SEVERAL[kind])
    assert count == 3
    for number in (1, 2, 3):
        ours = np.unique(found[three() == number])
        assert ours.size == 1
        assert np.array_equal(found == ours[0], three() == number)


def test_soft_edges_between_several_colours_make_no_new_object() -> None:
    """Half-way between black and white is the grey of another object; the edge is not that object."""
    drawn = np.zeros((240, 320), np.uint8)
    drawn[20:120, 20:120] = 255
    drawn[140:220, 200:300] = 128
    soft = Image.fromarray(drawn).filter(ImageFilter.GaussianBlur(1.5))
    found, count = labels(encode(soft), (320, 240))
    assert count == 2
    assert set(np.unique(found[:130, :130])) == {0, 2}
    assert set(np.unique(found[135:, 190:])) == {0, 1}


@pytest.mark.parametrize("void", [254, 255])
def test_void_counts_for_nothing_beside_objects(void: int) -> None:
    drawn = three()
    drawn[drawn == 3] = void
    for data in (png(drawn), encode(palette(drawn, *[(i, 7, 9) for i in range(256)]))):
        found, count = labels(data)
        assert count == 2
        assert not found[drawn == void].any()


def test_the_same_colour_is_the_same_object_in_every_frame() -> None:
    first = png(COLORS[three()])
    later = COLORS[np.where(three() == 2, 2, 0)]
    found, count = read_masks({0: first, 7: png(later)}, SIZE)
    assert count == 3
    number = found[0][three() == 2][0]
    assert set(np.unique(found[7])) == {0, number}


def test_an_object_may_come_later_and_numbers_follow_the_index() -> None:
    found, count = read_masks(
        {0: png((three() == 2) * np.uint8(2)), 5: png(three()), 9: png(np.zeros_like(three()))}, SIZE
    )
    assert count == 3
    assert set(np.unique(found[0])) == {0, 2}
    assert np.array_equal(found[5], three())
    assert not found[9].any()


def test_one_object_is_the_same_in_whatever_form_each_frame_has() -> None:
    found, count = read_masks({0: EXACT["0 and 1"], 3: EXACT["white RGB"], 4: EXACT["grey"]}, SIZE)
    assert count == 1
    assert all(np.array_equal(found[frame] > 0, TRUTH) for frame in (0, 3, 4))


def test_numbers_and_colours_are_not_mixed() -> None:
    assert refusal({0: SEVERAL["small grey levels"], 4: SEVERAL["colours"]}).code == "masks_differ"


def stripes() -> Bytes:
    """31 objects below an empty strip."""
    row, column = np.indices(SIZE[::-1])
    return np.asarray(column // 5 * (row > 40), np.uint8)


RAINBOW = [(i * 8, i, 255 - i * 8) for i in range(32)]

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no picture": (lambda: b"hello", "mask_unreadable"),
    "no bytes": (lambda: b"", "mask_unreadable"),
    "half a PNG": (lambda: encode(PHOTO)[:2000], "mask_unreadable"),
    "a photograph": (lambda: encode(PHOTO), "mask_not_a_mask"),
    "a JPEG photograph": (lambda: encode(PHOTO, "JPEG", quality=80), "mask_not_a_mask"),
    "a grey photograph": (lambda: encode(PHOTO.convert("L")), "mask_not_a_mask"),
    "a photograph as a GIF": (lambda: encode(PHOTO, "GIF"), "mask_not_a_mask"),
    "all black": (lambda: encode(Image.new("L", SIZE)), "mask_empty"),
    "all black RGB": (lambda: encode(Image.new("RGB", SIZE)), "mask_empty"),
    "all transparent": (lambda: encode(Image.new("RGBA", SIZE)), "mask_empty"),
    "all index 0": (lambda: encode(palette(three() * 0, (9, 9, 9))), "mask_empty"),
    "all white": (lambda: encode(Image.new("L", SIZE, 255)), "mask_full"),
    "all ones": (lambda: png(np.ones(SIZE[::-1], np.uint8)), "mask_full"),
    "all red": (lambda: encode(Image.new("RGB", SIZE, (255, 0, 0))), "mask_full"),
    "too many greys": (lambda: png(stripes() * 8), "mask_too_many_objects"),
    "too many numbers": (
        lambda: encode(palette(stripes(), *[(i * 8, i, 255 - i * 8) for i in range(32)])),
        "mask_too_many_objects",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_mask_is_told_why(kind: str) -> None:
    make, code = REFUSED[kind]
    error = refusal(make())
    assert error.code == code
    assert error.detail.startswith("mask ")
    assert error.detail.endswith(".")


def test_the_first_mask_must_show_something_and_is_named() -> None:
    empty = encode(Image.new("L", SIZE))
    assert refusal({0: empty, 5: EXACT["grey"]}).code == "mask_empty"
    assert refusal({3: empty}).detail.startswith("mask_3 is empty")


def test_another_size_is_told_with_both_sizes() -> None:
    error = refusal(encode(WHITE), (320, 240))
    assert error.code == "mask_wrong_size"
    assert "160x120" in error.detail
    assert "320x240" in error.detail
    assert "upright" not in error.detail
    assert "upright" in refusal(encode(WHITE), SIZE[::-1]).detail


def test_a_pixel_bomb_is_refused_before_it_is_decoded() -> None:
    """A PNG header that says 60000x60000, and no pixels behind it."""
    bomb = bytearray(encode(Image.new("1", (8, 8))))
    bomb[16:24] = (60_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bomb[12:29]).to_bytes(4, "big")
    assert refusal(bytes(bomb)).code == "mask_too_large"


@given(
    drawn=arrays.arrays(
        np.uint8,
        arrays.array_shapes(min_dims=2, max_dims=2, min_side=2, max_side=24),
        elements=st.integers(0, 6),
    )
)
@settings(max_examples=60, deadline=None)
def test_numbered_objects_come_back_pixel_by_pixel(drawn: Bytes) -> None:
    present = sorted(set(np.unique(drawn).tolist()) - {0})
    size = (drawn.shape[1], drawn.shape[0])
    if not present or drawn.all():
        assert refusal(png(drawn), size).code in {"mask_empty", "mask_full"}
        return
    for data in (png(drawn), encode(palette(drawn, *[(40 * i, 255 - 30 * i, 7 * i) for i in range(7)]))):
        found, count = labels(data, size)
        assert count == len(present)
        for number, index in enumerate(present, 1):
            assert np.array_equal(found == number, drawn == index)


@given(data=st.binary(max_size=400), cut=st.integers(0, 300))
@settings(max_examples=80, deadline=None)
def test_no_bytes_do_worse_than_a_refusal(data: bytes, cut: int) -> None:
    whole = encode(WHITE)
    for upload in (data, whole[:cut] + data + whole[cut + len(data) :]):
        with contextlib.suppress(InputError):
            read_masks({0: upload}, SIZE)


def test_the_limit_itself_is_accepted() -> None:
    drawn = (np.indices(SIZE[::-1])[1] // 7).astype(np.uint8)
    drawn[drawn > MAX_OBJECTS] = 0
    assert labels(png(drawn))[1] == MAX_OBJECTS


@pytest.mark.parametrize("name", ["bear", "blackswan", "car-turn", "lucia", "swing-odd"])
def test_real_masks(name: str) -> None:
    path = SHARED / "clips" / f"{name}-mask.png"
    if not path.exists():
        pytest.skip("the real clips are not beside the checkout")
    with Image.open(path) as image:
        found, count = labels(path.read_bytes(), image.size)
        assert count == 1
        assert np.array_equal(found > 0, np.asarray(image) > 127)


def test_a_real_photograph_is_refused() -> None:
    path: Path = SHARED / "clips" / "blackswan-not-a-mask.png"
    if not path.exists():
        pytest.skip("the real clips are not beside the checkout")
    assert refusal(path.read_bytes(), (854, 480)).code == "mask_not_a_mask"
