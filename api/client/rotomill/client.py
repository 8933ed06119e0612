"""The calls of the service as methods."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from os import PathLike
from pathlib import Path
from types import TracebackType
from typing import Any, Self, Unpack
from urllib.parse import quote

import httpx

from rotomill import orders
from rotomill.downloads import Download, OnDownload, wanted
from rotomill.errors import ConnectionFailed, NotFound, NotReady, job_error
from rotomill.jobs import Delivery, Job, WebhookSecret
from rotomill.orders import JobOptions, Order, job_options
from rotomill.retry import Retry
from rotomill.transfers import Upload, send_all
from rotomill.transport import Transport, connect
from rotomill.uploads import OnUpload, correction_fields, mask_fields, options_document
from rotomill.waiting import OnUpdate, Wait

StrPath = str | PathLike[str]

DEFAULT_URL = "http://127.0.0.1:8000"


class Client:
    """A connection to one Rotomill service.

    Use it as a context manager, or `close()` it. `api_key` is needed where the service is not your own machine's;
    left out, it is the environment's ROTOMILL_API_KEY. `timeout_seconds` bounds each pause of the network, not
    the whole upload or download. `http` replaces the HTTP client (for certificates, proxies, headers);
    it must carry the `base_url` itself and stays the caller's to close. Every method raises
    `ConnectionFailed` where the service cannot be reached and a subclass of `ApiError` where it refuses.
    """

    def __init__(
        self,
        base_url: str = DEFAULT_URL,
        *,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        http: httpx.Client | None = None,
        retry: Retry | None = None,
    ) -> None:
        key = (api_key or os.environ.get("ROTOMILL_API_KEY", "")).strip()
        self._own_http = None if http else connect(base_url, timeout_seconds, key)
        self._transport = Transport(http or self._own_http or connect(base_url, timeout_seconds, key))
        self._retry = retry or Retry()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, unless the HTTP client was handed in."""
        if self._own_http:
            self._own_http.close()

    def submit(
        self,
        video: StrPath,
        mask: StrPath,
        *,
        masks: Mapping[int, StrPath] | None = None,
        idempotency_key: str | None = None,
        upload: bool | None = None,
        on_upload: OnUpload | None = None,
        **options: Unpack[JobOptions],
    ) -> Job:
        """Return the new job; the files are streamed from disk and never held in memory.

        `mask` belongs to the first frame, `masks` to further frames by number, counted from 0. `preset`
        is fast, balanced or best; `segmenter` is auto, osvos, onavos, masktrack or flow; `budget_seconds` is what
        the work may take once it has begun; `overlay_color` is "#rrggbb"; `webhook_secret` is a `whsec_` secret (see
        `rotomill.webhooks.new_secret`). What is left out is the service's choice.

        A request that breaks is sent again under the same idempotency key, so it makes one job at most;
        give a key of your own to extend that over several runs. `on_upload` hears (bytes sent, bytes).

        Files of more than 64 MiB together are uploaded first, in parts, of which a connection that breaks costs one;
        `upload` says whether to, whatever their size. Under a key of your own a later run goes on with them.
        """
        further = {number: Path(path) for number, path in (masks or {}).items()}
        files = [("video", Path(video)), *mask_fields(Path(mask), further)]
        order = Order(files, job_options(options), idempotency_key, upload, on_upload)
        return order.place(self._transport, self._retry)

    def refine(
        self,
        job: Job | str,
        masks: Mapping[int, StrPath],
        *,
        idempotency_key: str | None = None,
        upload: bool | None = None,
        on_upload: OnUpload | None = None,
        **options: Unpack[JobOptions],
    ) -> Job:
        """Return a new job that corrects one that has succeeded: `masks` are the right ones of frames it has wrong.

        Frames count from 0. The new job has the clip and the other masks of the first, and goes on from the network
        that it has fine-tuned. Options are as in `submit`; what is left out is as it was in the job corrected.
        """
        files = correction_fields({number: Path(path) for number, path in masks.items()})
        order = Order(files, job_options(options), idempotency_key, upload, on_upload)
        return order.place(self._transport, self._retry, f"{_path(job)}/refine")

    def upload(
        self,
        path: StrPath,
        *,
        idempotency_key: str | None = None,
        on_upload: OnUpload | None = None,
    ) -> Upload:
        """Return a file's complete upload, whose id may be named in `POST /v1/jobs` until it expires.

        Sent in parts, each by itself; under an `idempotency_key` of your own a later call goes on where an earlier one
        ended. `on_upload` hears (bytes sent, bytes).
        """
        file = Path(path)
        key = idempotency_key or str(uuid.uuid4())
        return send_all(self._transport, self._retry, [("file", file)], key, on_upload)["file"]

    def remove_upload(self, upload: Upload | str) -> None:
        """Remove an upload, complete or not; jobs made from it keep their copies."""
        orders.remove(upload, self._transport, self._retry)

    def job(self, job: Job | str) -> Job:
        """Return the job as it is now."""
        return Job.parse(self._json("GET", _path(job)))

    def jobs(
        self, status: str | None = None, *, search: str | None = None, page_size: int | None = None
    ) -> Iterator[Job]:
        """Yield all jobs (of one status), newest first; pages are fetched as they are needed.

        With `search`, those with all its words in their file's name or metadata, or with an id that begins so.
        """
        query = options_document(status=status, search=search, limit=page_size)
        while True:
            page = self._json("GET", "/v1/jobs", params=query)
            yield from map(Job.parse, page["jobs"])
            if not page.get("next_cursor"):
                return
            query["cursor"] = page["next_cursor"]

    def wait(
        self,
        job: Job | str,
        on_update: OnUpdate | None = None,
        *,
        timeout_seconds: float | None = None,
        poll_seconds: float = 2.0,
    ) -> Job:
        """Return the job when it has succeeded; every change on the way goes to `on_update`.

        Follows the event stream, takes it up again where it broke off, and asks every `poll_seconds`
        where streams do not get through. Raises `JobFailed` or `JobCanceled` (both carry the `job`) when
        it ends without results, and `WaitTimeout` after `timeout_seconds`; the job then goes on.
        """
        state = self.job(job)
        ended = Wait(self._transport, state, self._retry, poll_seconds, on_update, timeout_seconds).run()
        if not ended.succeeded:
            raise job_error(ended)
        return ended

    def cancel(self, job: Job | str) -> Job:
        """Ask the job to stop, and return it; a running job reports canceled within seconds."""
        return Job.parse(self._json("POST", f"{_path(job)}/cancel"))

    def delete(self, job: Job | str) -> None:
        """Remove the job and its files; a running one raises `Conflict`: cancel it first."""
        broke_off = False

        def attempt() -> None:
            nonlocal broke_off
            try:
                self._transport.send("DELETE", _path(job))
            except ConnectionFailed:
                broke_off = True
                raise
            except NotFound:
                if not broke_off:  # otherwise the request that broke off had done it
                    raise

        self._retry.run(attempt)

    def download(
        self,
        job: Job | str,
        folder: StrPath,
        names: Sequence[str] | None = None,
        *,
        on_download: OnDownload | None = None,
    ) -> list[Path]:
        """Store the job's results (or those with these `names`) in a folder; return their paths.

        A file gets its name only when its size and SHA-256 are right. What broke off is resumed, now and
        in a later call; what is there already is left alone. Raises `NotReady` or `JobFailed` where there
        is nothing to fetch, and `DownloadFailed`. `on_download` hears (result, bytes so far).
        """
        state = job if isinstance(job, Job) and job.finished else self.job(job)
        if not state.finished:
            raise NotReady(state)
        if not state.succeeded:
            raise job_error(state)
        return [
            Download(self._transport, self._retry, state.id, result, Path(folder), on_download).run()
            for result in wanted(state, names)
        ]

    def deliveries(self, job: Job | str) -> list[Delivery]:
        """Return the webhooks of a job, those sent and those still owed."""
        page = self._json("GET", f"{_path(job)}/deliveries")
        return [Delivery.parse(entry) for entry in page["deliveries"]]

    def redeliver(self, job: Job | str, number: int) -> None:
        """Have a webhook sent again; it carries the same `webhook-id` as the first time."""
        self._retry.run(lambda: self._transport.send("POST", f"{_path(job)}/deliveries/{number}/redeliver"))

    def webhook_secrets(self) -> list[WebhookSecret]:
        """Return what your webhooks are signed with, newest first: more than one while it is being rotated."""
        page = self._json("GET", "/v1/webhook-secret")
        return [WebhookSecret.parse(entry) for entry in page["secrets"]]

    def rotate_webhook_secret(self) -> list[WebhookSecret]:
        """Make a new secret and return them all; the one before signs beside it until its `expires_at`.

        It is asked for once: where the connection breaks off, see with `webhook_secrets` whether it was made.
        """
        page = self._transport.send("POST", "/v1/webhook-secret/rotate").json()
        return [WebhookSecret.parse(entry) for entry in page["secrets"]]

    def _json(self, method: str, path: str, **arguments: Any) -> Any:
        return self._retry.run(lambda: self._transport.send(method, path, **arguments)).json()


def _path(job: Job | str) -> str:
    return f"/v1/jobs/{quote(job.id if isinstance(job, Job) else job, safe='')}"
