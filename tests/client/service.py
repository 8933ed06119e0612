"""A small Rotomill service in a thread: real HTTP over loopback, jobs in memory, faults on demand."""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import parse_qs, urlsplit

from tests.client.upload_service import Document, UploadHandler

BREAK = "break the connection"
BREAK_AFTER = "do the work, then break the connection"


@dataclass
class Submission:
    """What arrived with a POST: the files by field (name, content) and the options."""

    files: dict[str, tuple[str, bytes]]
    options: Document
    key: str


@dataclass
class FakeService:
    """Knobs and records. `faults` holds what befalls the next requests, one each, `faults_of` by path."""

    jobs: dict[str, Document] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    deliveries: list[Document] = field(default_factory=list)
    secrets: list[str] = field(default_factory=lambda: ["whsec_first"])
    submissions: list[Submission] = field(default_factory=list)
    uploads: dict[str, Document] = field(default_factory=dict)
    parts: dict[tuple[str, int], bytes] = field(default_factory=dict)
    part_bytes: int = 1 << 20
    # whether parts go to signed addresses, which must not be shown an API key
    signs: bool = False
    faults: deque[object] = field(default_factory=deque)
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    # The states a job goes through on its event stream; each connection sends up to `events_per_stream`.
    story: list[Document] = field(default_factory=list)
    events_per_stream: int = 1000
    streams: bool = True
    bytes_per_answer: int | None = None
    honest: bool = True
    page_size: int = 2
    polls: int = 0
    on_request: Callable[[str, str], None] | None = None
    _server: ThreadingHTTPServer | None = None

    def __enter__(self) -> Self:
        service = self

        class Bound(_Handler):
            fake: ClassVar[FakeService] = service

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    @property
    def url(self) -> str:
        assert self._server
        return f"http://127.0.0.1:{self._server.server_port}"

    def add_job(self, **fields: object) -> Document:
        number = len(self.jobs) + 1
        job: Document = {
            "id": f"job{number}",
            "status": "queued",
            "stage": None,
            "progress": 0.0,
            "eta_seconds": None,
            "queue_position": 1,
            "attempt": 0,
            "error": None,
            "created_at": "2026-11-20T10:00:00Z",
            "started_at": None,
            "finished_at": None,
            "results": [],
            "options": {},
            "metadata": {},
            "clip": None,
            "timings": {},
            "cached": False,
            "field_of_a_later_version": {"any": "thing"},
        } | fields
        self.jobs[job["id"]] = job
        return job

    def add_finished_job(self, **files: bytes) -> Document:
        """Add a succeeded job; each argument is a result, with `__` for the dot of its name."""
        named = {name.replace("__", "."): content for name, content in files.items()}
        self.files.update(named)
        return self.add_job(
            status="succeeded", progress=1.0, results=[described(*one) for one in named.items()]
        )

    def asked(self, method: str, part: str) -> list[dict[str, str]]:
        """Return the headers of the requests of a method whose path contains a text."""
        return [headers for one, path, headers in self.requests if one == method and part in path]


def described(name: str, content: bytes) -> Document:
    return {
        "name": name,
        "bytes": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
        "media_type": "application/octet-stream",
        "url": f"/v1/results/{name}",
    }


