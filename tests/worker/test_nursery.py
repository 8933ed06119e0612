"""A confined child can do nothing but compute; however it ends, that is told, and the next one works."""

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from worker import seccomp
from worker.channel import ChannelMisusedError
from worker.child import ConfinedBugError, ZygoteLostError
from worker.confinement import Limits
from worker.errors import InputError, KilledError
from worker.nursery import Nursery

LIMITS = Limits(memory_bytes=2 * 1024**3, cpu_seconds=20)

linux = pytest.mark.skipif(not seccomp.available(), reason="no system-call filter on this system")


@pytest.fixture(scope="module")
def bad() -> Iterator[Nursery]:
    """Children that misbehave as asked."""
    with Nursery("tests.worker.misbehaviour") as found:
        yield found


def last_word(
    nursery: Nursery,
    task: str,
    about: Any = None,
    limits: Limits = LIMITS,
    *,
    files: tuple[int, ...] = (),
    **more: Any,
) -> Any:
    with nursery.child(task, about or {}, limits, files=files, **more) as child:
        return child.hear()[0]["done"]


@linux
def test_a_child_can_do_nothing_but_compute_on_what_it_was_given(bad: Nursery, tmp_path: Path) -> None:
    secret, given = tmp_path / "secret", tmp_path / "given"
    secret.write_text("nobody may see this")
    given.write_text("you may see this")
    with socket.create_server(("127.0.0.1", 0)) as server, given.open("rb+") as file:
        about = {"port": server.getsockname()[1], "secret": str(secret), "folder": str(tmp_path)}
        found = last_word(bad, "attempts", about, files=(file.fileno(),))
    allowed = {attempt: end for attempt, end in found.items() if end == "done"}
    assert allowed == {}
    assert found["more memory"] == "MemoryError"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given", "secret"]
    assert given.read_text() == "you may see this"


def test_a_child_holds_no_secret_and_nothing_open_of_its_parents(
    bad: Nursery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with Nursery("tests.worker.misbehaviour") as fresh, (tmp_path / "open").open("wb"):
        assert last_word(fresh, "environment") == {"variables": {}, "held": 1}


@pytest.mark.parametrize(
    ("how", "why", "limits"),
    [
        ("crash", "crash", LIMITS),
        ("work for ever", "processor time", Limits(2 * 1024**3, cpu_seconds=1)),
        ("take all memory", "more memory", Limits(1536 * 1024**2, cpu_seconds=20)),
    ],
)
def test_what_kills_a_child_is_told_and_the_next_one_works(
    bad: Nursery, how: str, why: str, limits: Limits
) -> None:
    with pytest.raises(KilledError, match=why):
        last_word(bad, "end", {"how": how}, limits)
    assert last_word(bad, "end", {"how": "well"}) == {}


def test_a_child_that_the_system_kills_for_memory_is_told_as_such(bad: Nursery) -> None:
    with bad.child("wait", {}, LIMITS) as child:
        os.kill(child.hear()[0]["process"], signal.SIGKILL)
        with pytest.raises(KilledError, match="memory"):
            child.hear()


def test_a_child_that_says_nothing_is_given_up(bad: Nursery) -> None:
    limits: list[dict[str, Any]] = [{"deadline": time.monotonic() + 0.3}, {"stall_seconds": 0.3}]
    for limit in limits:
        with pytest.raises(KilledError, match="more time"):
            last_word(bad, "end", {"how": "sleep"}, **limit)


def test_whoever_waits_may_stop_waiting_and_the_child_is_gone(bad: Nursery) -> None:
    class StopError(Exception):
        pass

    def stop() -> None:
        raise StopError

    with bad.child("wait", {}, LIMITS) as child:
        process = child.hear()[0]["process"]
        with pytest.raises(StopError):
            child.hear(waiting=stop)
    assert ends(process)


def test_a_refusal_comes_as_itself_and_a_bug_with_its_traceback(bad: Nursery) -> None:
    with pytest.raises(InputError, match="This is a sentence") as refused:
        last_word(bad, "end", {"how": "be refused"})
    assert refused.value.code == "clip_odd"
    with pytest.raises(ConfinedBugError, match=r"(?s)misbehaviour.py.*ValueError: a bug of ours"):
        last_word(bad, "end", {"how": "fail"})
    with pytest.raises(ConfinedBugError, match="ended with 3"):
        last_word(bad, "end", {"how": "exit"})


def test_a_child_cannot_make_its_parent_take_more_than_it_waits_for(bad: Nursery) -> None:
    for lie in ({"said": 0, "bytes": 1001}, {"said": 300_000, "bytes": 0}):
        with bad.child("lie", lie, LIMITS) as child, pytest.raises(ChannelMisusedError):
            child.hear(1000)


def test_a_zygote_that_dies_is_told_as_a_failure_of_ours_and_replaced() -> None:
    with Nursery("tests.worker.misbehaviour") as nursery:
        with nursery.child("wait", {}, LIMITS) as child:
            process = child.hear()[0]["process"]
            nursery.kill()
            with pytest.raises(ZygoteLostError):
                child.hear()
        if sys.platform == "linux":
            assert ends(process)
        assert last_word(nursery, "end", {"how": "well"}) == {}


def test_a_zygote_that_cannot_start_is_a_failure_of_ours() -> None:
    with Nursery("tests.worker.absent") as nursery, pytest.raises(ZygoteLostError):
        last_word(nursery, "end")


def test_children_end_with_their_nursery() -> None:
    with Nursery("tests.worker.misbehaviour") as nursery:
        child = nursery.child("wait", {}, LIMITS)
        process = child.hear()[0]["process"]
    assert ends(process)
    child.close()


def test_many_children_at_once_do_not_mix(bad: Nursery) -> None:
    children = [bad.child("wait", {}, LIMITS) for _ in range(8)]
    assert len({child.hear()[0]["process"] for child in children}) == 8
    for child in children:
        child.close()
    assert last_word(bad, "end", {"how": "well"}) == {}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_has_a_length_the_kernel_takes_and_returns_at_its_end(machine: str) -> None:
    program = seccomp.compiled(machine)
    assert len(program) % 8 == 0
    assert len(program) // 8 < 256  # jumps are one byte
    assert program[-8:-6] == b"\x06\x00"


def ends(process: int) -> bool:
    """Whether the process is gone within some seconds."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.01)
    return False
