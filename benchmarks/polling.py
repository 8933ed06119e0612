"""How long a status poll takes while a job runs on the same machine: `python -m benchmarks.polling`."""

import statistics
import tempfile
import time
from pathlib import Path

import httpx

from tests.e2e.stack import running
from tests.worker.clips import box_mask, make_clip

POLLS = 500
SIZE = (854, 480)


def main() -> None:
    with tempfile.TemporaryDirectory() as name, running(Path(name), "api", OMP_NUM_THREADS="2") as stack:
        video = make_clip(Path(name) / "clip.mp4", frames=100, size=SIZE)
        files = {"video": video.read_bytes(), "mask": box_mask(size=SIZE)}
        with httpx.Client(base_url=stack.url, timeout=30) as http:
            job_id = http.post("/v1/jobs", files=files).json()["id"]
            for stage in ("fine_tuning", "segmenting"):
                stack.wait_stage(job_id, stage, seconds=300)
                report(stage, [poll(http, job_id) for _ in range(POLLS)])
            http.post(f"/v1/jobs/{job_id}/cancel")


def poll(http: httpx.Client, job_id: str) -> float:
    """Milliseconds of one GET."""
    start = time.perf_counter()
    http.get(f"/v1/jobs/{job_id}").raise_for_status()
    elapsed = (time.perf_counter() - start) * 1000
    time.sleep(0.01)
    return elapsed


def report(stage: str, milliseconds: list[float]) -> None:
    p95 = sorted(milliseconds)[int(0.95 * len(milliseconds))]
    median = statistics.median(milliseconds)
    print(f"{stage}: median {median:.1f} ms, 95 % {p95:.1f} ms, worst {max(milliseconds):.1f} ms of {POLLS}")


if __name__ == "__main__":
    main()
