"""The multipart form of a new job, read from disk while it is sent."""

from __future__ import annotations

import io
import json
import mimetypes
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

OnUpload = Callable[[int, int], None]
Part = tuple[str, tuple[str, IO[bytes], str]]


class _Counted(io.BufferedReader):
    """A file that tells how many bytes of it were read."""

    def __init__(self, path: Path, tell: Callable[[int], None]) -> None:
        super().__init__(io.FileIO(path))
        self._tell = tell

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self._tell(len(data))
        return data


@dataclass(frozen=True, slots=True)
class Form:
    """The parts of a submission: form field, path, and the options document."""

    files: Sequence[tuple[str, Path]]
    options: Mapping[str, Any]
    on_upload: OnUpload | None = None

    def data(self) -> dict[str, str]:
        """Return the fields that are no files; they come first, so mistakes show before the upload."""
        return {"options": json.dumps(self.options)} if self.options else {}

    @contextmanager
    def open(self) -> Iterator[list[Part]]:
        """Open the files for one sending; each retry opens them anew, at their beginning."""
        total = sum(path.stat().st_size for _, path in self.files)
        sent = 0

        def tell(count: int) -> None:
            nonlocal sent
            sent += count
            if self.on_upload:
                self.on_upload(sent, total)

        with ExitStack() as stack:
            yield [
                (field, (path.name, stack.enter_context(_Counted(path, tell)), _media_type(path)))
                for field, path in self.files
            ]


def _media_type(path: Path) -> str:
    return mimetypes.guess_type(path.name)[0] or "application/octet-stream"


def mask_fields(mask: Path, masks: Mapping[int, Path]) -> list[tuple[str, Path]]:
    """Name the form field of each mask: `mask` is frame 0, `mask_N` is frame N, counted from 0."""
    if wrong := [number for number in masks if number < 1]:
        raise ValueError(f"masks are for frames 1 and later, not {wrong[0]}: frame 0 is `mask`")
    return [("mask", mask), *((f"mask_{number}", masks[number]) for number in sorted(masks))]


def correction_fields(masks: Mapping[int, Path]) -> list[tuple[str, Path]]:
    """Name the form field of each mask that corrects a job: `mask_N` is frame N, counted from 0."""
    if not masks or any(number < 0 for number in masks):
        raise ValueError("a correction needs the mask of at least one frame, counted from 0")
    return [(f"mask_{number}", masks[number]) for number in sorted(masks)]


def options_document(**options: Any) -> dict[str, Any]:
    """Return the options that were given; what was not given is the service's choice."""
    return {name: value for name, value in options.items() if value is not None}
