"""What can go wrong in storage, as names that callers may act on."""


class StorageError(Exception):
    """Something about records or objects that the caller must handle."""


class LeaseLostError(StorageError):
    """The attempt no longer owns its job: its lease ran out or the job has ended. It may change nothing."""


class ObjectMissingError(StorageError):
    """The object is not in the store."""


class IdempotencyLostError(StorageError):
    """The request paused for so long that another one took its idempotency key."""


class UnavailableError(StorageError):
    """What records or objects are kept in does not answer just now; the same call may succeed later."""


class DatabaseUnavailableError(UnavailableError):
    """The database cannot be reached, or broke off."""


class TooManySecretsError(StorageError):
    """The owner has rotated its webhook secret so often that older ones must retire first."""


class BucketMissingError(StorageError):
    """The bucket is not there, and the store would not make it."""

    def __init__(self, bucket: str, status: int) -> None:
        super().__init__(
            f"The bucket {bucket} is not there, and the object store answered {status} when asked to make it. "
            "Make it by hand, or give the key the right to."
        )
