"""The fake service's uploads, in memory."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from tests.client.service import FakeService

Document = dict[str, Any]


class UploadHandler(BaseHTTPRequestHandler):
    """What a request about uploads does; the one who inherits has read its body."""

    fake: ClassVar[FakeService]
    _body: bytes

    def _json(self, status: int, document: object, **headers: str) -> None:
        raise NotImplementedError

    def _problem(self, status: int, problem: Document | bytes, headers: dict[str, str] | None = None) -> None:
        raise NotImplementedError

    def _content_of(self, upload_id: str) -> tuple[str, bytes]:
        upload = self.fake.uploads[upload_id]
        numbers = sorted(number for one, number in self.fake.parts if one == upload_id)
        return upload["filename"], b"".join(self.fake.parts[upload_id, number] for number in numbers)

    def begin_upload(self) -> None:
        asked, key, fake = json.loads(self._body), self.headers["idempotency-key"], self.fake
        for known in fake.uploads.values():
            if known["key"] == key:
                self._json(201, known)
                return
        upload_id = f"upl{len(fake.uploads) + 1}"
        fake.uploads[upload_id] = asked | {
            "id": upload_id,
            "key": key,
            "status": "open",
            "part_bytes": fake.part_bytes,
            "part_count": -(-asked["bytes"] // fake.part_bytes),
            "arrived": [],
            "expires_at": "2026-11-21T10:00:00Z",
        }
        self._json(201, fake.uploads[upload_id])

    def show_upload(self, upload_id: str) -> None:
        self._json(200, self.fake.uploads[upload_id])

    def list_parts(self, upload_id: str) -> None:
        upload, fake = self.fake.uploads[upload_id], self.fake
        query = parse_qs(urlsplit(self.path).query)
        first, count = int(query["from"][0]), int(query["count"][0])
        place = "store" if fake.signs else "v1/uploads"
        parts = [
            {
                "number": number,
                "bytes": min(fake.part_bytes, upload["bytes"] - (number - 1) * fake.part_bytes),
                "url": f"{fake.url}/{place}/{upload_id}/parts/{number}",
                "signed": fake.signs,
            }
            for number in range(first, min(first + count, upload["part_count"] + 1))
        ]
        self._json(200, {"parts": parts, "next": None})

    def put_part(self, upload_id: str, number: str) -> None:
        self.fake.parts[upload_id, int(number)] = self._body
        upload = self.fake.uploads[upload_id]
        upload["arrived"] = sorted({*upload["arrived"], int(number)})
        self._json(204, None)

    def put_upload(self, upload_id: str) -> None:
        self.fake.parts[upload_id, 1] = self._body
        self._complete(upload_id)

    def complete_upload(self, upload_id: str) -> None:
        expected = json.loads(self._body)["sha256"]
        if hashlib.sha256(self._content_of(upload_id)[1]).hexdigest() != expected:
            self._problem(422, {"code": "upload_checksum_differs", "detail": "It is not what you say."})
            return
        self._complete(upload_id)

    def _complete(self, upload_id: str) -> None:
        upload = self.fake.uploads[upload_id]
        upload |= {"status": "complete", "sha256": hashlib.sha256(self._content_of(upload_id)[1]).hexdigest()}
        self._json(200, upload)

    def delete_upload(self, upload_id: str) -> None:
        del self.fake.uploads[upload_id]
        self._json(204, None)
