"""Sending a large file first, in parts, straight to where the service keeps its objects."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from rotomill.errors import ApiError, Conflict
from rotomill.jobs import Document
from rotomill.retry import Retry
from rotomill.transport import Transport
from rotomill.uploads import OnUpload

# More than this in one form, and a connection that breaks costs too much.
UPLOAD_FROM_BYTES = 64 * 1024**2

# What is smaller goes in one request: parts would cost more requests than they could save.
_WHOLE_BYTES = 4 * 1024**2

_CHUNK_BYTES = 256 * 1024

# A page of addresses, signed only hours before the last of them is needed.
_PAGE = 16

# How a store refuses an address whose time has passed.
_STALE_STATUSES = frozenset({400, 403})


@dataclass(frozen=True, slots=True)
class Upload:
    """A file at the service, on its way or complete; a value, which does not change by itself.

    `status` is open, completing or complete; `arrived` are the numbers of the parts that are there.
    """

    id: str
    status: str
    filename: str
    bytes: int
    part_bytes: int
    part_count: int
    arrived: frozenset[int] = frozenset()
    sha256: str | None = None
    expires_at: datetime | None = None
    raw: Document = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def parse(cls, document: Document) -> Self:
        """Read an upload's JSON."""
        expires_at = document.get("expires_at")
        return cls(
            id=str(document["id"]),
            status=str(document["status"]),
            filename=str(document.get("filename", "")),
            bytes=int(document["bytes"]),
            part_bytes=int(document["part_bytes"]),
            part_count=int(document["part_count"]),
            arrived=frozenset(map(int, document.get("arrived") or ())),
            sha256=document.get("sha256"),
            expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
            raw=dict(document),
        )

    @property
    def complete(self) -> bool:
        """Whether all of it is there."""
        return self.status == "complete"


@dataclass(frozen=True, slots=True)
class Sending:
    """One file's way to the service. `tell` hears how many of its bytes are there."""

    transport: Transport
    retry: Retry
    path: Path
    key: str
    tell: Callable[[int], None]

    def run(self) -> Upload:
        """Return the complete upload; parts that have arrived before are not sent again."""
        size = self.path.stat().st_size
        begun = {"filename": self.path.name, "bytes": size}
        upload = self._ask("POST", "", json=begun, headers={"Idempotency-Key": f'"{self.key}"'})
        if not upload.complete:
            upload = self._whole(upload) if size <= _WHOLE_BYTES else self._in_parts(upload)
        self.tell(size)
        return upload

    def _whole(self, upload: Upload) -> Upload:
        def attempt() -> Upload:
            response = self.transport.send(
                "PUT",
                f"/v1/uploads/{upload.id}",
                content=self._read(0, upload.bytes),
                headers={"Content-Length": str(upload.bytes)},
            )
            return Upload.parse(response.json())

        try:
            return self.retry.run(attempt)
        except Conflict as error:
            if error.code != "upload_complete":  # else a sending that broke off had got through
                raise
            return self._ask("GET", f"/{upload.id}")

    def _in_parts(self, upload: Upload) -> Upload:
        for number in range(1, upload.part_count + 1, _PAGE):
            self._send_page(upload, number)
        return self._completed(upload)

    def _send_page(self, upload: Upload, first: int) -> None:
        missing = set(range(first, min(first + _PAGE, upload.part_count + 1))) - upload.arrived
        if missing:
            for part in self._addresses(upload, first, _PAGE):
                if part["number"] in missing:
                    self._send_part(upload, part)
        self.tell(min(upload.bytes, (first + _PAGE - 1) * upload.part_bytes))

    def _addresses(self, upload: Upload, first: int, count: int) -> list[dict[str, Any]]:
        query = {"from": first, "count": count}
        path = f"/v1/uploads/{upload.id}/parts"
        page = self.retry.run(lambda: self.transport.send("GET", path, params=query)).json()
        parts: list[dict[str, Any]] = page["parts"]
        return parts

    def _send_part(self, upload: Upload, part: Mapping[str, Any]) -> None:
        number = int(part["number"])
        address: Mapping[str, Any] | None = part

        def attempt() -> None:
            nonlocal address
            to, address = address or self._addresses(upload, number, 1)[0], None
            try:
                self.transport.put(
                    to["url"],
                    self._read((number - 1) * upload.part_bytes, int(to["bytes"])),
                    int(to["bytes"]),
                    signed=to["signed"],
                )
            except ApiError as error:
                # the next attempt asks for a new address
                error.retryable |= bool(to["signed"]) and error.status in _STALE_STATUSES
                raise

        self.retry.run(attempt)

    def _completed(self, upload: Upload) -> Upload:
        with self.path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        while True:
            try:
                return self._ask("POST", f"/{upload.id}/complete", json={"sha256": digest})
            except Conflict as error:
                if error.code != "upload_completing":
                    raise
                self.retry.sleep(error.retry_after_seconds or 2.0)

    def _ask(self, method: str, path: str, **arguments: Any) -> Upload:
        send = self.transport.send
        answer = self.retry.run(lambda: send(method, f"/v1/uploads{path}", **arguments))
        return Upload.parse(answer.json())

    def _read(self, start: int, count: int) -> Iterator[bytes]:
        with self.path.open("rb") as file:
            file.seek(start)
            done = 0
            while done < count and (chunk := file.read(min(_CHUNK_BYTES, count - done))):
                yield chunk
                done += len(chunk)
                self.tell(start + done)


def send_all(
    transport: Transport,
    retry: Retry,
    files: Sequence[tuple[str, Path]],
    key: str,
    on_upload: OnUpload | None,
) -> dict[str, Upload]:
    """Return the complete upload of each file, by the name it has here."""
    total = sum(path.stat().st_size for _, path in files)
    before, sent = 0, {}
    for name, path in files:

        def tell(done: int, before: int = before) -> None:
            if on_upload:
                on_upload(before + done, total)

        sent[name] = Sending(transport, retry, path, _key_of(path, key, name), tell).run()
        before += path.stat().st_size
    return sent


def naming(sent: Mapping[str, Upload], options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body that asks for a job of uploads, which have the names of a form's fields."""
    masks = {name.removeprefix("mask_"): one.id for name, one in sent.items() if name.startswith("mask_")}
    body: dict[str, Any] = {name: one.id for name, one in sent.items() if name in {"video", "mask"}}
    return body | ({"masks": masks} if masks else {}) | ({"options": dict(options)} if options else {})


def _key_of(path: Path, *parts: str) -> str:
    """An idempotency key for sending a file as it is now: one that was written since is another."""
    now = path.stat()
    words = (*parts, path.name, str(now.st_size), str(now.st_mtime_ns))
    return hashlib.sha256("\0".join(words).encode()).hexdigest()
