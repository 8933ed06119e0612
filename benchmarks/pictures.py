"""How soon single frames of a long clip and single masks come: `python -m benchmarks.pictures`."""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import cv2
import httpx
import numpy as np

from api.masks import mask_of
from storage.objects import Objects
from storage.results import Result
from tests.e2e.stack import running
from tests.worker.clips import box
from worker.archive import MaskArchive

SIZE = (1280, 720)
RATE = 30
# With a keyframe every 250 frames, as x264 sets them: the last before the next one is the farthest from any.
PIECE_FRAMES, FAR = 300, 249


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks.pictures", description=__doc__)
    parser.add_argument("--minutes", type=int, default=10, help="length of the clip")
    frames = parser.parse_args(arguments).minutes * 60 * RATE
    with tempfile.TemporaryDirectory() as name:
        report_frames(Path(name), frames)
        report_masks(Path(name), frames)


def report_frames(folder: Path, frames: int) -> None:
    middle = frames // 2
    for suffix in ("mp4", "mkv"):
        clip = repeated(folder, folder / f"long.{suffix}", frames // PIECE_FRAMES)
        print(f"{frames} frames of {SIZE[0]}x{SIZE[1]} in {clip.stat().st_size / 1e6:.0f} MB of {suffix}:")
        with running(folder / suffix, "api") as stack, httpx.Client(base_url=stack.url, timeout=60) as client:
            path = f"/v1/uploads/{sent(client, clip)}/frames"
            for number in (0, middle, middle + 1, middle + FAR, frames - 1):
                print(f"  frame {number}: {timed(partial(fetched, client, f'{path}/{number}')):.2f} s")


def report_masks(folder: Path, frames: int) -> None:
    archive = folder / "masks.zip"
    labels = box(0, SIZE) // 255
    with MaskArchive(archive, frames) as written:
        for _ in range(frames):
            written.add(labels)
    objects = Objects(f"file://{folder}")
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    result = Result("masks.zip", "masks.zip", archive.stat().st_size, digest, "application/zip")
    seconds = timed(lambda: mask_of(objects, result, frames // 2, frames))
    print(f"mask {frames // 2} of an archive of {result.bytes / 1e6:.0f} MB: {seconds * 1000:.1f} ms")


def repeated(folder: Path, path: Path, times: int) -> Path:
    """A clip of one piece after another, as the encoder has made it: keyframes are up to 250 frames apart."""
    piece = folder / "piece.mp4"
    if not piece.exists():
        encode(piece)
    with av.open(str(path), "w") as output:
        stream = None
        for number in range(times):
            with av.open(str(piece)) as source:
                video = source.streams.video[0]
                stream = stream or output.add_stream_from_template(video)
                offset = round(number * PIECE_FRAMES / RATE / (video.time_base or 1))
                for packet in source.demux(video):
                    if packet.pts is None or packet.dts is None:
                        continue
                    packet.pts, packet.dts, packet.stream = packet.pts + offset, packet.dts + offset, stream
                    output.mux(packet)
    return path


def encode(path: Path) -> None:
    """Rough ground that passes by, so that there is something to decode."""
    rough = np.random.default_rng(0).integers(0, 256, (SIZE[1] // 8, SIZE[0] // 8, 3), dtype=np.uint8)
    ground = np.asarray(cv2.resize(rough, SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=RATE, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for index in range(PIECE_FRAMES):
            moved = np.roll(ground, (2 * index, 3 * index), axis=(0, 1))
            frame = av.VideoFrame.from_ndarray(moved, "rgb24")
            frame.pts, frame.time_base = index, Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def sent(client: httpx.Client, clip: Path) -> str:
    content = clip.read_bytes()
    begun = client.post("/v1/uploads", json={"filename": clip.name, "bytes": len(content)}).json()
    client.put(f"/v1/uploads/{begun['id']}", content=content).raise_for_status()
    return str(begun["id"])


def fetched(client: httpx.Client, path: str) -> None:
    client.get(path).raise_for_status()


def timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
