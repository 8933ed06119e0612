"""The words that a job is found by: its file's name and its metadata's values."""

import unicodedata
from collections.abc import Iterable

import sqlalchemy as sa

from storage.jobs import Job, jobs

ID_PREFIX = "job_"


def searchable(job: Job) -> str:
    """What is stored of a job to be searched, a line for each of its words."""
    return as_searched([job.video.filename, *job.options.get("metadata", {}).values()])


def as_searched(texts: Iterable[str]) -> str:
    """The same letters whichever way they were written; without those that no database takes."""
    joined = "\n".join(text for text in texts if text)
    storable = joined.replace("\0", "").encode(errors="ignore").decode()
    return unicodedata.normalize("NFC", storable.lower())


def matches(search: str) -> sa.ColumnElement[bool]:
    """Whether a job has each of the words that are searched for, or an id that begins with it."""
    return sa.and_(sa.true(), *(_has(word) for word in as_searched([search]).split()))


def _has(word: str) -> sa.ColumnElement[bool]:
    found = jobs.c.searchable.contains(word, autoescape=True)
    # all ids begin like this: who writes no more means a name
    if not word.startswith(ID_PREFIX) or word == ID_PREFIX:
        return found
    return sa.or_(found, jobs.c.id.startswith(word, autoescape=True))
