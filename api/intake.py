"""Takes the bytes of an upload that come to the API itself: one part, or the whole file."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from anyio import CancelScope
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from api import completion
from api.bodies import allow_body
from api.dependencies import Services
from api.errors import bad_request, conflict, not_found, too_large, unprocessable
from api.multipart import INCOMPLETE
from api.waiting import to_its_end
from storage import uploads
from storage.keys import part_key
from storage.parts import parts_of
from storage.streams import ObjectWriter
from storage.uploads import Upload, UploadStatus

# a body that is too long is refused by us, who know what it should have been
SPARE_BYTES = 1024**2


async def take_part(request: Request, given: Services, upload: Upload, number: int) -> None:
    """Store one part. It replaces an earlier one of its number."""
    if not 1 <= number <= upload.part_count:
        raise not_found("part_not_found", f"The upload has the parts 1 to {upload.part_count}.")
    if upload.multipart_id is not None:
        detail = "PUT this part to its signed address, which GET /v1/uploads/{id}/parts tells."
        raise conflict("part_goes_to_store", detail)
    if upload.status is UploadStatus.COMPLETE:
        raise completion.completed()
    if upload.status is UploadStatus.COMPLETING:
        raise completion.completing()
    # what counts is the digest of the whole
    writer = given.objects.writer(part_key(upload.id, number), hashes=False)
    await _store(request, writer, upload.bytes_of_part(number), _nothing)


async def _nothing() -> None:
    """No hold has to be renewed."""


async def take_whole(request: Request, given: Services, upload: Upload) -> Upload:
    """Store the whole file from one request, and complete the upload."""
    taken: list[Upload] = []
    try:
        await to_its_end(lambda: taken.append(completion.hold(given, upload)))
        return await _take_held(request, given, taken[0])
    except BaseException:
        # also when the request's task is being canceled
        with CancelScope(shield=True), suppress(Exception):
            for held in taken:
                await run_in_threadpool(uploads.release, given.database, held)
        raise


async def _take_held(request: Request, given: Services, held: Upload) -> Upload:
    if held.status is UploadStatus.COMPLETE:
        raise completion.completed()
    renewal = completion.Renewal(given, held)

    async def on_chunk() -> None:
        if renewal.is_due:
            await run_in_threadpool(renewal.renew)

    writer = given.objects.writer(held.object_key)
    await _store(request, writer, held.bytes, on_chunk)
    await run_in_threadpool(parts_of(given.objects).remove_parts, held)
    return await run_in_threadpool(completion.record, given, held, writer.sha256)


async def _store(
    request: Request, writer: ObjectWriter, size: int, on_chunk: Callable[[], Awaitable[None]]
) -> None:
    """Store a body that must have exactly so many bytes."""
    allow_body(request, size + SPARE_BYTES)
    async with writer:
        async for chunk in _body(request):
            if writer.bytes + len(chunk) > size:
                raise too_large("part_too_large", f"The body is longer than {size:,} bytes. Send no more.")
            await writer.write(chunk)
            await on_chunk()
        if writer.bytes != size:
            detail = f"The body has {writer.bytes:,} bytes, not {size:,}. Send it again, whole."
            raise unprocessable("part_too_short", detail)


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as error:
        raise bad_request("body_incomplete", INCOMPLETE) from error
