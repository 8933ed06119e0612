"""What happened in a campaign, line by line with its time, so that a failure can be studied."""

import json
import threading
from datetime import UTC, datetime
from pathlib import Path


class Journal:
    """Appends JSON lines to a file; any thread may."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = path.open("a", buffering=1)
        self._lock = threading.Lock()

    def note(self, what: str, **more: object) -> None:
        line = json.dumps({"at": datetime.now(UTC).isoformat(), "what": what} | more, default=str)
        with self._lock:
            self._file.write(f"{line}\n")

    def close(self) -> None:
        self._file.close()
