"""What Linux tells of processes: children, and whether one is stopped."""

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
