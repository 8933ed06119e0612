"""What is said to a store that speaks S3, and what its answers mean."""

from datetime import timedelta

import httpx
import pytest

from storage.errors import PartsChangedError
from storage.objects import Objects
from storage.uploads import StoredPart

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("objects_kind", ["moto"])
def test_a_part_that_was_replaced_since_it_was_listed_is_no_failure_of_the_store(objects: Objects) -> None:
    s3 = objects.s3
    assert s3 is not None
    upload_id = s3.begin("incoming/upl_1/file")
    address = s3.sign_part("incoming/upl_1/file", upload_id, StoredPart(1, 5), HOUR)
    assert httpx.put(address, content=b"first").is_success
    listed = s3.arrived("incoming/upl_1/file", upload_id)
    assert httpx.put(address, content=b"other").is_success
    with pytest.raises(PartsChangedError):
        s3.finish("incoming/upl_1/file", upload_id, listed)
