"""The whole service in processes of its own, and what a test does to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from storage.database import Database
from storage.objects import Objects
from tests.worker.clips import box_mask, make_clip

ROOT = Path(__file__).resolve().parents[2]

# Short leases make lost workers show soon; everything else is as it comes.
SHORT = {"ROTOMILL_LEASE_SECONDS": "4", "ROTOMILL_HEARTBEAT_SECONDS": "0.5", "OMP_NUM_THREADS": "1"}


@dataclass
class Stack:
    """A running service: its address, its folder, its main process."""

    url: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=30)

    def submit(
        self,
        *,
        seed: int = 0,
        mask: bytes | None = None,
        masks: Mapping[int, bytes] | None = None,
        **options: Any,
    ) -> str:
        """A small job that no other equals, unless the seeds do."""
        video = self.folder / "clip.mp4"
        if not video.exists():
            make_clip(video, frames=24)
        files = {"video": video.read_bytes(), "mask": mask or box_mask()}
        files |= {f"mask_{frame}": content for frame, content in (masks or {}).items()}
        options = {"preset": "fast", "seed": seed} | options
        with self.http as http:
            response = http.post("/v1/jobs", files=files, data={"options": json.dumps(options)})
        assert response.status_code == 202, response.text
        job_id: str = response.json()["id"]
        return job_id

    def job(self, job_id: str) -> dict[str, Any]:
        with self.http as http:
            found: dict[str, Any] = http.get(f"/v1/jobs/{job_id}").json()
        return found

    def wait(
        self, job_id: str, until: Callable[[Mapping[str, Any]], bool], seconds: float = 90
    ) -> dict[str, Any]:
        """The job once it is as wanted; AssertionError with the job and the log's end if it never is."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                job = self.job(job_id)
            except httpx.TransportError:
                job = {"status": "the API does not answer"}
            if until(job):
                return job
            time.sleep(0.1)
        raise AssertionError(f"after {seconds} s: {job}\n{self.log()[-3000:]}")

    def wait_ended(self, job_id: str, seconds: float = 90) -> dict[str, Any]:
        return self.wait(job_id, lambda job: job["status"] in {"succeeded", "failed", "canceled"}, seconds)

    def wait_stage(self, job_id: str, stage: str, seconds: float = 90) -> dict[str, Any]:
        return self.wait(job_id, lambda job: job.get("stage") == stage, seconds)

    @contextmanager
    def held(self, stage: str) -> Iterator[None]:
        """While inside, no job gets beyond the beginning of the stage."""
        hold = self.folder / "data" / f"hold-{stage}"
        hold.touch()
        try:
            yield
        finally:
            hold.unlink(missing_ok=True)

    def worker_of(self, job_id: str) -> int:
        """The process that runs the job."""
        database = Database(f"sqlite:///{self.folder / 'data' / 'rotomill.db'}")
        from storage import jobs  # noqa: PLC0415 — the module's name is a good one for variables here

        job = jobs.get(database, job_id)
        database.close()
        assert job is not None
        assert job.worker is not None
        return int(job.worker.rsplit(":", 1)[1])

    def process_id(self, name: str) -> int:
        """The service's child of this name, as last started."""
        lines = [json.loads(line) for line in self.log().splitlines() if '"started"' in line]
        return int([line["pid"] for line in lines if line["process"] == name][-1])

    def result(self, job_id: str, name: str) -> bytes:
        with self.http as http:
            return http.get(f"/v1/jobs/{job_id}/results/{name}").raise_for_status().content

    def log(self) -> str:
        return (self.folder / "service.log").read_text(errors="replace")

    def objects(self) -> list[str]:
        return [found.key for found in Objects(f"file://{self.folder / 'data' / 'objects'}").list("")]

    def stored_files(self) -> list[Path]:
        return [path for path in (self.folder / "data" / "objects").rglob("*") if path.is_file()]


@contextmanager
def running(folder: Path, module: str = "tests.e2e.braked", **settings: str) -> Iterator[Stack]:
    """The service, from ready to stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    environment = {
        **os.environ,
        **SHORT,
        "ROTOMILL_DATA_DIR": str(folder / "data"),
        "ROTOMILL_PORT": str(port),
        "TMPDIR": str(folder),
        **settings,
    }
    with (folder / "service.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    stack = Stack(f"http://127.0.0.1:{port}", folder, process)
    try:
        wait_ready(stack)
        yield stack
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(40)


def wait_ready(stack: Stack, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert stack.process.poll() is None, stack.log()[-3000:]
        try:
            if httpx.get(f"{stack.url}/readyz", timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"not ready after {seconds} s\n{stack.log()[-3000:]}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
