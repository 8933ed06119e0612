"""Items made in a thread while the ones before are used: decoding beside the network."""

import queue
import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from typing import Final, TypeVar

Item = TypeVar("Item")

AHEAD: Final = 4
"""Items that wait to be used: enough that neither side waits, few enough that memory stays small."""


def prefetched(items: Iterable[Item], ahead: int = AHEAD) -> Generator[Item]:
    """The items in order, made up to `ahead` before they are asked for. What making them raises comes in its turn.

    The thread ends with the iterator, also when that is closed early.
    """
    waiting: queue.Queue[tuple[Item | None, BaseException | None, bool]] = queue.Queue(ahead)
    closed = threading.Event()

    def make() -> None:
        try:
            for item in items:
                if not _put(waiting, (item, None, False), closed):
                    return
        except BaseException as error:  # raised again where the items are used
            _put(waiting, (None, error, True), closed)
        else:
            _put(waiting, (None, None, True), closed)

    maker = threading.Thread(target=make, name="prefetch", daemon=True)
    maker.start()
    try:
        while True:
            item, error, last = waiting.get()
            if error is not None:
                raise error
            if last:
                return
            yield item  # type: ignore[misc]  # only the last has none
    finally:
        closed.set()
        maker.join()


def _put(waiting: "queue.Queue[Item]", item: Item, closed: threading.Event) -> bool:
    """Whether the item found a place before the other side had enough."""
    while not closed.is_set():
        with suppress(queue.Full):
            waiting.put(item, timeout=0.1)
            return True
    return False
