"""Shows a worker's metrics over HTTP: its children write theirs into files, and its main process adds them up.

Import this before prometheus_client: that reads where the files are when it is itself imported.
"""

import atexit
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from wsgiref.simple_server import WSGIServer

import structlog

from worker.processes import is_alive
from worker.queue import settings

log = structlog.get_logger(__name__)

PREFIX = "rotomill-metrics-"
BIND_AGAIN_SECONDS = 5.0


def _folder() -> Path | None:
    """This process's folder for the files, fresh; none without a port. Those of processes that were killed go."""
    if not settings.metrics_port:
        return None
    parent = Path(tempfile.gettempdir())
    for left in parent.glob(f"{PREFIX}*"):
        owner = left.name.removeprefix(PREFIX)
        if owner.isdigit() and (int(owner) == os.getpid() or not is_alive(int(owner))):
            shutil.rmtree(left, ignore_errors=True)
    folder = parent / f"{PREFIX}{os.getpid()}"
    folder.mkdir(mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
    atexit.register(_remove, folder, os.getpid())
    return folder


def _remove(folder: Path, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


FOLDER = _folder()

from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server  # noqa: E402 — see above
from prometheus_client.metrics_core import Metric  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead  # noqa: E402
from prometheus_client.registry import Collector  # noqa: E402

_server: WSGIServer | None = None


class Children(Collector):
    """What all processes of this worker have written. Gauges of those that died are forgotten; counts are kept."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: Collector = MultiProcessCollector(None, path=str(folder))  # type: ignore[no-untyped-call]  # untyped there

    def collect(self) -> Iterator[Metric]:
        for file in self._folder.glob("gauge_live*.db"):
            process_id = int(file.stem.rsplit("_", 1)[-1])
            if not is_alive(process_id):
                mark_process_dead(process_id, str(self._folder))  # type: ignore[no-untyped-call]  # untyped there
        yield from self._files.collect()


def serve() -> None:
    """Serve `/metrics` from a thread, where there is a port for it. To be called in the main process."""
    if FOLDER is not None:
        threading.Thread(target=_bind, args=[FOLDER], name="metrics", daemon=True).start()


def _bind(folder: Path) -> None:
    """A child of a worker that was killed may hold the port for a moment yet."""
    global _server
    registry = CollectorRegistry()
    registry.register(Children(folder))
    ProcessCollector(registry=registry)
    while True:
        try:
            _server, _ = start_http_server(settings.metrics_port, settings.metrics_host, registry)
        except OSError as error:
            log.warning("metrics cannot be served yet", port=settings.metrics_port, error=str(error))
            time.sleep(BIND_AGAIN_SECONDS)
        else:
            log.info("metrics served", host=settings.metrics_host, port=settings.metrics_port)
            return


def leave() -> None:
    """Let go of the port in a child, or it would stay taken for as long as the child lives."""
    if _server is not None:
        _server.socket.close()
