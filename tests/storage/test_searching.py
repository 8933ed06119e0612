"""Finding jobs by the words in their file's name and metadata."""

import pytest

from storage import jobs, listing
from storage.database import Database
from storage.jobs import Status, StoredFile
from tests.storage.records import OPTIONS, claim, submit


def found(database: Database, search: str) -> list[str]:
    return [job.video.filename for job in reversed(listing.page(database, search=search))]


def submit_file(database: Database, filename: str, **metadata: str) -> jobs.Job:
    video = StoredFile("uploads/x/video", 1000, "a" * 64, filename)
    return submit(database, video=video, options=OPTIONS | {"metadata": metadata})


@pytest.mark.parametrize(
    ("search", "files"),
    [
        ("harbour", ["Harbour_012.MOV", "b.mp4"]),
        ("HARBOUR", ["Harbour_012.MOV", "b.mp4"]),
        ("  harbour ", ["Harbour_012.MOV", "b.mp4"]),
        ("harbour 012", ["Harbour_012.MOV"]),
        ("012 harbour", ["Harbour_012.MOV"]),
        ("r_0", ["Harbour_012.MOV"]),
        ("100%", ["100% done.mp4"]),
        ("%", ["100% done.mp4"]),
        ("_", ["Harbour_012.MOV"]),
        ("/", ["a/b\\c.mp4"]),
        ("\\", ["a/b\\c.mp4"]),
        ("größe", ["GRÖSSE Größe.mp4"]),
        ("GRÖßE", ["GRÖSSE Größe.mp4"]),
        # as other systems write the same letters
        ("gro\u0308\u00dfe", ["GRÖSSE Größe.mp4"]),
        ("shot", []),
        ("job", []),
        ("job_", []),
        ("'; DROP TABLE jobs; --", []),
    ],
)
def test_a_search_finds_words_as_they_stand(database: Database, search: str, files: list[str]) -> None:
    submit_file(database, "Harbour_012.MOV")
    submit_file(database, "b.mp4", shot="the harbour", take="3")
    submit_file(database, "100% done.mp4")
    submit_file(database, "a/b\\c.mp4")
    submit_file(database, "GRÖSSE Größe.mp4")
    assert found(database, search) == files


def test_a_search_for_nothing_finds_everything(database: Database) -> None:
    submit_file(database, "a.mp4")
    submit_file(database, "")
    assert found(database, "") == found(database, "   ") == ["a.mp4", ""]


def test_a_job_is_found_by_the_beginning_of_its_id(database: Database) -> None:
    job, _ = submit_file(database, "a.mp4"), submit_file(database, "b.mp4")
    assert found(database, job.id) == found(database, job.id[:30].upper()) == ["a.mp4"]
    assert found(database, job.id[4:]) == []


def test_what_no_database_takes_as_text_hinders_no_job(database: Database) -> None:
    submit_file(database, "a.mp4", note="one\0two \ud800 three")
    assert found(database, "onetwo") == found(database, "three") == ["a.mp4"]


def test_pages_of_a_search_meet_without_gap(database: Database) -> None:
    wanted = []
    for number in range(9):
        job = submit_file(database, "yes.mp4" if number % 3 else "no.mp4")
        wanted += [job.id] if number % 3 else []
    pages: list[list[str]] = []
    before = None
    while not pages or len(pages[-1]) == 2:
        pages.append([job.id for job in listing.page(database, search="yes", before=before, limit=2)])
        before = pages[-1][-1] if pages[-1] else None
    assert [job_id for page in pages for job_id in page] == sorted(wanted, reverse=True)


def test_conditions_of_a_list_hold_together(database: Database) -> None:
    parent = submit_file(database, "a.mp4")
    running = claim(database, submit(database, refines=parent.id)).job
    submit(database, refines=parent.id)
    of_parent = listing.page(database, refines=parent.id)
    assert len(of_parent) == 2
    assert parent.id not in {job.id for job in of_parent}
    both = listing.page(database, refines=parent.id, status=Status.RUNNING, search="clip")
    assert [job.id for job in both] == [running.id]
