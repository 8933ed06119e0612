from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from storage import attempts, listing, turns
from storage.database import Database
from storage.jobs import Job, Priority
from tests.clock import Clock
from tests.storage.records import LEASE, stored, submit


def served(database: Database, clock: Clock, count: int) -> list[str]:
    """The ids that `count` claims get, one after the other."""
    found = []
    for _ in range(count):
        clock.pass_(seconds=1)
        attempt = attempts.claim_next(database, worker="one", lease=LEASE)
        assert attempt is not None
        found.append(attempt.job.id)
    return found


def several(database: Database, owner: str, count: int, priority: int = Priority.NORMAL) -> list[Job]:
    return [submit(database, owner=owner, priority=priority) for _ in range(count)]


def test_nothing_is_claimed_where_nothing_waits(database: Database) -> None:
    assert attempts.claim_next(database, worker="one", lease=LEASE) is None


def test_one_job_of_another_owner_does_not_wait_for_a_thousand(database: Database, clock: Clock) -> None:
    many = several(database, "many", 20, Priority.HIGH)
    first = served(database, clock, 1)
    (one,) = several(database, "one", 1, Priority.LOW)
    assert first + served(database, clock, 3) == [many[0].id, one.id, many[1].id, many[2].id]


def test_owners_take_turns(database: Database, clock: Clock) -> None:
    ids = {owner: [job.id for job in several(database, owner, 3)] for owner in ("a", "b", "c")}
    order = served(database, clock, 9)
    for turn in range(3):
        assert set(order[3 * turn : 3 * turn + 3]) == {ids[owner][turn] for owner in ids}


def test_the_more_urgent_then_the_older_comes_first(database: Database, clock: Clock) -> None:
    low, first, second, high = (
        submit(database, priority=priority)
        for priority in (Priority.LOW, Priority.NORMAL, Priority.NORMAL, Priority.HIGH)
    )
    assert served(database, clock, 4) == [high.id, first.id, second.id, low.id]


def test_a_job_past_its_deadline_has_no_turn(database: Database, clock: Clock) -> None:
    submit(database, deadline_at=clock.now + timedelta(seconds=5))
    later = submit(database)
    clock.pass_(seconds=6)
    assert served(database, clock, 1) == [later.id]


def test_the_position_is_the_number_of_claims_it_takes(database: Database, clock: Clock) -> None:
    waiting = several(database, "a", 4) + several(database, "b", 2) + several(database, "c", 1)
    waiting += several(database, "b", 1, Priority.HIGH)
    served(database, clock, 2)
    told = {
        job.id: position
        for job in waiting
        if (position := turns.queue_position(database, stored(database, job))) is not None
    }
    order = served(database, clock, len(told))
    # owners who were never served are all equally first: their order among each other is the database's
    assert [told[job_id] for job_id in order] == list(range(1, len(told) + 1))


def test_workers_that_claim_at_once_get_different_jobs(database: Database) -> None:
    ids = {job.id for owner in ("a", "b") for job in several(database, owner, 6)}

    def claim(number: int) -> str | None:
        attempt = attempts.claim_next(database, worker=str(number), lease=LEASE)
        return attempt.job.id if attempt else None

    with ThreadPoolExecutor(8) as pool:
        got = [job_id for job_id in pool.map(claim, range(12)) if job_id]
    assert len(got) == len(set(got)) == 12
    assert set(got) == ids


def test_a_page_of_jobs_has_the_positions_that_each_has_alone(database: Database, clock: Clock) -> None:
    for owner in ("a", "b", "c"):
        several(database, owner, 3)
    served(database, clock, 2)
    page = listing.page(database, limit=20)
    together = turns.queue_positions(database, page)
    alone = {job.id: turns.queue_position(database, job) for job in page}
    assert together == {job_id: position for job_id, position in alone.items() if position is not None}
    assert len(together) == 7


def test_whoever_has_not_been_served_for_long_is_forgotten(database: Database, clock: Clock) -> None:
    several(database, "a", 2)
    served(database, clock, 1)
    turns.forget(database, timedelta(days=7))
    several(database, "b", 1)
    clock.pass_(hours=24 * 8)
    served(database, clock, 1)
    turns.forget(database, timedelta(days=7))
    with database.read() as connection:
        known = set(connection.execute(turns.turns.select()).scalars())
    assert known == {"b"}
