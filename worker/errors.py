"""What can go wrong in the worker, by whose fault it is."""


class InputError(Exception):
    """Something is wrong with what the caller sent; `code` is stable, `detail` says what to do about it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class InterruptedWorkError(Exception):
    """The work must stop here; it is nobody's fault."""


class CanceledError(InterruptedWorkError):
    """The caller asked to cancel."""


class HandedBackError(InterruptedWorkError):
    """This worker was told to stop; another one will run the job."""


class DeadlineExceededError(InterruptedWorkError):
    """The job's deadline passed while it ran."""
