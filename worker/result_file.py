"""A result that is written as the clip goes by: whole at the end, or not there at all."""

from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self


class ResultFile(ABC):
    """A file written inside `with`. An exception in the block, or while it ends, removes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open_files = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        finished = False
        try:
            with self._open_files:
                if kind is None:
                    self._finish()
            finished = kind is None
        finally:
            if not finished:
                self.path.unlink(missing_ok=True)

    @abstractmethod
    def _finish(self) -> None:
        """Writes what comes after the last frame; the files close afterwards."""
