"""Numbers and states as people read them, the same in every display."""

from __future__ import annotations

from rotomill.jobs import Job

_MINUTE_SECONDS, _HOUR_SECONDS = 60, 3600


def duration(seconds: float) -> str:
    """0.42 s, 7.3 s, 1 min 35 s, 2 h 05 min."""
    if seconds < 1:
        return f"{seconds:.2f} s"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < _MINUTE_SECONDS:
        return f"{whole} s"
    if whole < _HOUR_SECONDS:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def remaining(seconds: float) -> str:
    """An estimate, in whole seconds: a tenth of a second would promise too much."""
    whole = max(0, round(seconds))
    return f"{f'{whole} s' if whole < _MINUTE_SECONDS else duration(whole)} left"


def size(count: int) -> str:
    """512 B, 3.4 kB, 12.0 MB: powers of 1000, as disks and browsers count."""
    value = float(count)
    for unit in ("B", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def ordinal(number: int) -> str:
    """1st, 2nd, 3rd, 4th, 11th, 21st."""
    suffix = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{suffix}"


def stage(name: str) -> str:
    """fine_tuning as people write it: fine-tuning."""
    return name.replace("_", "-")


def state(job: Job) -> str:
    """What a job does now: its stage while it runs, its place while it waits, else its status."""
    if job.status == "queued" and job.queue_position:
        return f"queued, {ordinal(job.queue_position)} in line"
    if job.status == "running":
        again = f", attempt {job.attempt}" if job.attempt > 1 else ""
        return stage(job.stage or "running") + again
    return job.status
