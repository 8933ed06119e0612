"""The calls about uploads: begin, send, complete, look, remove."""

import re
from http import HTTPStatus
from typing import Annotated, Any

import anyio
from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from api import completion, idempotency, intake, json_body, transfers
from api.dependencies import Given, Services, base_url
from api.openapi import BODY_OF_FILE, PROBLEMS
from api.security import Authenticated
from api.transfers import Asked
from api.upload_schemas import CompletionIn, PartPage, Through, UploadIn, UploadOut
from storage.uploads import Upload, UploadStatus

router = APIRouter(prefix="/v1/uploads", tags=["uploads"])

MAX_PAGE = 1000

# Completing reads the whole file: what is more than a disk and two cores can do waits.
_completions = anyio.CapacityLimiter(4)

UPLOAD_ID = re.compile(r"upl_[0-9a-f]{32}")


def existing_upload(upload_id: str, given: Given, caller: Authenticated) -> Upload:
    """The caller's upload of this id."""
    if not UPLOAD_ID.fullmatch(upload_id):
        raise transfers.not_there()
    return transfers.existing(given, caller, upload_id)


Existing = Annotated[Upload, Depends(existing_upload)]


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    return {status: PROBLEMS[status] for status in statuses}


def view(given: Services, upload: Upload) -> dict[str, Any]:
    """The upload's public JSON."""
    parts = [] if upload.status is UploadStatus.COMPLETE else transfers.arrived(given, upload)
    shown = {name: getattr(upload, name) for name in UploadOut.model_fields if name != "arrived"}
    return shown | {"arrived": [part.number for part in parts]}


@router.post(
    "",
    status_code=HTTPStatus.CREATED,
    response_model=UploadOut,
    openapi_extra=json_body.documented(UploadIn),
    responses=_problems(400, 409, 413, 422),
)
def begin_upload(
    body: Annotated[UploadIn, Depends(json_body.sent(UploadIn))],
    response: Response,
    given: Given,
    caller: Authenticated,
    idempotency_key: Annotated[
        str | None,
        Header(description="Sent again with the same file, it gets the same upload, to go on with."),
    ] = None,
) -> dict[str, Any]:
    """Begin to send a file, in parts that may come in any order and again.

    `GET …/parts` tells where they go: straight to the object store where it can sign for them.
    """
    asked = Asked(body.filename, body.bytes, idempotency.parse_key(idempotency_key))
    upload, is_new = transfers.begin(given, caller, asked)
    response.headers["Location"] = f"/v1/uploads/{upload.id}"
    if not is_new:
        response.headers["Idempotent-Replayed"] = "true"
    return view(given, upload)


@router.get("/{upload_id}", response_model=UploadOut, responses=_problems(404, 410))
def show_upload(upload: Existing, given: Given) -> dict[str, Any]:
    """An upload as it stands, with the parts that have arrived: all that is needed to go on with it."""
    return view(given, upload)


@router.get("/{upload_id}/parts", response_model=PartPage, responses=_problems(404, 409, 410, 422))
def list_parts(
    upload: Existing,
    request: Request,
    given: Given,
    first: Annotated[int, Query(alias="from", ge=1, le=10_000, description="Number of the first part.")] = 1,
    count: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 100,
    through: Annotated[
        Through, Query(description="`api`: addresses of the API itself, for who may reach no other origin.")
    ] = Through.STORE,
) -> dict[str, Any]:
    """Where to PUT the parts: to the store itself where it can sign for them, or through the API."""
    ours = f"{base_url(request, given.settings)}/v1/uploads/{upload.id}/parts"
    parts = [
        {
            "number": number,
            "bytes": upload.bytes_of_part(number),
            "url": signed or f"{ours}/{number}",
            "signed": signed is not None,
        }
        for number, signed in transfers.addresses(
            given, upload, first, count, signed=through is Through.STORE
        )
    ]
    following = first + len(parts)
    return {"parts": parts, "next": following if parts and following <= upload.part_count else None}


@router.put(
    "/{upload_id}/parts/{number}",
    status_code=HTTPStatus.NO_CONTENT,
    openapi_extra=BODY_OF_FILE,
    responses=_problems(400, 404, 409, 410, 413, 422),
)
async def put_part(
    upload: Existing, number: int, request: Request, given: Given, caller: Authenticated
) -> None:
    """Send one part by way of the API, whichever address it was told. Sent again, it replaces the earlier one."""
    async with given.uploads.hold(caller.owner):
        await intake.take_part(request, given, upload, number)


@router.put(
    "/{upload_id}",
    response_model=UploadOut,
    openapi_extra=BODY_OF_FILE,
    responses=_problems(400, 404, 409, 410, 413, 422),
)
async def put_upload(
    upload: Existing, request: Request, given: Given, caller: Authenticated
) -> dict[str, Any]:
    """Send the whole file in one request, which completes it: for masks and other small files."""
    async with given.uploads.hold(caller.owner):
        done = await intake.take_whole(request, given, upload)
    return await run_in_threadpool(view, given, done)


@router.post(
    "/{upload_id}/complete",
    response_model=UploadOut,
    openapi_extra=json_body.documented(CompletionIn, required=False),
    responses=_problems(404, 409, 410, 413, 422),
)
async def complete_upload(
    upload: Existing, given: Given, body: Annotated[CompletionIn, Depends(json_body.sent(CompletionIn))]
) -> dict[str, Any]:
    """Make one file of the parts, and read it for its digest: a few seconds a gigabyte. Once more changes nothing.

    A connection that ends meanwhile stops nothing. Ask again: 409 `upload_completing` until it is done.
    """
    done = await to_thread.run_sync(completion.complete, given, upload, body.sha256, limiter=_completions)
    return await run_in_threadpool(view, given, done)


@router.delete("/{upload_id}", status_code=HTTPStatus.NO_CONTENT, responses=_problems(404, 410))
def delete_upload(upload: Existing, given: Given) -> None:
    """Abort an upload and remove what has arrived. Jobs made from a complete one keep their copies."""
    completion.remove(given, upload)
