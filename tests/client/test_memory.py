"""Memory does not grow with what is sent."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import httpx
from rotomill import Client


class Discarding(httpx.BaseTransport):
    """Takes the body as a network would and keeps nothing; the fake service would hold it in memory."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        count = sum(map(len, request.stream))
        return httpx.Response(202, json={"id": str(count), "status": "queued"})


class DiscardingStore(httpx.BaseTransport):
    """The same for a service that takes uploads in parts."""

    def __init__(self) -> None:
        self.count = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.SyncByteStream)
        size = sum(map(len, request.stream))
        if request.method == "PUT":
            self.count += size
            return httpx.Response(204)
        if request.method == "GET":
            first, count = int(request.url.params["from"]), int(request.url.params["count"])
            numbers = range(first, min(first + count, 17))
            parts = [{"number": n, "bytes": 16 << 20, "url": f"/parts/{n}", "signed": True} for n in numbers]
            return httpx.Response(200, json={"parts": parts, "next": None})
        facts = {"bytes": 256 << 20, "part_bytes": 16 << 20, "part_count": 16}
        status = "complete" if request.url.path.endswith("/complete") else "open"
        return httpx.Response(200, json={"id": "upl", "status": status} | facts)


def test_a_form_of_256_megabytes_needs_a_few(tmp_path: Path) -> None:
    big, mask = tmp_path / "big.mp4", tmp_path / "mask.png"
    with big.open("wb") as file:
        file.truncate(256 << 20)
    mask.write_bytes(b"mask")
    http = httpx.Client(base_url="http://discard", transport=Discarding())
    tracemalloc.start()
    job = Client(http=http).submit(big, mask, upload=False)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert int(job.id) > 256 << 20
    assert peak < 8 << 20


def test_an_upload_of_256_megabytes_in_parts_needs_a_few(tmp_path: Path) -> None:
    big = tmp_path / "big.mp4"
    with big.open("wb") as file:
        file.truncate(256 << 20)
    store = DiscardingStore()
    http = httpx.Client(base_url="http://discard", transport=store)
    tracemalloc.start()
    Client(http=http).upload(big)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert store.count == 256 << 20
    assert peak < 8 << 20
