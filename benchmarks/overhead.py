"""What the service itself costs: `python -m benchmarks.overhead URL`, against a running stack.

Three figures, each in one run on one machine: from acceptance to running with an idle worker, submissions accepted
a second, and status polls while all workers are busy. ROTOMILL_API_KEY is sent where it is set.
"""

import http.client
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from tests.worker.clips import box_mask, make_clip

BOUNDARY = "rotomill-benchmark"
SMALL = (64, 48)
LARGE = (854, 480)

# equal jobs would be answered from the store: no two of any run are
_seeds = count(int(time.time()) % 1_000_000 * 1000)


@dataclass
class Service:
    """Where the service is, and a clip with its mask as the parts of a form."""

    url: str
    parts: bytes
    headers: dict[str, str] = field(default_factory=dict)

    def connection(self) -> http.client.HTTPConnection:
        where = urlsplit(self.url)
        kind = http.client.HTTPSConnection if where.scheme == "https" else http.client.HTTPConnection
        return kind(where.hostname or "127.0.0.1", where.port, timeout=60)

    def ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
    ) -> tuple[int, bytes]:
        kind = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"} if body else {}
        connection.request(method, path, body=body, headers=self.headers | kind)
        response = connection.getresponse()
        return response.status, response.read()

    def form(self, **options: Any) -> bytes:
        """A submission that equals no other."""
        text = json.dumps({"outputs": ["masks.zip"], "seed": next(_seeds) % 2**31} | options).encode()
        return self.parts + part("options", text) + f"--{BOUNDARY}--\r\n".encode()

    def submit(self, connection: http.client.HTTPConnection, **options: Any) -> dict[str, Any]:
        status, answer = self.ask(connection, "POST", "/v1/jobs", self.form(**options))
        if status != http.client.ACCEPTED:
            raise SystemExit(f"refused with {status}: {answer[:300]!r}")
        job: dict[str, Any] = json.loads(answer)
        return job

    def job(self, connection: http.client.HTTPConnection, job_id: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.ask(connection, "GET", f"/v1/jobs/{job_id}")[1])
        return found


def part(name: str, content: bytes, filename: str = "") -> bytes:
    file = f'; filename="{filename}"' if filename else ""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


def clip_parts(folder: Path, size: tuple[int, int], frames: int) -> bytes:
    video = make_clip(folder / f"{size[0]}.mp4", frames=frames, size=size).read_bytes()
    return part("video", video, "clip.mp4") + part("mask", box_mask(size=size), "mask.png")


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def measure_start(service: Service, times: int) -> None:
    """Milliseconds from a job's acceptance to its claim, by the service's own clock."""
    waits = []
    connection = service.connection()
    for _ in range(times):
        job_id = service.submit(connection, preset="fast", segmenter="flow")["id"]
        while (job := service.job(connection, job_id))["finished_at"] is None:
            time.sleep(0.05)
        started, created = (datetime.fromisoformat(job[name]) for name in ("started_at", "created_at"))
        waits.append((started - created).total_seconds() * 1000)
        time.sleep(0.2)  # the worker has ended its task and waits again
    print(
        f"accepted to running, idle worker: median {statistics.median(waits):.0f} ms, "
        f"95 % {percentile(waits, 0.95):.0f} ms, worst {max(waits):.0f} ms of {times}"
    )


def measure_submissions(service: Service, clients: int, seconds: float) -> None:
    """Submissions answered 202 a second, from so many callers at once."""
    accepted: list[float] = []
    job_ids: list[str] = []
    end = time.monotonic() + seconds

    def call() -> None:
        connection = service.connection()
        while time.monotonic() < end:
            began = time.perf_counter()
            job_ids.append(service.submit(connection, preset="fast", segmenter="flow")["id"])
            accepted.append(time.perf_counter() - began)

    began = time.monotonic()
    in_parallel(clients, call)
    rate = len(accepted) / (time.monotonic() - began)
    print(
        f"submissions: {rate:.1f} a second from {clients} callers over {seconds:.0f} s, "
        f"median {statistics.median(accepted) * 1000:.0f} ms, 99 % {percentile(accepted, 0.99) * 1000:.0f} ms"
    )
    connection = service.connection()
    for job_id in job_ids:
        service.ask(connection, "POST", f"/v1/jobs/{job_id}/cancel")


def measure_polls(service: Service, workers: int, polls: int) -> None:
    """Milliseconds of a status poll while every worker runs a job."""
    connection = service.connection()
    with busy(service, connection, workers) as job_ids:
        times = []
        for number in range(polls):
            began = time.perf_counter()
            service.job(connection, job_ids[number % len(job_ids)])
            times.append((time.perf_counter() - began) * 1000)
            time.sleep(0.01)
    print(
        f"status poll, {workers} busy workers: median {statistics.median(times):.1f} ms, "
        f"99 % {percentile(times, 0.99):.1f} ms, worst {max(times):.1f} ms of {polls}"
    )


@contextmanager
def busy(service: Service, connection: http.client.HTTPConnection, workers: int) -> Iterator[list[str]]:
    """While inside, each worker fine-tunes."""
    job_ids = [service.submit(connection, preset="best")["id"] for _ in range(workers)]
    try:
        deadline = time.monotonic() + 120
        while any(service.job(connection, job_id)["stage"] != "fine_tuning" for job_id in job_ids):
            if time.monotonic() > deadline:
                raise SystemExit("the workers did not all begin: are there so many?")
            time.sleep(0.2)
        yield job_ids
    finally:
        for job_id in job_ids:
            service.ask(connection, "POST", f"/v1/jobs/{job_id}/cancel")


def in_parallel(times: int, call: Callable[[], None]) -> None:
    threads = [threading.Thread(target=call) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main(
    url: Annotated[str, typer.Argument(help="where the service is")] = "http://127.0.0.1:8000",
    workers: Annotated[int, typer.Option(help="how many workers there are")] = 1,
    clients: Annotated[int, typer.Option(help="callers that submit at once")] = 8,
    seconds: Annotated[float, typer.Option(help="how long they submit")] = 20,
    only: Annotated[str, typer.Option(help="start, submissions or polls")] = "start,submissions,polls",
) -> None:
    """Measure a running service."""
    key = os.environ.get("ROTOMILL_API_KEY")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with tempfile.TemporaryDirectory() as name:
        small = Service(url, clip_parts(Path(name), SMALL, 12), headers)
        large = Service(url, clip_parts(Path(name), LARGE, 100), headers)
    if "start" in only:
        measure_start(small, 20)
    if "polls" in only:
        measure_polls(large, workers, 500)
    if "submissions" in only:
        measure_submissions(small, clients, seconds)


if __name__ == "__main__":
    typer.run(main)
