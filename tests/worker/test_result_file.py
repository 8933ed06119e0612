"""A result is whole or not there."""

from pathlib import Path

import pytest

from worker.result_file import ResultFile


class FullDisk(ResultFile):
    """Fails on its last words."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.file = self._open_files.enter_context(path.open("w"))

    def _finish(self) -> None:
        raise OSError("no space left")


def test_a_file_that_cannot_be_finished_is_closed_and_removed(tmp_path: Path) -> None:
    writer = FullDisk(tmp_path / "result")
    with pytest.raises(OSError, match="no space left"), writer:
        pass
    assert writer.file.closed
    assert list(tmp_path.iterdir()) == []
