"""A webhook receiver that verifies every message and remembers which events it heard under which ids."""

import json
import random
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks import Webhook, WebhookVerificationError

from tests.faults.journal import Journal

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8G"

# Receivers are not perfect either: so many first attempts they refuse.
REFUSED = 0.1


@dataclass
class Receiver:
    """What was heard: ids by job and event, and how often each id came."""

    journal: Journal
    chance: random.Random
    url: str = ""
    heard: defaultdict[str, defaultdict[str, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    times: Counter[str] = field(default_factory=Counter)
    forged: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, headers: dict[str, str], body: bytes) -> int:
        """The status code to answer with."""
        try:
            Webhook(SECRET).verify(body, headers)
        except WebhookVerificationError as error:
            self.forged += 1
            self.journal.note("forged webhook", error=error, headers=headers)
            return 400
        message = json.loads(body)
        delivery, job_id, event = headers["webhook-id"], message["data"]["id"], message["type"]
        with self._lock:
            self.times[delivery] += 1
            if self.times[delivery] == 1 and self.chance.random() < REFUSED:
                self.journal.note("webhook refused", job_id=job_id, event=event, delivery=delivery)
                return 503
            self.heard[job_id][event].add(delivery)
        self.journal.note("webhook heard", job_id=job_id, event=event, delivery=delivery)
        return 204

    def ends_heard(self, job_id: str) -> set[str]:
        """The terminal events that were heard of the job."""
        with self._lock:
            return {event for event in self.heard[job_id] if event != "job.running"}


@contextmanager
def receiving(journal: Journal, seed: int) -> Iterator[Receiver]:
    receiver = Receiver(journal, random.Random(seed))

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status = receiver.hear({name.lower(): value for name, value in self.headers.items()}, body)
            self.send_response(status)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """The journal has it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()
