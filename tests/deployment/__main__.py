"""`python -m tests.deployment`: the main job, against a running deployment, from outside it; it prints what it saw.

    docker compose up -d --scale worker=2
    .venv/bin/python -m tests.deployment --receiver 172.17.0.1 CLIP MASK

The receiver of webhooks listens on this machine, so the deployment must be allowed to send to it: in .env
ROTOMILL_WEBHOOK_ALLOW_HTTP=true and ROTOMILL_WEBHOOK_ALLOWED_NETWORKS=172.16.0.0/12 (where the courier sees it).
"""

import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Annotated
from urllib.parse import urlsplit

import httpx
import typer
from rotomill import Client, Job
from rotomill.webhooks import new_secret, verify

from demo.clip import Scene, write

EVENT_WITHIN_SECONDS = 30.0


@dataclass
class Receiver:
    """Where webhooks come in: verified, by job and event."""

    secret: str = field(default_factory=new_secret)
    events: dict[str, list[str]] = field(default_factory=dict)
    port: int = 0

    def take(self, body: bytes, headers: dict[str, str]) -> None:
        event = verify(body, headers, self.secret)
        self.events.setdefault(event["data"]["id"], []).append(event["type"])


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self.rfile.read(int(self.headers["content-length"])), dict(self.headers.items()))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    # everywhere: the courier comes from the network of the containers
    server = ThreadingHTTPServer(("0.0.0.0", 0), Handler)
    receiver.port = server.server_port
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield receiver
    finally:
        server.shutdown()


@dataclass
class Visit:
    """One look at a deployment."""

    client: Client
    http: httpx.Client
    receiver: Receiver
    webhook_url: str
    folder: Path
    segmenter: str

    def main_job(self, video: Path, mask: Path) -> None:
        """Submit, wait, verify every result and the webhook."""
        began = time.monotonic()
        job = self.client.submit(
            video,
            mask,
            preset="fast",
            segmenter=self.segmenter,
            webhook_url=self.webhook_url,
            webhook_secret=self.receiver.secret,
            seed=time.time_ns() % 10**6,
        )
        job = self.client.wait(job, timeout_seconds=1800)
        took = time.monotonic() - began
        files = self.client.download(job, self.folder / job.id)
        waited = self.await_event(job)
        clip = job.clip or {}
        say(
            f"{video.name}: {clip.get('frames')} frames of {clip.get('width')}x{clip.get('height')} in {took:.0f} s; "
            f"{len(files)} results verified; webhook {self.receiver.events[job.id]} after {waited:.1f} s"
        )
        self.signed_addresses(job)

    def await_event(self, job: Job) -> float:
        began = time.monotonic()
        while "job.succeeded" not in self.receiver.events.get(job.id, []):
            if time.monotonic() - began > EVENT_WITHIN_SECONDS:
                told = [delivery.raw for delivery in self.client.deliveries(job)]
                raise SystemExit(f"no webhook came: {json.dumps([dict(one) for one in told], default=str)}")
            time.sleep(0.1)
        return time.monotonic() - began

    def signed_addresses(self, job: Job) -> None:
        """A browser follows the redirect to the store, with a range; nobody gets in with another address."""
        result = max(job.results, key=lambda one: one.bytes)
        answer = self.http.get(f"/v1/jobs/{job.id}/results/{result.name}", follow_redirects=False)
        if not answer.is_redirect:
            say(
                f"{result.name} comes from the API itself ({answer.status_code}): the store signs no addresses"
            )
            return
        address = answer.headers["location"]
        with httpx.Client() as browser:  # no key, no cookies
            whole = browser.get(address)
            part = browser.get(address, headers={"Range": "bytes=10-19"})
            bare = browser.get(address.partition("?")[0])
            forged = browser.get(address[:-4] + "0000")
            bucket = browser.get(address.rpartition(f"/results/{job.id}")[0])
        assert whole.status_code == 200, whole.text
        assert sha256(whole.content).hexdigest() == result.sha256
        assert (part.status_code, part.content) == (206, whole.content[10:20]), part.status_code
        refused = [answer.status_code for answer in (bare, forged, bucket)]
        assert all(status in (400, 401, 403) for status in refused), refused
        say(
            f"signed address of {result.name} on {urlsplit(address).netloc}: {result.bytes} bytes, right SHA-256; "
            f"range 206; unsigned, forged, and the bucket itself {refused}"
        )

    def many_jobs(self, number: int) -> None:
        """Submit many small jobs at once, which need no network, and see how many ran at a time."""
        scene = write(Scene(width=192, height=112, frames=12), self.folder / "clip")
        began = time.monotonic()
        first = time.time_ns() % 10**6
        jobs = [
            self.client.submit(
                scene.clip, scene.mask, segmenter="flow", outputs=["masks.zip"], seed=first + index
            )
            for index in range(number)
        ]
        submitted = time.monotonic() - began
        ended = [self.client.wait(job, timeout_seconds=1800) for job in jobs]
        took = time.monotonic() - began
        say(
            f"{number} jobs: all accepted in {submitted:.1f} s, all succeeded in {took:.0f} s, at most "
            f"{most_at_once(ended)} at a time; attempts {sorted(job.attempt for job in ended)}"
        )


def most_at_once(jobs: Sequence[Job]) -> int:
    """How many of the jobs ran at the same moment."""
    moments = [(job.started_at, 1) for job in jobs if job.started_at]
    moments += [(job.finished_at, -1) for job in jobs if job.finished_at]
    running = most = 0
    for _, change in sorted(moments):
        running += change
        most = max(most, running)
    return most


def pairs(files: Sequence[Path]) -> Iterator[tuple[Path, Path]]:
    return zip(files[::2], files[1::2], strict=True)


def say(line: str) -> None:
    typer.echo(f"{time.strftime('%H:%M:%S')}  {line}")


def main(
    files: Annotated[list[Path] | None, typer.Argument(help="clip and mask, clip and mask …")] = None,
    url: Annotated[str, typer.Option(help="the deployment")] = "http://localhost:8000",
    key: Annotated[str, typer.Option(envvar="ROTOMILL_API_KEY", help="an API key, where it needs one")] = "",
    receiver: Annotated[
        str, typer.Option(help="this machine's address, as the courier sees it")
    ] = "127.0.0.1",
    segmenter: Annotated[str, typer.Option(help="auto, or flow, which needs seconds")] = "auto",
    jobs: Annotated[int, typer.Option(help="how many small jobs to share out; 0: none")] = 10,
) -> None:
    """Submit clips to a running deployment, and verify what comes back."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    with (
        httpx.Client(base_url=url, headers=headers, timeout=120) as http,
        receiving() as receiving_end,
        tempfile.TemporaryDirectory() as folder,
    ):
        ready = http.get("/readyz").json()
        say(f"{url}: {ready['status']}, {ready.get('checks')}, workers {ready.get('workers')}")
        hook = f"http://{receiver}:{receiving_end.port}/hook"
        visit = Visit(Client(http=http), http, receiving_end, hook, Path(folder), segmenter)
        for video, mask in pairs(files or []):
            visit.main_job(video, mask)
        if jobs:
            visit.many_jobs(jobs)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(main)
    app()
