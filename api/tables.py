"""What children have found out about where the frames of clips lie, so that the next one need not."""

import threading
from collections import OrderedDict
from typing import Final

# Eight bytes a frame: of a clip of ten minutes, some hundred kilobytes.
MOST_BYTES: Final = 8 * 1024**2


class Tables:
    """The tables of the clips that were asked about last, by their keys in the object store; for many threads.

    They come from children that a clip may have misled, are never looked into here, and go to children alone.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._tables: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> bytes:
        """The clip's table; empty where there is none."""
        with self._lock:
            if key in self._tables:
                self._tables.move_to_end(key)
            return self._tables.get(key, b"")

    def put(self, key: str, table: bytes) -> None:
        with self._lock:
            self._bytes += len(table) - len(self._tables.pop(key, b""))
            self._tables[key] = table
            while self._bytes > self._most_bytes:
                _, oldest = self._tables.popitem(last=False)
                self._bytes -= len(oldest)
