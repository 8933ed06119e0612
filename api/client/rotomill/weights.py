"""Bringing weights that others publish to where workers look for them: checked, and whole or not at all."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from rotomill.errors import RotomillError
from rotomill.retry import Retry

OnBytes = Callable[[int], None]

_CHUNK_BYTES = 1 << 20
_PARTIAL_CONTENT = 206
_RANGE_NOT_SATISFIABLE = 416


@dataclass(frozen=True, slots=True)
class Published:
    """A file of weights, where its makers publish it, and what it must be."""

    name: str
    url: str
    bytes: int
    sha256: str


RESNET18 = Published(
    "resnet18-f37072fd.pth",
    "https://download.pytorch.org/models/resnet18-f37072fd.pth",
    46_830_571,
    "f37072fd47e89c5e827621c5baffa7500819f7896bbacec160b1a16c560e07ec",
)
"""torchvision's ResNet-18 of ImageNet (`IMAGENET1K_V1`): the encoder of the standard tier."""


class WeightsFailed(RotomillError):
    """The weights could not be had, or are not what they should be."""


class _Broken(WeightsFailed):
    """Another attempt may go on where this one ended."""

    def __init__(self, detail: str) -> None:
        super().__init__("weights_unreachable", detail)
        self.retryable = True


def pull(
    published: Published,
    folder: Path,
    source: str | None = None,
    *,
    on_bytes: OnBytes = lambda _: None,
    retry: Retry | None = None,
) -> Path:
    """The path of the complete, verified file in `folder`; one that is there already is not fetched again.

    `source` is another address, or a file, to take it from. Raises WeightsFailed. A download that breaks off goes on
    at the next call; the file gets its name only when its SHA-256 is right.
    """
    target = folder / published.name
    if target.is_file() and _sha256(target) == published.sha256:
        on_bytes(published.bytes)
        return target
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{published.name}.part"
    source = source or published.url
    if source.startswith(("http://", "https://")):
        _download(published, source, part, on_bytes, retry or Retry(attempts=3))
    else:
        _copy(Path(source), part, on_bytes)
    if _sha256(part) != published.sha256:
        part.unlink()
        raise WeightsFailed(
            "checksum_mismatch",
            f"What {source} gave is not {published.name} (SHA-256 {published.sha256[:16]}…): nothing was kept. "
            "Try again, or name another source with --from.",
        )
    return part.replace(target)


def _download(published: Published, url: str, part: Path, on_bytes: OnBytes, retry: Retry) -> None:
    with httpx.Client(timeout=30, follow_redirects=True) as client:
        retry.run(lambda: _fetch(client, published, url, part, on_bytes))


def _fetch(client: httpx.Client, published: Published, url: str, part: Path, on_bytes: OnBytes) -> None:
    """Bring the partial file to its full length, from where it ends."""
    have = part.stat().st_size if part.exists() else 0
    if have >= published.bytes:
        return
    # identity: a compressed answer would have other offsets than the file
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        with client.stream("GET", url, headers=headers) as response:
            if response.status_code == _RANGE_NOT_SATISFIABLE:
                part.unlink()
            if response.is_error:
                raise _refused(url, response.status_code)
            resumed = response.status_code == _PARTIAL_CONTENT
            _write(response.iter_raw(), part, have if resumed else 0, on_bytes)
    except httpx.HTTPError as error:
        raise _Broken(f"{url} cannot be fetched: {error or type(error).__name__}.") from error
    if part.stat().st_size < published.bytes:
        raise _Broken(f"{url} ended early.")


def _refused(url: str, status: int) -> WeightsFailed:
    detail = f"{url} answered {status}: download the file by other means, and name it with --from."
    passing = status >= httpx.codes.INTERNAL_SERVER_ERROR or status == _RANGE_NOT_SATISFIABLE
    return _Broken(detail) if passing else WeightsFailed("weights_unreachable", detail)


def _copy(source: Path, part: Path, on_bytes: OnBytes) -> None:
    with source.open("rb") as file:
        _write(iter(lambda: file.read(_CHUNK_BYTES), b""), part, 0, on_bytes)


def _write(chunks: Iterator[bytes], part: Path, offset: int, on_bytes: OnBytes) -> None:
    with part.open("ab") as file:
        file.truncate(offset)
        on_bytes(offset)
        for chunk in chunks:
            file.write(chunk)
            on_bytes(file.tell())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
