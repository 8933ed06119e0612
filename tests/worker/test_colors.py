"""Colours of masks and overlays."""

import pytest

from worker.colors import davis_palette, overlay_colors, parse_hex


def test_a_hex_colour_is_read_in_either_case() -> None:
    assert parse_hex("#1e90FF") == (30, 144, 255)


@pytest.mark.parametrize("text", ["1e90ff", "#1e90f", "#1e90fff", "blue", "", "#1e90fg", "#1e90ff\n"])
def test_anything_else_is_no_colour(text: str) -> None:
    with pytest.raises(ValueError, match="#rrggbb"):
        parse_hex(text)


def test_the_palette_is_that_of_daviss_mask_files() -> None:
    palette = davis_palette()
    assert palette[:5] == ((0, 0, 0), (128, 0, 0), (0, 128, 0), (128, 128, 0), (0, 0, 128))
    assert palette[8] == (64, 0, 0)
    assert palette[21] == (128, 64, 128)
    assert len(set(palette)) == 256


def test_every_object_has_its_own_colour_and_the_first_the_callers() -> None:
    colors = overlay_colors((255, 51, 51), 10)
    assert colors[0] == (255, 51, 51)
    assert len(set(colors)) == 10
    assert colors[:3] == overlay_colors((255, 51, 51), 3)


def test_no_number_of_objects_runs_out_of_colours() -> None:
    assert len(overlay_colors((0, 0, 0), 255)) == 255
