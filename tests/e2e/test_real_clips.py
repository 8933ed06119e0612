"""Real clips through the whole service: what comes out has the frames, times, sound and size that went in.

Checked here with PyAV alone, not with our own check. The clips lie in `../shared` beside the checkout.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import httpx
import numpy as np
import pytest
from av.container import InputContainer
from PIL import Image

from tests.e2e.stack import ROOT, Stack, running

CLIPS = ROOT.parent / "shared" / "clips"

# file, mask, upright width and height
REAL = [
    ("blackswan-hevc.mp4", "blackswan-mask.png", 854, 480),
    ("bear-audio.mp4", "bear-mask.png", 854, 480),
    ("car-turn-vfr.mkv", "car-turn-mask.png", 854, 480),
    ("lucia-rotated.mp4", "lucia-mask.png", 854, 480),
    ("swing-odd-444.mp4", "swing-odd-mask.png", 427, 241),
]

pytestmark = pytest.mark.skipif(not CLIPS.is_dir(), reason="the real clips are not beside the checkout")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running(tmp_path_factory.mktemp("service")) as found:
        yield found


def timestamps(container: InputContainer) -> list[Fraction]:
    stream = container.streams.video[0]
    base = cast(Fraction, stream.time_base)
    return sorted(packet.pts * base for packet in container.demux(stream) if packet.pts is not None)


def sound(container: InputContainer) -> list[bytes]:
    if not container.streams.audio:
        return []
    return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


def picture(path: Path, index: int) -> np.ndarray:
    """One frame, upright, (H, W, 3), as float."""
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0)):
            if number == index:
                turns = round(frame.rotation / 90) % 4
                return np.rot90(frame.to_ndarray(format="rgb24"), turns).astype(float)
    raise AssertionError("no such frame")


@pytest.mark.parametrize(("name", "mask", "width", "height"), REAL)
def test_the_clip_survives(
    stack: Stack, tmp_path: Path, name: str, mask: str, width: int, height: int
) -> None:
    clip = CLIPS / name
    files = {"video": clip.open("rb"), "mask": (CLIPS / mask).open("rb")}
    options = {"preset": "fast", "outputs": ["overlay.mp4", "masks.zip", "alpha.mov"]}
    with stack.http as http:
        job_id = http.post("/v1/jobs", files=files, data={"options": json.dumps(options)}).json()["id"]
    job = stack.wait_ended(job_id, seconds=200)
    assert job["status"] == "succeeded", job["error"]
    made = {result["name"]: tmp_path / result["name"] for result in job["results"]}
    for result in job["results"]:
        made[result["name"]].write_bytes(httpx.get(result["url"], timeout=60).content)
    with av.open(str(clip)) as source:
        times, packets = timestamps(source), []
    with av.open(str(clip)) as source:
        packets = sound(source)
    for video in (made["overlay.mp4"], made["alpha.mov"]):
        with av.open(str(video)) as container:
            assert timestamps(container) == times
        with av.open(str(video)) as container:
            assert sound(container) == packets
    overlay = picture(made["overlay.mp4"], len(times) // 2)
    even = (height + height % 2, width + width % 2)
    assert overlay.shape[:2] == even
    assert picture(made["alpha.mov"], 0).shape[:2] == (height, width)
    with zipfile.ZipFile(io.BytesIO(made["masks.zip"].read_bytes())) as masks:
        assert len(masks.namelist()) == len(times)
        labels = np.array(Image.open(masks.open(masks.namelist()[len(times) // 2])))
    assert labels.shape == (height, width)
    source_picture = picture(clip, len(times) // 2)
    background = np.array(labels == 0)
    difference = np.abs(overlay[:height, :width] - source_picture)[background]
    assert float(np.median(difference)) < 6, "the picture is not the clip's, or not upright"


def test_it_is_the_real_sound_that_is_compared() -> None:
    with av.open(str(CLIPS / "bear-audio.mp4")) as source:
        assert len(sound(source)) > 100
