"""Pictures of a running job, stored while it works, for those who watch: made beside the work, never in its way."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import structlog

from storage.keys import live_key, live_prefix
from storage.objects import Objects
from worker.colors import Color
from worker.render import live_picture

log = structlog.get_logger(__name__)

# What an eye follows; more would only cost.
PICTURES_A_SECOND: Final = 5

# Of one core: while a picture is painted, the network has one core less.
SHARE_OF_A_CORE: Final = 0.02

# Evenly over the clip, however long it is: a list of them is one page, and they take no more than some megabytes.
MOST_PICTURES: Final = 500

# A store that is silent is given up after three seconds; nobody waits for that.
FAREWELL_SECONDS: Final = 0.5

# After a failure, a store is left alone for so long.
SULK_SECONDS: Final = 10.0

Pixels = npt.NDArray[np.uint8]


class Sight(NamedTuple):
    """A frame and the labels found in it."""

    frame: int
    image: Pixels
    labels: Pixels


class LivePictures:
    """Takes frames as they are segmented and stores pictures of some: the newest whenever there is time for one.

    Use it as a context manager. Nothing that goes wrong here reaches the work, and `show` never waits. What is stored
    late, when the work has ended already, is removed again.
    """

    def __init__(
        self,
        objects: Objects,
        job_id: str,
        attempt: int,
        *,
        frames: int,
        colors: Sequence[Color],
        clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self._objects = objects
        self._job_id, self._attempt = job_id, attempt
        self._colors = colors
        self._every = max(1, math.ceil(frames / MOST_PICTURES))
        self._clock = clock
        self._newest: deque[Sight] = deque(maxlen=1)
        self._news = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._store_until_ended, name="live-pictures", daemon=True)

    def show(self, frame: int, image: Pixels, labels: Pixels) -> None:
        """Offer a frame, (H, W, 3) RGB, and its labels; neither may change afterwards."""
        if frame % self._every == 0:
            self._newest.append(Sight(frame, image, labels))
            self._news.set()

    def remove(self) -> None:
        """Remove what was stored, where the store lets us: the sweep takes the rest."""
        try:
            self._objects.delete_prefix(live_prefix(self._job_id, self._attempt))
        except Exception as error:
            log.warning("live pictures not removed", error=repr(error))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._news.set()
        self._thread.join(FAREWELL_SECONDS)

    def _store_until_ended(self) -> None:
        while True:
            self._news.wait()
            self._news.clear()
            if self._ended.is_set():
                return
            if self._newest:
                self._ended.wait(self._store(self._newest.pop()))

    def _store(self, sight: Sight) -> float:
        """Paint and store one; the seconds to rest for it."""
        began = self._clock()
        try:
            key = live_key(self._job_id, self._attempt, sight.frame)
            self._objects.put_once(key, live_picture(sight.image, sight.labels, self._colors))
            if self._ended.is_set():
                self._objects.delete([key])
        except Exception as error:
            log.warning("live picture not stored", frame=sight.frame, error=repr(error))
            return SULK_SECONDS
        return max(1 / PICTURES_A_SECOND, (self._clock() - began) / SHARE_OF_A_CORE)
