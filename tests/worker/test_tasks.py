"""How attempts end that go wrong."""

import pytest
import torch

from storage.database import Database
from storage.jobs import Status
from tests.storage.records import claim, submit
from worker import tasks
from worker.errors import DeviceFailedError, InputError
from worker.fulfilment import device_failures


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (DeviceFailedError(spoilt=True), Status.QUEUED, None),
        (OSError("no space left"), Status.QUEUED, None),
        (InputError("clip_corrupt", "It is."), Status.FAILED, "clip_corrupt"),
        (ZeroDivisionError(), Status.FAILED, "internal_error"),
    ],
)
def test_what_another_machine_may_not_meet_is_tried_again(
    database: Database, failure: Exception, status: Status, code: str | None
) -> None:
    attempt = claim(database, submit(database))
    job = tasks.ending_of(failure, database, attempt)()
    assert (job.status, job.error_code) == (status, code)


@pytest.mark.parametrize(("raised", "spoilt"), [("OutOfMemoryError", False), ("AcceleratorError", True)])
def test_pytorchs_own_errors_are_the_devices(raised: str, spoilt: bool) -> None:
    with pytest.raises(DeviceFailedError) as told, device_failures():
        raise getattr(torch, raised)("CUDA error: an illegal memory access was encountered")
    assert told.value.spoilt is spoilt
