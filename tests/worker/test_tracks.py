"""track.json and track.csv."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from worker.tracks import COLUMNS, TrackCsv, TrackJson, TrackPoint, measure


def two_objects() -> list[TrackPoint]:
    """A frame of 20 x 10 in which object 1 is an L of 5 pixels and object 2 is absent."""
    labels = np.zeros((10, 20), np.uint8)
    labels[2:5, 4] = 1
    labels[4, 5:7] = 1
    return measure(labels, 2, (0.91239, 0.4), frame=3, time_seconds=0.125)


def test_a_point_is_where_the_object_is() -> None:
    # pixels (4,2) (4,3) (4,4) (5,4) (6,4): mean x 23/5, mean y 17/5
    assert two_objects()[0] == TrackPoint(3, 0.125, 1, True, (4.6, 3.4), (4, 2, 3, 3), 5, 0.9124)


def test_an_absent_object_has_no_place_and_no_confidence() -> None:
    assert two_objects()[1] == TrackPoint(3, 0.125, 2, False, None, None, 0, 0.0)


def test_an_object_that_fills_the_frame_is_measured_whole() -> None:
    point = measure(np.ones((10, 20), np.uint8), 1, (1.0,), 0, 0.0)[0]
    assert (point.centroid, point.box, point.area) == ((9.5, 4.5), (0, 0, 20, 10), 200)


def test_a_confidence_is_needed_for_each_object() -> None:
    with pytest.raises(ValueError, match="zip"):
        measure(np.zeros((10, 20), np.uint8), 2, (1.0,), 0, 0.0)


def test_track_json_holds_the_points_and_says_what_they_mean(tmp_path: Path) -> None:
    with TrackJson(tmp_path / "track.json", 20, 10, objects=2) as track:
        track.add(two_objects())
        track.add(two_objects())
    found = json.loads((tmp_path / "track.json").read_text())
    assert {key: found[key] for key in ("width", "height", "frames", "objects")} == {
        "width": 20, "height": 10, "frames": 2, "objects": 2
    }  # fmt: skip
    assert len(found["points"]) == 4
    assert found["points"][0]["centroid"] == [4.6, 3.4]
    assert found["points"][1]["box"] is None
    assert set(found["units"]) <= set(found["points"][0])


def test_track_csv_has_a_header_and_leaves_empty_what_is_absent(tmp_path: Path) -> None:
    with TrackCsv(tmp_path / "track.csv") as track:
        track.add(two_objects())
    with (tmp_path / "track.csv").open(newline="") as file:
        present, absent = csv.DictReader(file)
    assert tuple(present) == COLUMNS
    assert list(present.values()) == [
        "3",
        "0.125",
        "1",
        "true",
        "4.6",
        "3.4",
        "4",
        "2",
        "3",
        "3",
        "5",
        "0.9124",
    ]
    assert ",".join(absent.values()) == "3,0.125,2,false,,,,,,,0,0.0"


def test_an_empty_track_is_still_valid(tmp_path: Path) -> None:
    with TrackJson(tmp_path / "track.json", 20, 10, objects=1):
        pass
    assert json.loads((tmp_path / "track.json").read_text())["points"] == []


def test_a_track_that_is_not_finished_is_removed(tmp_path: Path) -> None:
    def broken() -> None:
        with TrackJson(tmp_path / "track.json", 20, 10, 1), TrackCsv(tmp_path / "track.csv") as track:
            track.add(two_objects())
            raise RuntimeError("the decoder broke")

    with pytest.raises(RuntimeError):
        broken()
    assert list(tmp_path.iterdir()) == []
