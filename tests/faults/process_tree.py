"""What Linux tells of processes: who was started by whom, and for which campaign."""

from collections.abc import Iterable
from pathlib import Path


def children(pid: int) -> list[int]:
    """The direct children of a process; none if it is gone."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []
    found: list[int] = []
    for thread in threads:
        try:
            found += [int(child) for child in (thread / "children").read_text().split()]
        except OSError:
            continue
    return found


def strays(mark: str, roots: Iterable[int]) -> list[str]:
    """Command lines of the processes with `mark` in their environment that none of `roots` has started."""
    known, unseen = set[int](), list(roots)
    while unseen:
        pid = unseen.pop()
        known.add(pid)
        unseen += children(pid)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            marked = mark.encode() in (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        # a zombie has no command line, and somebody else to bury it
        if marked and command and int(folder.name) not in known:
            found.append(f"{folder.name}: {command.strip()}")
    return found
