"""What can go wrong in the worker, by whose fault it is."""


class InputError(Exception):
    """Something is wrong with what the caller sent; `code` is stable, `detail` says what to do about it."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class MediaMismatch(Exception):  # noqa: N818 -- it says what was found; "Error" adds nothing
    """A result does not match its clip. This is our failure, never the caller's."""


class KilledError(Exception):
    """A confined process was ended by what it read; `why` says by what, after "It "."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class DeviceFailedError(Exception):
    """The GPU ran out of memory, or failed: of this machine, not of the job, which another attempt may carry out."""

    def __init__(self, *, spoilt: bool) -> None:
        super().__init__("the device failed" if spoilt else "the device has too little memory")
        self.spoilt = spoilt
        """Whether nothing on the device works any more in this process."""


class InterruptedWorkError(Exception):
    """The work must stop here; it is nobody's fault."""


class CanceledError(InterruptedWorkError):
    """The caller asked to cancel."""


class HandedBackError(InterruptedWorkError):
    """This worker was told to stop; another one will run the job."""


class DeadlineExceededError(InterruptedWorkError):
    """The job's deadline passed while it ran."""


class AddressDeniedError(Exception):
    """A receiver's name leads to an address that webhooks are not sent to."""

    def __init__(self, host: str) -> None:
        super().__init__(
            f"{host} leads to no address that webhooks are sent to: to none, or to one that is private, local or "
            "reserved; give a name that is on the public internet"
        )
