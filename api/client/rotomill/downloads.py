"""Bringing results to disk: streamed, resumed after a break, checked, and only then given their name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from rotomill.errors import ApiError, ConnectionFailed, DownloadFailed
from rotomill.jobs import Job, Result
from rotomill.retry import Retry
from rotomill.transport import Transport

if TYPE_CHECKING:
    import httpx

OnDownload = Callable[[Result, int], None]

_RANGE_NOT_SATISFIABLE = 416


def wanted(job: Job, names: Sequence[str] | None) -> list[Result]:
    """Return the job's results with these names, in the names' order; all of them without names."""
    if names is None:
        return list(job.results)
    by_name = {result.name: result for result in job.results}
    if missing := [name for name in names if name not in by_name]:
        raise DownloadFailed(
            "result_unknown",
            f"Job {job.id} has no {missing[0]}; it has {', '.join(by_name) or 'no results'}.",
        )
    return [by_name[name] for name in names]


@dataclass(frozen=True, slots=True)
class Download:
    """Fetches one result of one job into a folder."""

    transport: Transport
    retry: Retry
    job_id: str
    result: Result
    folder: Path
    on_download: OnDownload | None = None

    def run(self) -> Path:
        """Return the path of the complete, verified file; one that is there already is not fetched again."""
        target = self.folder / _safe(self.result.name)
        if target.is_file() and self._matches(target):
            self._tell(self.result.bytes)
            return target
        self.folder.mkdir(parents=True, exist_ok=True)
        # Named by content, so what is resumed can never be the beginning of another file.
        part = self.folder / f".{target.name}.{self.result.sha256[:16]}.part"
        self.retry.run(lambda: self._fetch(part))
        if not self._matches(part):
            # What lay there from an earlier, broken run may be the culprit: once more from nothing.
            part.unlink()
            self.retry.run(lambda: self._fetch(part))
        if not self._matches(part):
            part.unlink()
            raise DownloadFailed(
                "checksum_mismatch",
                f"{self.result.name} did not arrive as the service describes it: download it again.",
            )
        return part.replace(target)

    def _fetch(self, part: Path) -> None:
        """Go on for as long as each connection brings something, however often they break."""
        while True:
            before = part.stat().st_size if part.exists() else 0
            try:
                return self._fetch_rest(part)
            except ConnectionFailed:
                if part.stat().st_size <= before:
                    raise

    def _fetch_rest(self, part: Path) -> None:
        """Bring the partial file to its full length, from where it ends."""
        with part.open("ab") as file:
            if file.tell() > self.result.bytes:
                file.truncate(0)
                file.seek(0)
            if file.tell() < self.result.bytes:
                self._append(file)

    def _append(self, file: BinaryIO) -> None:
        offset = file.tell()
        # identity: a compressed answer would have other offsets than the file
        headers = {"Accept-Encoding": "identity"}
        if offset:
            headers["Range"] = f"bytes={offset}-"
        path = f"/v1/jobs/{self.job_id}/results/{self.result.name}"
        try:
            with self.transport.stream(path, headers=headers) as response:
                if offset and _first_byte(response) != offset:
                    file.truncate(0)
                    file.seek(0)
                self._write(file, response)
        except ApiError as error:
            if error.status == _RANGE_NOT_SATISFIABLE:
                file.truncate(0)
            raise

    def _write(self, file: BinaryIO, response: httpx.Response) -> None:
        self._tell(file.tell())
        # As the bytes come: collected into larger chunks, a break would lose the last one.
        for chunk in response.iter_raw():
            file.write(chunk)
            self._tell(file.tell())

    def _tell(self, count: int) -> None:
        if self.on_download:
            self.on_download(self.result, count)

    def _matches(self, path: Path) -> bool:
        if path.stat().st_size != self.result.bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.result.sha256


def _safe(name: str) -> str:
    """Refuse a name that would leave the folder: names come from the service, files are ours."""
    if name in {"", ".", ".."} or Path(name).name != name or "\\" in name:
        raise DownloadFailed("result_name_unsafe", f"The service names a result {name!r}: not stored.")
    return name


def _first_byte(response: httpx.Response) -> int:
    """Where the body begins in the file: by Content-Range, which some stores send even with a 200."""
    found = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    return int(found[1]) if found else 0
