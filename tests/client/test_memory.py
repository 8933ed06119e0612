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


def test_an_upload_of_256_megabytes_needs_a_few(tmp_path: Path) -> None:
    big, mask = tmp_path / "big.mp4", tmp_path / "mask.png"
    with big.open("wb") as file:
        file.truncate(256 << 20)
    mask.write_bytes(b"mask")
    http = httpx.Client(base_url="http://discard", transport=Discarding())
    tracemalloc.start()
    job = Client(http=http).submit(big, mask)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert int(job.id) > 256 << 20
    assert peak < 8 << 20
