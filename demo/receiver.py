"""A webhook receiver on this machine: what a user of the service would write, with the client's `verify`."""

from __future__ import annotations

import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self

from rotomill import WebhookError, webhooks

_MOST_BYTES = 1 << 20


class NothingReceivedError(Exception):
    """No webhook came in time."""


@dataclass(frozen=True)
class Notice:
    """One webhook that arrived: its payload, or why it was refused."""

    message_id: str
    payload: dict[str, Any]
    refusal: WebhookError | None = None


class Receiver:
    """Listens on a free port while it is used as a context manager."""

    def __init__(self, secret: str) -> None:
        notices: queue.Queue[Notice] = queue.Queue()
        self._notices = notices

        class Bound(_Handler):
            key: ClassVar[str] = secret
            arrived: ClassVar[queue.Queue[Notice]] = notices

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Bound)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)

    @property
    def url(self) -> str:
        """Where webhooks are to be sent."""
        return f"http://127.0.0.1:{self._server.server_port}/webhook"

    def __enter__(self) -> Self:
        """Begin to listen."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait(self, timeout_seconds: float) -> Notice:
        """Return the next webhook; raises `WebhookError` when its signature is wrong, or `NothingReceivedError`."""
        try:
            notice = self._notices.get(timeout=timeout_seconds)
        except queue.Empty as error:
            raise NothingReceivedError(f"No webhook came within {timeout_seconds:g} s.") from error
        if notice.refusal:
            raise notice.refusal
        return notice


class _Handler(BaseHTTPRequestHandler):
    key: ClassVar[str]
    arrived: ClassVar[queue.Queue[Notice]]

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the parent's name
        """Print nothing: the terminal is the progress bar's."""

    def do_POST(self) -> None:
        """Answer 204 to what is signed, 400 to all else."""
        body = self.rfile.read(min(int(self.headers.get("content-length") or 0), _MOST_BYTES))
        message_id = self.headers.get("webhook-id", "")
        try:
            payload = webhooks.verify(body, dict(self.headers.items()), self.key)
        except WebhookError as error:
            self.send_response(400)
            notice = Notice(message_id, {}, error)
        else:
            self.send_response(204)
            notice = Notice(message_id, payload)
        self.end_headers()
        self.arrived.put(notice)
