"""The bucket of an `s3://` address, made where it is missing: a new installation's store is empty."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import obstore
import obstore.exceptions
from obstore.store import from_url

from storage.errors import BucketMissingError

SIGNED_FOR = timedelta(minutes=1)


def make_bucket(address: str) -> bool:
    """Whether the bucket was made; it is left alone where it is there, and where the store is not S3."""
    url = urlsplit(address)
    if url.scheme != "s3":
        return False
    store: Any = from_url(f"s3://{url.netloc}")
    try:
        next(iter(obstore.list(store, "probe/")), None)
    except obstore.exceptions.BaseError as error:
        if "NoSuchBucket" not in str(error):
            raise
    else:
        return False
    # obstore makes no buckets, but what it signs for the empty key is the bucket's own address
    answer = httpx.put(obstore.sign(store, "PUT", "", SIGNED_FOR), timeout=30)
    # 409: another process was first
    if not (answer.is_success or answer.status_code == httpx.codes.CONFLICT):
        raise BucketMissingError(url.netloc, answer.status_code)
    return answer.is_success
