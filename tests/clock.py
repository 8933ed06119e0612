"""A clock that tests move by hand."""

from datetime import UTC, datetime, timedelta


class Clock:
    """Call it for the time; `pass_` to let time pass."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **by: float) -> None:
        self.now += timedelta(**by)
