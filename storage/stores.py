"""How obstore is opened, how long it tries, and what its errors are called here."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import obstore.exceptions
from obstore.store import from_url
from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage.errors import ObjectMissingError, ObjectsUnavailableError

CONNECT_TIMEOUT = timedelta(seconds=3)

# A store that sends nothing for so long has hung. Chunks are small, so that this bounds no transfer; but some stores
# (rclone) read an object of 2 GiB through for its ETag before they answer a HEAD.
SILENCE = timedelta(seconds=60)

# A store may copy 2 GiB before it says anything.
COPY_SILENCE = timedelta(minutes=5)

# obstore would end any request after 30 s, the download of a long clip too.
WHOLE_REQUEST = timedelta(hours=6)

_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(milliseconds=100), timedelta(seconds=3)
_MOST_RETRIES = 30


class S3Settings(BaseSettings):
    """The variables that every S3 client reads; the keys are left to those who sign."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    endpoint: str = Field(
        default="",
        validation_alias=AliasChoices("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    )
    region: str = Field(
        default="us-east-1", validation_alias=AliasChoices("AWS_REGION", "AWS_DEFAULT_REGION")
    )


def is_s3(address: str) -> bool:
    return address.startswith("s3://")


def is_local(address: str) -> bool:
    return address.startswith("file://")


def open_store(address: str, *, patience: timedelta, silence: timedelta = SILENCE) -> Any:
    """Obstore's store of an address. It repeats what fails for `patience`, and calls `silence` a failure."""
    if is_local(address):
        return from_url(address, mkdir=True, automatic_cleanup=True)
    options: dict[str, Any] = {
        "retry_config": {
            "max_retries": _MOST_RETRIES if patience else 0,
            "retry_timeout": patience,
            "backoff": {"init_backoff": _FIRST_PAUSE, "max_backoff": _LONGEST_PAUSE, "base": 2},
        },
        "client_options": {
            "connect_timeout": CONNECT_TIMEOUT,
            "read_timeout": silence,
            "timeout": WHOLE_REQUEST,
        },
    }
    if is_s3(address):
        settings = S3Settings()
        options["region"] = settings.region
        if settings.endpoint:
            # by path: a store of one's own seldom has a name for each bucket
            options |= {"endpoint": settings.endpoint.rstrip("/"), "virtual_hosted_style_request": False}
            options["client_options"]["allow_http"] = settings.endpoint.startswith("http://")
    return from_url(address, **options)


@contextmanager
def converted(key: str = "") -> Iterator[None]:
    """Calls obstore's errors by the names that callers act on."""
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissingError(key) from error
    except obstore.exceptions.GenericError as error:
        raise ObjectsUnavailableError(str(error).splitlines()[0]) from error


@contextmanager
def converted_stream(key: str) -> Iterator[None]:
    """The same for obstore's readers and writers, which turn what befalls them into OSError."""
    try:
        with converted(key):
            yield
    except OSError as error:
        raise ObjectsUnavailableError(str(error).splitlines()[0]) from error


@contextmanager
def converted_write(key: str) -> Iterator[None]:
    """The same for writes. The store may end an upload and its answer be lost; asked again, it knows none."""
    try:
        with converted(key):
            yield
    except ObjectMissingError as error:
        raise ObjectsUnavailableError(f"the store lost an upload of {key}") from error
