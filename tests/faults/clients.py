"""Callers that never give up: they submit with idempotency keys until they see a 202, and follow what they got."""

import json
import random
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from tests.faults.journal import Journal
from tests.faults.receiver import SECRET, Receiver
from tests.worker.clips import box_mask, make_clip

ENDED = frozenset({"succeeded", "failed", "canceled"})
TERMINAL_EVENTS = ["job.succeeded", "job.failed", "job.canceled"]

# These say "not now": the same request again may do better.
PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class Fate(StrEnum):
    """What a caller does with its job."""

    KEEP = "keep"
    CANCEL = "cancel"
    DELETE = "delete"  # once it has ended and its webhook was heard


FATES = [Fate.KEEP, Fate.CANCEL, Fate.DELETE]
FATE_WEIGHTS = [70, 15, 15]


@dataclass
class Accepted:
    """A job that a caller holds a 202 for."""

    job_id: str
    key: str
    fate: Fate
    events: list[str]
    deleted: bool = False


@dataclass
class Clients:
    """So many callers, each with one job at a time; `stop` lets them finish what they began."""

    url: str
    receiver: Receiver
    journal: Journal
    pause_seconds: float
    clip: bytes
    accepted: list[Accepted] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    threads: list[threading.Thread] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    give_up: threading.Event = field(default_factory=threading.Event)

    def live(self, seed: int) -> None:
        """One caller's life."""
        chance = random.Random(seed)
        with httpx.Client(base_url=self.url, timeout=20) as http:
            while not self.stop.is_set():
                try:
                    self._one(http, chance)
                except Exception as error:
                    self.complain("a client fell over", error=repr(error))
                self.stop.wait(chance.random() * 2 * self.pause_seconds)

    def complain(self, what: str, **more: object) -> None:
        self.complaints.append(f"{what}: {more}")
        self.journal.note(what, **more)

    @property
    def busy(self) -> int:
        return sum(thread.is_alive() for thread in self.threads)

    def _one(self, http: httpx.Client, chance: random.Random) -> None:
        fate = chance.choices(FATES, FATE_WEIGHTS)[0]
        events = [*TERMINAL_EVENTS, *(["job.running"] if chance.random() < 0.3 else [])]
        # some are equal to earlier ones, and answered with copies of their results
        number = chance.randrange(20) if chance.random() < 0.15 else chance.randrange(20, 2**31)
        job = self._submit(http, chance, number, fate, events)
        if job is None:
            return
        if fate is Fate.CANCEL:
            time.sleep(chance.random() * 3)
            self._call(http, "POST", f"/v1/jobs/{job.job_id}/cancel", {200, 409})
        if self._follow(http, job) and fate is Fate.DELETE:
            while not self.receiver.ends_heard(job.job_id):
                if self.give_up.wait(0.2):
                    return
            self._call(http, "DELETE", f"/v1/jobs/{job.job_id}", {204, 404})
            job.deleted = True
            self.journal.note("deleted", job_id=job.job_id)

    def _submit(
        self, http: httpx.Client, chance: random.Random, number: int, fate: Fate, events: list[str]
    ) -> Accepted | None:
        key = str(uuid.UUID(int=chance.getrandbits(128)))
        options = {
            "preset": "fast",
            "segmenter": "flow",
            "outputs": ["masks.zip"],
            "seed": number,
            "webhook": {"url": self.receiver.url, "secret": SECRET, "events": events},
            "metadata": {"key": key},
        }
        files = {"video": ("clip.mp4", self.clip), "mask": ("mask.png", box_mask())}
        said = self._call(
            http,
            "POST",
            "/v1/jobs",
            {202},
            files=files,
            data={"options": json.dumps(options)},
            headers={"Idempotency-Key": key},
        )
        if said is None:
            return None
        job = Accepted(said.json()["id"], key, fate, events)
        self.accepted.append(job)
        self.journal.note("accepted", job_id=job.job_id, key=key, fate=fate)
        return job

    def _follow(self, http: httpx.Client, job: Accepted) -> bool:
        """Poll until the job has ended; False if it is gone, or we are to give up."""
        while not self.give_up.is_set():
            said = self._call(http, "GET", f"/v1/jobs/{job.job_id}", {200, 404})
            if said is None:
                return False
            if said.status_code == httpx.codes.NOT_FOUND:
                self.complain("an accepted job is not there", job_id=job.job_id)
                return False
            if said.json()["status"] in ENDED:
                return True
            self.give_up.wait(0.5)
        return False

    def _call(
        self, http: httpx.Client, method: str, path: str, wanted: set[int], **request: Any
    ) -> httpx.Response | None:
        """The first wanted answer, however long it takes; None if we are to give up before."""
        while not self.give_up.is_set():
            try:
                said = http.request(method, path, **request)
            except httpx.TransportError:
                self.give_up.wait(0.3)
                continue
            if said.status_code in wanted:
                return said
            if said.status_code not in PASSING:
                self.complain("unexpected answer", call=f"{method} {path}", said=said.text[:500])
                return None
            self.give_up.wait(0.5)
        return None


@contextmanager
def calling(
    url: str, receiver: Receiver, journal: Journal, *, callers: int, pause_seconds: float, seed: int
) -> Iterator[Clients]:
    """Callers at work."""
    with TemporaryDirectory() as place:
        clip = make_clip(Path(place) / "clip.mp4", frames=4).read_bytes()
    clients = Clients(url, receiver, journal, pause_seconds, clip)
    clients.threads = [
        threading.Thread(target=clients.live, args=[seed * 1000 + number], daemon=True)
        for number in range(callers)
    ]
    for thread in clients.threads:
        thread.start()
    try:
        yield clients
    finally:
        clients.stop.set()
        clients.give_up.set()
