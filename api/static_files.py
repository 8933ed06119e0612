"""Files of the page, as they are sent: their types, their tags, and compressed where that is worth it."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from fastapi import Request
from fastapi.responses import FileResponse, Response

from api.errors import not_found

# What can be served at all. Nothing is guessed from a file's content or from the machine's own list of types.
TEXTS = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
}
OTHERS = {
    ".jpg": "image/jpeg",
    ".mp4": "video/mp4",
    ".png": "image/png",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".zip": "application/zip",
}

# no dots first: neither `..` nor what is hidden
SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")

# A file system is not asked for longer names than it has.
LONGEST_NAME = 200


@dataclass(frozen=True)
class Packed:
    """A text as it was when it was read, and compressed."""

    version: tuple[int, int]
    tag: str
    content: bytes
    compressed: bytes


class StaticFiles:
    """The files of one folder. A browser keeps them and asks each time whether they have changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._texts: dict[Path, Packed] = {}
        self._tags: dict[Path, tuple[tuple[int, int], str]] = {}

    def answer(self, request: Request, name: str, headers: dict[str, str]) -> Response:
        """The file of this name, or that the browser's own is still right. Raises ApiError where there is none."""
        path = self._find(name)
        media_type = TEXTS.get(path.suffix)
        packed = self._text(path) if media_type else None
        # a text's two forms are one to whoever has either; a range of a video wants it to the byte
        tag = f'W/"{packed.tag}"' if packed else f'"{self._tag(path)}"'
        headers = headers | {"ETag": tag, "Cache-Control": "no-cache"}
        if packed:
            headers["Vary"] = "Accept-Encoding"
        if _has(request, tag):
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        if packed is None:
            return FileResponse(path, headers=headers, media_type=OTHERS[path.suffix])
        content = packed.content
        if "gzip" in request.headers.get("accept-encoding", ""):
            content = packed.compressed
            headers["Content-Encoding"] = "gzip"
        return Response(content, headers=headers, media_type=media_type)

    def _find(self, name: str) -> Path:
        path = self._folder / name
        is_plain = len(name) <= LONGEST_NAME and all(SEGMENT.fullmatch(part) for part in name.split("/"))
        if not is_plain or path.suffix not in TEXTS | OTHERS or not path.is_file():
            raise not_found("path_not_found", "The page has no such file. Load it again from the start: /")
        # a link in the folder may lead out of it
        if not path.resolve().is_relative_to(self._folder):
            raise not_found("path_not_found", "The page has no such file. Load it again from the start: /")
        return path

    def _text(self, path: Path) -> Packed:
        version = _version(path)
        known = self._texts.get(path)
        if known is None or known.version != version:
            content = path.read_bytes()
            known = Packed(version, _digest(content), content, gzip.compress(content, mtime=0))
            self._texts[path] = known
        return known

    def _tag(self, path: Path) -> str:
        version = _version(path)
        known, tag = self._tags.get(path, (None, ""))
        if known != version:
            tag = _digest(path.read_bytes())
            self._tags[path] = (version, tag)
        return tag


def _version(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _has(request: Request, tag: str) -> bool:
    """Whether the browser has this version already (RFC 9110, weak comparison)."""
    known = request.headers.get("if-none-match", "")
    return known.strip() == "*" or tag.removeprefix("W/") in {
        part.strip().removeprefix("W/") for part in known.split(",")
    }
