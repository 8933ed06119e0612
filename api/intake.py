"""Takes the bytes of an upload that come to the API itself: one part, or the whole file."""

from collections.abc import AsyncIterator
from contextlib import suppress

from anyio import CancelScope
from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from api import completion
from api.bodies import allow_body
from api.dependencies import Services
from api.errors import ApiError, bad_request, not_found, too_large, unprocessable
from api.multipart import INCOMPLETE
from api.waiting import to_its_end
from storage import uploads
from storage.errors import MultipartMissingError
from storage.parts import parts_of
from storage.uploads import Upload, UploadStatus

# a body that is too long is refused by us, who know what it should have been
SPARE_BYTES = 1024**2


async def take_part(request: Request, given: Services, upload: Upload, number: int) -> None:
    """Store one part. It replaces an earlier one of its number."""
    if not 1 <= number <= upload.part_count:
        raise not_found("part_not_found", f"The upload has the parts 1 to {upload.part_count}.")
    if upload.status is not UploadStatus.OPEN:
        raise _closed(upload)
    body = _exactly(request, upload.bytes_of_part(number))
    try:
        await parts_of(given.objects).take(upload, number, body)
    except MultipartMissingError as error:
        now = await run_in_threadpool(uploads.get, given.database, upload.owner, upload.id)
        raise _closed(now) from error


def _closed(upload: Upload | None) -> ApiError:
    """Why an upload takes no part. One that is open has been dropped by the store."""
    match upload.status if upload else None:
        case UploadStatus.COMPLETE:
            return completion.completed()
        case UploadStatus.COMPLETING:
            return completion.completing()
        case _:
            return completion.expired()


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
    async with writer:
        async for chunk in _exactly(request, held.bytes):
            await writer.write(chunk)
            await on_chunk()
    await run_in_threadpool(parts_of(given.objects).remove_parts, held)
    return await run_in_threadpool(completion.record, given, held, writer.sha256)


async def _exactly(request: Request, size: int) -> AsyncIterator[bytes]:
    """A body that must have exactly so many bytes, as it arrives.

    Each piece is held back until the next is there: who is given the last one knows that it was right.
    """
    allow_body(request, size + SPARE_BYTES)
    arrived, last = 0, b""
    async for chunk in _body(request):
        arrived += len(chunk)
        if arrived > size:
            raise too_large("part_too_large", f"The body is longer than {size:,} bytes. Send no more.")
        if last and chunk:
            yield last
        last = chunk or last
    if arrived != size:
        detail = f"The body has {arrived:,} bytes, not {size:,}. Send it again, whole."
        raise unprocessable("part_too_short", detail)
    yield last


async def _body(request: Request) -> AsyncIterator[bytes]:
    try:
        async for chunk in request.stream():
            yield chunk
    except ClientDisconnect as error:
        raise bad_request("body_incomplete", INCOMPLETE) from error
