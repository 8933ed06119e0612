"""The broker as those who send messages meet it."""

import socket
import time
from pathlib import Path

import pytest
from kombu.exceptions import OperationalError

from storage.settings import StorageSettings
from worker import queue
from worker.settings import REDIS_OPTIONS, WorkerSettings


def test_a_redis_that_takes_connections_and_says_nothing_holds_nobody_for_long(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"redis://127.0.0.1:{silent.getsockname()[1]}/0"
        app = queue.create_app(WorkerSettings(broker_url=address), StorageSettings(data_dir=tmp_path))
        assert app.conf.broker_transport_options == REDIS_OPTIONS
        quick = REDIS_OPTIONS | {"socket_timeout": 0.5}  # as it is, but for the patience of a test
        app.conf.update(broker_transport_options=quick)
        began = time.monotonic()
        with pytest.raises(OperationalError):
            app.send_task(queue.RUN_JOB, args=["job"], queue=queue.JOBS_QUEUE)
        assert time.monotonic() - began < 10
