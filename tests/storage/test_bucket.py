"""The bucket that a new installation's store lacks."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from storage.bucket import make_bucket
from storage.errors import BucketMissingError


class Store(BaseHTTPRequestHandler):
    """As much of S3 as asks whether there is a bucket, and makes one."""

    buckets: ClassVar[set[str]]
    refuses: ClassVar[bool]

    def do_GET(self) -> None:
        bucket = self.path.split("?")[0].strip("/")
        if bucket in self.buckets:
            self._answer(200, f"<ListBucketResult><Name>{bucket}</Name></ListBucketResult>")
        else:
            self._answer(404, "<Error><Code>NoSuchBucket</Code></Error>")

    def do_PUT(self) -> None:
        path, _, query = self.path.partition("?")
        if self.refuses or "X-Amz-Signature=" not in query:
            self._answer(403, "<Error><Code>AccessDenied</Code></Error>")
            return
        self.buckets.add(path.strip("/"))
        self._answer(200, "")

    def _answer(self, status: int, body: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Store]]:
    Store.buckets, Store.refuses = set(), False
    server = ThreadingHTTPServer(("127.0.0.1", 0), Store)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    for name, value in {
        "ALLOW_HTTP": "true",
        "ACCESS_KEY_ID": "key",
        "SECRET_ACCESS_KEY": "secret",
        "REGION": "r",
    }.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield Store
    server.shutdown()
    server.server_close()


def test_a_bucket_is_made_once(store: type[Store]) -> None:
    assert make_bucket("s3://clips/of/ours")
    assert store.buckets == {"clips"}
    assert not make_bucket("s3://clips/of/ours")


def test_a_store_that_makes_no_bucket_is_named(store: type[Store]) -> None:
    store.refuses = True
    with pytest.raises(BucketMissingError, match="clips is not there, and the object store answered 403"):
        make_bucket("s3://clips")


def test_a_folder_needs_no_bucket(tmp_path: Path) -> None:
    assert not make_bucket(f"file://{tmp_path}")
