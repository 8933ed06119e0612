"""A worker's metrics: written by its children, added up and served by its main process."""

import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.services.server import ROOT, free_port

# A main process with a child that counts and is killed, and one that counts and lives.
FAMILY = """
import os, signal, sys, time
from worker import exposition, metrics

def child(frames):
    process_id = os.fork()
    if process_id == 0:
        metrics.FRAMES.inc(frames)
        metrics.RESIDENT_MEMORY.set(frames * 1000)
        os.write(1, b"counted\\n")
        time.sleep(60)
        os._exit(0)
    return process_id

killed, living = child(3), child(4)
input()
os.kill(killed, signal.SIGKILL)
os.waitpid(killed, 0)
exposition.serve()
input()
os.kill(living, signal.SIGKILL)
"""


def test_counts_outlive_the_child_that_made_them_and_gauges_do_not(tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "rotomill-metrics-999999999").mkdir()
    environment = os.environ | {"ROTOMILL_METRICS_PORT": str(port), "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", FAMILY],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == ["counted\n"] * 2
        process.stdin.write("\n")
        process.stdin.flush()
        transport = httpx.HTTPTransport(retries=5)
        with httpx.Client(transport=transport, timeout=10) as http:
            served = http.get(f"http://127.0.0.1:{port}/metrics").text
        folders = [path.name for path in tmp_path.iterdir()]
        process.stdin.write("\n")
    assert "rotomill_frames_segmented_total 7.0" in served
    assert "rotomill_worker_resident_memory_bytes 4000.0" in served
    assert "rotomill_workers_lost_total 0.0" in served
    assert folders == [f"rotomill-metrics-{process.pid}"], "another's that was killed goes, at the start"
    assert list(tmp_path.iterdir()) == [], "and its own at the end"


def test_without_a_port_nothing_is_written(tmp_path: Path) -> None:
    environment = os.environ | {"ROTOMILL_METRICS_PORT": "0", "TMPDIR": str(tmp_path)}
    code = "from worker import metrics; metrics.FRAMES.inc(); print(metrics.FOLDER)"
    command = [sys.executable, "-c", code]
    printed = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert printed.stdout == "None\n"
    assert list(tmp_path.iterdir()) == []
