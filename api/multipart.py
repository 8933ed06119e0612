"""Reads a multipart form as a stream: parts in their order, each in chunks, never whole in memory (RFC 7578)."""

import re
import unicodedata
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header

from api.errors import bad_request

MAX_NAME = 200

INCOMPLETE = (
    "The request ended before its last part did. Send it again, whole; an Idempotency-Key makes that safe."
)


@dataclass(frozen=True)
class PartHead:
    """A part's field name as it was sent, and its file's name as it may be shown."""

    name: str
    filename: str


def plain_name(name: str) -> str:
    """The last part of a file's name, without what would mislead who reads it: line breaks, marks that turn text."""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(char for char in last if unicodedata.category(char)[0] != "C")[:MAX_NAME]


class _End:
    """The end of a part."""


class Multipart:
    """Iterate over the parts' heads; between two of them, iterate over `chunks()` of the part at hand."""

    def __init__(self, stream: AsyncIterator[bytes], content_type: str) -> None:
        kind, parameters = parse_options_header(content_type)
        if kind != b"multipart/form-data" or not parameters.get(b"boundary"):
            raise bad_request(
                "content_type_wrong",
                "Send a multipart/form-data body with the fields `video`, `mask` and, if wanted, `options`.",
            )
        self._stream = stream
        self._events: deque[PartHead | bytes | _End] = deque()
        self._headers: dict[bytes, bytes] = {}
        self._header = (bytearray(), bytearray())
        self._complete = False
        self._parser = MultipartParser(
            parameters[b"boundary"],
            {
                "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
                "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": lambda data, start, end: self._events.append(bytes(data[start:end])),
                "on_part_end": lambda: self._events.append(_End()),
                "on_end": self._on_end,
            },
        )

    async def __aiter__(self) -> AsyncIterator[PartHead]:
        while (event := await self._next()) is not None:
            if isinstance(event, PartHead):
                yield event

    async def chunks(self) -> AsyncIterator[bytes]:
        while (event := await self._next()) is not None and not isinstance(event, _End):
            if isinstance(event, bytes):
                yield event

    async def _next(self) -> PartHead | bytes | _End | None:
        while not self._events:
            chunk = await anext(self._stream, None)
            if chunk is None:
                if self._complete:
                    return None
                raise bad_request("body_incomplete", INCOMPLETE)
            self._feed(chunk)
        return self._events.popleft()

    def _feed(self, chunk: bytes) -> None:
        if not chunk or self._complete:
            return
        try:
            self._parser.write(chunk)
        except MultipartParseError as error:
            detail = f"The multipart body cannot be read ({error}). Let your HTTP library build it."
            raise bad_request("body_malformed", detail) from error

    def _on_header_end(self) -> None:
        field, value = self._header
        self._headers[bytes(field).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _on_headers_finished(self) -> None:
        _, parameters = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._headers = {}
        self._events.append(
            PartHead(
                name=parameters.get(b"name", b"").decode(errors="replace"),
                filename=plain_name(parameters.get(b"filename", b"").decode(errors="replace")),
            )
        )

    def _on_end(self) -> None:
        self._complete = True
