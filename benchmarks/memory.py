"""Peak memory of the pipeline on a short and on a long clip: `python -m benchmarks.memory`.

Each clip is run by `python -m worker`, whose VmHWM is read while it runs, with that of its confined children.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.worker.clips import box_mask, make_clip

ROOT = Path(__file__).resolve().parent.parent
SIZE = (426, 240)


def peak_mebibytes(folder: Path, frames: int) -> float:
    """The most memory (MiB, resident) that the pipeline took on a clip of so many frames, all results made."""
    clip, mask = (
        make_clip(folder / f"{frames}.mp4", frames=frames, size=SIZE, audio="aac"),
        folder / "mask.png",
    )
    mask.write_bytes(box_mask(size=SIZE))
    command = [
        sys.executable,
        "-m",
        "worker",
        str(clip),
        str(mask),
        "-o",
        str(folder / "out"),
        "--preset",
        "fast",
    ]
    with subprocess.Popen(command, cwd=ROOT) as process:  # noqa: S603 — our own command line
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(map(high_water_mark, family(process.pid))))
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"the pipeline failed on {frames} frames")
    return peak / 1024


def family(process_id: int) -> list[int]:
    """The process, and those that it and its children have started: confined ones read the clip."""
    try:
        children = Path(f"/proc/{process_id}/task/{process_id}/children").read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [process_id, *(member for child in children for member in family(int(child)))]


def high_water_mark(process_id: int) -> int:
    """VmHWM in KiB; 0 once the process is gone."""
    try:
        status = Path(f"/proc/{process_id}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        short = peak_mebibytes(Path(folder), 100)
        long = peak_mebibytes(Path(folder), 2000)
    print(
        f"{SIZE[0]}x{SIZE[1]}: 100 frames {short:.0f} MiB, 2000 frames {long:.0f} MiB, ratio {long / short:.3f}"
    )


if __name__ == "__main__":
    main()
