"""What S3 can and obstore cannot: sign the parts of an upload, and see to unfinished ones (boto3)."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Any, Final
from urllib.parse import urlsplit

import boto3
import structlog
from anyio import to_thread
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from storage import passing_on
from storage.errors import MultipartMissingError, ObjectsUnavailableError, PartsChangedError
from storage.stores import S3Settings
from storage.uploads import StoredPart

log = structlog.get_logger(__name__)

# A store that puts 2 GiB together may be silent for as long.
READ_TIMEOUT_SECONDS = 120
CONNECT_TIMEOUT_SECONDS = 3
ATTEMPTS = 4

# A store looks at it when the part begins.
PASSED_ON_FOR = timedelta(minutes=5)

# A store that has not implemented something (501) will not do so by being asked again.
_PASSING = frozenset({429, 500, 502, 503, 504})

# A page anywhere may send parts and fetch results: the signature is what lets it.
BROWSERS: Final = {
    "CORSRules": [
        {
            "AllowedMethods": ["GET", "HEAD", "PUT"],
            "AllowedOrigins": ["*"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag", "Content-Range", "Accept-Ranges"],
            "MaxAgeSeconds": 3600,
        }
    ]
}


class S3:
    """One bucket, as we reach it and as those outside do."""

    def __init__(self, address: str, *, public_url: str = "") -> None:
        url = urlsplit(address)
        self._bucket = url.netloc
        self._folder = f"{url.path.strip('/')}/".lstrip("/")
        self._settings = S3Settings()
        self._public_url = public_url

    @cached_property
    def _inside(self) -> Any:
        return _client(self._settings.endpoint, self._settings.region)

    @cached_property
    def _outside(self) -> Any:
        return _client(self._public_url or self._settings.endpoint, self._settings.region)

    def let_browsers_in(self) -> None:
        """Allow requests from web pages; a store that cannot be told so may allow them anyway."""
        try:
            with _converted():
                self._inside.put_bucket_cors(Bucket=self._bucket, CORSConfiguration=BROWSERS)
        except (ClientError, ObjectsUnavailableError) as error:
            log.info("the object store was not told to let browsers in", reason=str(error))

    def sign_read(self, key: str, lifetime: timedelta, *, method: str, name: str, media_type: str) -> str:
        """A public address of an object."""
        answers = {}
        if name:
            answers["ResponseContentDisposition"] = f'inline; filename="{name}"'
        if media_type:
            answers["ResponseContentType"] = media_type
        call = "head_object" if method == "HEAD" else "get_object"
        return self._sign(call, self._named(key) | answers, lifetime)

    def sign_part(self, key: str, upload_id: str, part: StoredPart, lifetime: timedelta) -> str:
        """A public address that takes one part: of this length, where the store looks at what was signed."""
        return self._sign_part(self._outside, key, upload_id, part, lifetime)

    async def put_part(self, key: str, upload_id: str, part: StoredPart, body: AsyncIterator[bytes]) -> None:
        """Pass a part on, as it arrives. What `body` raises comes through. Raises MultipartMissingError."""
        # not by boto3, which reads a body twice where the store has no https
        address = await to_thread.run_sync(self._sign_part, self._inside, key, upload_id, part, PASSED_ON_FOR)
        await passing_on.put(address, part.bytes, body)

    def _sign_part(self, client: Any, key: str, upload_id: str, part: StoredPart, lifetime: timedelta) -> str:
        # AWS, SeaweedFS and rclone refuse another length than the signed one; completion looks again
        wanted = {"UploadId": upload_id, "PartNumber": part.number, "ContentLength": part.bytes}
        return self._sign("upload_part", self._named(key) | wanted, lifetime, client)

    def _sign(self, call: str, parameters: Mapping[str, Any], lifetime: timedelta, client: Any = None) -> str:
        with _converted():
            address: str = (client or self._outside).generate_presigned_url(
                call, Params=parameters, ExpiresIn=int(lifetime.total_seconds())
            )
        return address

    def begin(self, key: str) -> str:
        """The id of a new multipart upload."""
        with _converted():
            upload_id: str = self._inside.create_multipart_upload(**self._named(key))["UploadId"]
        return upload_id

    def arrived(self, key: str, upload_id: str) -> list[StoredPart]:
        """The parts that are there. Raises MultipartMissingError once the upload has ended, in whichever way."""
        with _converted():
            return [
                StoredPart(part["PartNumber"], part["Size"], part["ETag"])
                for part in self._parts(key, upload_id)
            ]

    def finish(self, key: str, upload_id: str, parts: list[StoredPart]) -> None:
        """Make an object of the parts. Raises MultipartMissingError as `arrived` does, and PartsChangedError."""
        listed = [{"PartNumber": part.number, "ETag": part.tag} for part in parts]
        with _converted():
            self._inside.complete_multipart_upload(
                **self._named(key), UploadId=upload_id, MultipartUpload={"Parts": listed}
            )

    def abort(self, key: str, upload_id: str) -> None:
        """End an upload and remove its parts; one that has ended already is no error."""
        try:
            with _converted():
                self._inside.abort_multipart_upload(**self._named(key), UploadId=upload_id)
        except MultipartMissingError:
            return

    def unfinished(
        self, before: datetime, kept: Callable[[str], bool] = lambda _key: False
    ) -> Iterator[tuple[str, str]]:
        """Key and id of each upload in which nothing has arrived since, but for those of keys that are `kept`."""
        for upload in self._begun():
            key, upload_id = upload["Key"].removeprefix(self._folder), upload["UploadId"]
            # the store is asked for the parts of few: there may be many thousands
            if upload["Initiated"] >= before or kept(key):
                continue
            if self._newest_part(key, upload_id, before) <= before:
                yield key, upload_id

    def _begun(self) -> Iterator[dict[str, Any]]:
        """All multipart uploads that have not ended, a page at a time."""
        asked = {"Bucket": self._bucket, "Prefix": self._folder}
        pages = iter(self._inside.get_paginator("list_multipart_uploads").paginate(**asked))
        page: dict[str, Any] | None = {}
        while page is not None:
            yield from page.get("Uploads", ())
            try:
                with _converted():
                    page = next(pages, None)
            except MultipartMissingError:
                return  # so rclone says that there are none
            except ClientError as error:
                log.warning("the object store does not list unfinished uploads", reason=str(error))
                return

    def _newest_part(self, key: str, upload_id: str, otherwise: datetime) -> datetime:
        try:
            with _converted():
                changes = [part["LastModified"] for part in self._parts(key, upload_id)]
        except MultipartMissingError:
            return otherwise
        return max(changes, default=otherwise)

    def _parts(self, key: str, upload_id: str) -> Iterator[dict[str, Any]]:
        pages = self._inside.get_paginator("list_parts").paginate(**self._named(key), UploadId=upload_id)
        for page in pages:
            yield from page.get("Parts", ())

    def _named(self, key: str) -> dict[str, Any]:
        return {"Bucket": self._bucket, "Key": self._folder + key}


@cache
def _client(endpoint: str, region: str) -> Any:
    """Made once a process: it takes a good part of a second, and all threads may share it."""
    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=region,
        config=Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"} if endpoint else {},
            connect_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            # else what is signed names a checksum that whoever sends the part does not know
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


@contextmanager
def _converted() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = error.response.get("Error", {}).get("Code")
        if code == "NoSuchUpload":
            raise MultipartMissingError(str(error)) from error
        if code == "InvalidPart":
            raise PartsChangedError(str(error)) from error
        if status in _PASSING:
            raise ObjectsUnavailableError(str(error)) from error
        raise
    except BotoCoreError as error:
        raise ObjectsUnavailableError(str(error)) from error
