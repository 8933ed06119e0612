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


class ObjectsUnavailableError(UnavailableError):
    """The object store cannot be reached, or refuses for now."""


class MultipartMissingError(StorageError):
    """The store knows no such upload in parts (any more): it was finished, aborted or swept."""


class PartsChangedError(StorageError):
    """A part that was named is not the one that is there (any more)."""


class TooManySecretsError(StorageError):
    """The owner has rotated its webhook secret so often that older ones must retire first."""


class LimitReachedError(StorageError):
    """One more would be more than the owner may have: of what, how many it may have, and when there will be room."""

    def __init__(self, what: str, most: int, wait_seconds: int | None = None) -> None:
        super().__init__(f"{what}: {most}")
        self.what = what
        self.most = most
        self.wait_seconds = wait_seconds


class BucketMissingError(StorageError):
    """The bucket is not there, and the store would not make it."""

    def __init__(self, bucket: str, status: int) -> None:
        super().__init__(
            f"The bucket {bucket} is not there, and the object store answered {status} when asked to make it. "
            "Make it by hand, or give the key the right to."
        )
