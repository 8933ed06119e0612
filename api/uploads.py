"""Takes a submission's files straight into the object store, hashing and counting as they pass."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from api.bodies import allow_body, declared_bytes
from api.errors import ApiError, bad_request, too_large, unprocessable
from api.multipart import Multipart, PartHead, plain_name
from api.settings import ApiSettings
from api.submission import Submission
from storage.jobs import StoredFile
from storage.keys import mask_key, upload_key

MAX_OPTIONS_BYTES = 64 * 1024
# digits enough for any frame we accept, and few enough that int() is cheap
MASK_FIELD = re.compile(r"mask(?:_(\d{1,9}))?")

# Of a form: what stands around its files.
FORM_BYTES = 1024**2


@dataclass
class Received:
    """A submission's parts: where the files lie now, and the text of `options`."""

    video: StoredFile | None = None
    masks: dict[int, StoredFile] = field(default_factory=dict)
    options: str | None = None
    # of files that came before: which objects are still to be copied (new: old), and whether they are gone already
    copies: dict[str, str] = field(default_factory=dict)
    has_expired: bool = False

    def complete(self) -> tuple[StoredFile, tuple[StoredFile, ...]]:
        if self.video is None:
            raise unprocessable("video_missing", "Send the clip in the form field `video`.")
        if 0 not in self.masks:
            detail = "Send the mask of the first frame in the form field `mask` (others in `mask_N`)."
            raise unprocessable("mask_missing", detail)
        return self.video, tuple(self.masks[frame] for frame in sorted(self.masks))


class Receiver:
    """Receives one submission under the id that its job will have. One that corrects a job has no clip."""

    def __init__(self, submission: Submission, *, corrects: bool = False) -> None:
        self._submission = submission
        self._settings = submission.given.settings
        self._corrects = corrects
        self._received = Received()

    async def receive(self) -> Received:
        """All parts, stored. Raises ApiError on the first thing that is wrong."""
        request = self._submission.request
        most = self._settings.max_masks * self._settings.max_mask_bytes
        if not self._corrects:
            most += self._settings.max_video_bytes
        allow_body(request, most + MAX_OPTIONS_BYTES + FORM_BYTES)
        if declared_bytes(request) > most + MAX_OPTIONS_BYTES and not self._corrects:
            raise _video_too_large(self._settings)
        form = Multipart(aiter(request.stream()), request.headers.get("content-type", ""))
        async for part in form:
            await self._take(part, form.chunks())
        return self._received

    async def _take(self, part: PartHead, chunks: AsyncIterator[bytes]) -> None:
        mask = MASK_FIELD.fullmatch(part.name)
        if part.name == "options":
            self._received.options = await _text(chunks)
        elif part.name == "video" and not self._corrects:
            self._refuse_second(self._received.video, part)
            refusal = _video_too_large(self._settings)
            self._received.video = await self._store(
                part, chunks, None, self._settings.max_video_bytes, refusal
            )
        elif mask:
            frame = int(mask[1] or 0)
            self._refuse_second(self._received.masks.get(frame), part)
            check_mask_count(len(self._received.masks) + 1, self._settings)
            refusal = _mask_too_large(part, self._settings)
            self._received.masks[frame] = await self._store(
                part, chunks, frame, self._settings.max_mask_bytes, refusal
            )
        else:
            known = "`mask`, `mask_N` (N: a frame's number) and `options`"
            known = known if self._corrects else f"`video`, {known}"
            raise unprocessable(
                "field_unknown", f"There is no form field `{plain_name(part.name)[:40]}`; there are {known}."
            )

    async def _store(
        self,
        part: PartHead,
        chunks: AsyncIterator[bytes],
        frame: int | None,
        most: int,
        refusal: ApiError,
    ) -> StoredFile:
        job_id, small = self._submission.job_id, self._submission.small
        key = upload_key(job_id, "video")
        if frame is not None:
            key = mask_key(job_id, frame, corrects=self._corrects)
        small.begin(key)
        async with self._submission.given.objects.writer(key) as writer:
            async for chunk in chunks:
                if writer.bytes + len(chunk) > most:
                    raise refusal
                await writer.write(chunk)
                small.add(key, chunk)
                await self._submission.renew()
        return StoredFile(key, writer.bytes, writer.sha256, part.filename, frame)

    @staticmethod
    def _refuse_second(first: StoredFile | None, part: PartHead) -> None:
        if first is not None:
            detail = (
                f"The form field `{part.name}` came twice (`mask` and `mask_0` are the same). Send it once."
            )
            raise unprocessable("field_repeated", detail)


def check_mask_count(count: int, settings: ApiSettings) -> None:
    """Refuse a job with so many masks where that is too many."""
    if count > settings.max_masks:
        raise unprocessable(
            "too_many_masks", f"A job takes at most {settings.max_masks} masks; leave some out."
        )


async def _text(chunks: AsyncIterator[bytes]) -> str:
    text = bytearray()
    async for chunk in chunks:
        text.extend(chunk)
        if len(text) > MAX_OPTIONS_BYTES:
            raise too_large("options_too_large", "`options` may have at most 64 KiB; shorten `metadata`.")
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise bad_request("options_not_json", "`options` must be JSON in UTF-8.") from error


def _video_too_large(settings: ApiSettings) -> ApiError:
    most = settings.max_video_bytes
    return too_large("clip_too_large", f"The clip may have at most {most:,} bytes. Cut or compress it.")


def _mask_too_large(part: PartHead, settings: ApiSettings) -> ApiError:
    most = settings.max_mask_bytes
    detail = f"The file in `{part.name}` may have at most {most:,} bytes. Save it as PNG."
    return too_large("mask_too_large", detail)