class _Handler(UploadHandler, BaseHTTPRequestHandler):
    fake: ClassVar[FakeService]
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Tests are silent."""

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_PUT(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        fake, url = self.fake, urlsplit(self.path)
        fake.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
        if fake.on_request:
            fake.on_request(self.command, self.path)
        self._body = self.rfile.read(int(self.headers.get("content-length", 0)))
        fault = fake.faults.popleft() if fake.faults else None
        if fault == BREAK:
            self.close_connection = True
            return
        if isinstance(fault, tuple):
            status, headers, problem = fault
            self._problem(status, problem, headers)
            return
        self._broken = fault == BREAK_AFTER
        for method, pattern, action in _ROUTES:
            if method == self.command and (match := re.fullmatch(pattern, url.path)):
                action(self, *match.groups())
                return
        self._problem(404, {"code": "not_found", "detail": "No such path."})

    def _json(self, status: int, document: object, **headers: str) -> None:
        if self._broken:
            self.close_connection = True
            return
        body = b"" if document is None else json.dumps(document, ensure_ascii=False).encode()
        self._head(status, {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers})
        self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _problem(self, status: int, problem: Document | bytes, headers: dict[str, str] | None = None) -> None:
        body = problem if isinstance(problem, bytes) else json.dumps(problem).encode()
        kind = "text/html" if isinstance(problem, bytes) else "application/problem+json"
        self._head(status, {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})})
        self.wfile.write(body)

    def _job(self, job_id: str) -> Document | None:
        if job := self.fake.jobs.get(job_id):
            return job
        self._problem(404, {"code": "job_not_found", "detail": f"There is no job {job_id}."})
        return None

    def submit(self) -> None:
        if self.headers["content-type"] == "application/json":
            self._submit_named(json.loads(self._body))
            return
        submission = _read_form(self.headers["content-type"], self._body, self.headers["idempotency-key"])
        known = [old for old in self.fake.submissions if old.key == submission.key]
        self.fake.submissions.append(submission)
        job = list(self.fake.jobs.values())[-1] if known else self.fake.add_job()
        self._json(202, job, Location=f"/v1/jobs/{job['id']}")

    def refine(self, job_id: str) -> None:
        if self._job(job_id):
            self.submit()
            list(self.fake.jobs.values())[-1]["refines"] = job_id

    def _submit_named(self, body: Document) -> None:
        named: dict[str, str] = {name: body[name] for name in ("video", "mask") if name in body}
        named |= {f"mask_{frame}": upload_id for frame, upload_id in body.get("masks", {}).items()}
        files = {name: self._content_of(upload_id) for name, upload_id in named.items()}
        self.fake.submissions.append(
            Submission(files, body.get("options", {}), self.headers["idempotency-key"])
        )
        job = self.fake.add_job()
        self._json(202, job, Location=f"/v1/jobs/{job['id']}")

    def list_jobs(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        jobs = [job for job in self.fake.jobs.values() if query.get("status") in (None, job["status"])]
        jobs = [job for job in jobs if query.get("search", "") in job["metadata"].get("shot", "")]
        start, size = int(query.get("cursor", 0)), int(query.get("limit", self.fake.page_size))
        following = start + size if start + size < len(jobs) else None
        cursor = None if following is None else str(following)
        self._json(200, {"jobs": jobs[start : start + size], "next_cursor": cursor})

    def show(self, job_id: str) -> None:
        if job := self._job(job_id):
            self.fake.polls += 1
            if not self.fake.streams and self.fake.story:
                job.update(self.fake.story.pop(0))
            self._json(200, job)

    def cancel(self, job_id: str) -> None:
        if job := self._job(job_id):
            job["status"] = "canceled"
            self._json(200, job)

    def delete(self, job_id: str) -> None:
        if not (job := self._job(job_id)):
            return
        if job["status"] == "running":
            self._problem(409, {"code": "job_running", "detail": "Cancel the job first."})
            return
        del self.fake.jobs[job_id]
        self._json(204, None)

    def events(self, job_id: str) -> None:
        if not self.fake.streams:
            self._problem(502, b"<html>no streams here</html>")
            return
        self._head(200, {"Content-Type": "text/event-stream", "Connection": "close"})
        start = int(self.headers.get("last-event-id", -1)) + 1
        self.wfile.write(b": a sign of life\n\n")
        story = self.fake.story[start : start + self.fake.events_per_stream]
        for number, state in enumerate(story, start):
            self.fake.jobs[job_id].update(state)
            data = json.dumps(self.fake.jobs[job_id], ensure_ascii=False)
            name = "job.progress" if state.get("status") == "running" else f"job.{state['status']}"
            self.wfile.write(f"event: {name}\r\nid: {number}\r\ndata: {data}\r\n\r\n".encode())
        self.close_connection = True

    def result(self, _job_id: str, name: str) -> None:
        content = self.fake.files[name] if self.fake.honest else bytes(len(self.fake.files[name]))
        start, status, headers = 0, 200, {"Content-Length": str(len(content))}
        if wanted := re.match(r"bytes=(\d+)-", self.headers.get("range", "")):
            start, status = int(wanted[1]), 206
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            headers["Content-Length"] = str(len(content) - start)
        self._head(status, headers)
        limit = self.fake.bytes_per_answer
        self.wfile.write(content[start : None if limit is None else start + limit])
        self.close_connection = limit is not None

    def list_deliveries(self, job_id: str) -> None:
        if self._job(job_id):
            self._json(200, {"deliveries": self.fake.deliveries})

    def show_secrets(self, status: int = 200) -> None:
        ends = [None, *["2026-11-21T10:00:00Z" for _ in self.fake.secrets[1:]]]
        created: Document = {"created_at": "2026-11-20T10:00:00Z"}
        shown = [
            created | {"secret": secret, "expires_at": end}
            for secret, end in zip(self.fake.secrets, ends, strict=True)
        ]
        self._json(status, {"secrets": shown})

    def rotate_secret(self) -> None:
        self.fake.secrets.insert(0, f"whsec_number{len(self.fake.secrets) + 1}")
        self.show_secrets(201)

    def redeliver(self, _job_id: str, number: str) -> None:
        self._json(202, {"number": int(number)})


_JOB = r"/v1/jobs/([^/]+)"
_UPLOAD = r"/v1/uploads/([^/]+)"
_ROUTES: list[tuple[str, str, Callable[..., None]]] = [
    ("POST", "/v1/uploads", _Handler.begin_upload),
    ("GET", _UPLOAD, _Handler.show_upload),
    ("PUT", _UPLOAD, _Handler.put_upload),
    ("DELETE", _UPLOAD, _Handler.delete_upload),
    ("GET", f"{_UPLOAD}/parts", _Handler.list_parts),
    ("PUT", f"{_UPLOAD}/parts/(\\d+)", _Handler.put_part),
    ("PUT", r"/store/([^/]+)/parts/(\d+)", _Handler.put_part),
    ("POST", f"{_UPLOAD}/complete", _Handler.complete_upload),
    ("POST", "/v1/jobs", _Handler.submit),
    ("GET", "/v1/jobs", _Handler.list_jobs),
    ("GET", _JOB, _Handler.show),
    ("DELETE", _JOB, _Handler.delete),
    ("POST", f"{_JOB}/cancel", _Handler.cancel),
    ("POST", f"{_JOB}/refine", _Handler.refine),
    ("GET", f"{_JOB}/events", _Handler.events),
    ("GET", f"{_JOB}/results/([^/]+)", _Handler.result),
    ("GET", f"{_JOB}/deliveries", _Handler.list_deliveries),
    ("GET", "/v1/webhook-secret", _Handler.show_secrets),
    ("POST", "/v1/webhook-secret/rotate", _Handler.rotate_secret),
    ("POST", f"{_JOB}/deliveries/(\\d+)/redeliver", _Handler.redeliver),
]


def _read_form(content_type: str, body: bytes, key: str) -> Submission:
    form = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {content_type}\r\n\r\n".encode() + body)
    files: dict[str, tuple[str, bytes]] = {}
    options: Document = {}
    for part in form.iter_parts():
        content = part.get_payload(decode=True)
        assert isinstance(content, bytes)
        if file_name := part.get_filename():
            files[str(part.get_param("name", header="content-disposition"))] = (file_name, content)
        else:
            options = json.loads(content)
    return Submission(files, options, key)
