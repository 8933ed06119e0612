"""Asking for a job: by one form with its files, or by the ids of uploads that were sent before."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import quote

from rotomill.errors import RotomillError
from rotomill.jobs import Job
from rotomill.retry import Retry
from rotomill.transfers import UPLOAD_FROM_BYTES, Upload, naming, send_all
from rotomill.transport import Transport
from rotomill.uploads import Form, OnUpload, options_document


@dataclass(frozen=True, slots=True)
class Order:
    """A job that is wanted: files by form field, and options. `upload` says whether the files go first, in parts."""

    files: Sequence[tuple[str, Path]]
    options: Mapping[str, Any]
    idempotency_key: str | None = None
    upload: bool | None = None
    on_upload: OnUpload | None = None

    def place(self, transport: Transport, retry: Retry, path: str = "/v1/jobs") -> Job:
        """Return the new job; the request is sent again where it breaks."""
        key = self.idempotency_key or str(uuid.uuid4())
        headers = {"Idempotency-Key": f'"{key}"'}  # a structured-field string: quoted
        if not self._goes_first:
            return retry.run(lambda: self._as_form(transport, path, headers))
        sent = send_all(transport, retry, self.files, key, self.on_upload)
        body = naming(sent, self.options)
        job = Job.parse(retry.run(lambda: transport.send("POST", path, json=body, headers=headers)).json())
        if self.idempotency_key is None:  # with one, a later run wants to find them
            for upload in sent.values():
                with suppress(RotomillError):  # they expire by themselves
                    remove(upload.id, transport, retry)
        return job

    @property
    def _goes_first(self) -> bool:
        if self.upload is not None:
            return self.upload
        return sum(path.stat().st_size for _, path in self.files) > UPLOAD_FROM_BYTES

    def _as_form(self, transport: Transport, path: str, headers: Mapping[str, str]) -> Job:
        form = Form(self.files, self.options, self.on_upload)
        with form.open() as files:
            response = transport.send("POST", path, data=form.data(), files=files, headers=headers)
        return Job.parse(response.json())


def remove(upload: Upload | str, transport: Transport, retry: Retry) -> None:
    """Remove an upload."""
    upload_id = quote(upload.id if isinstance(upload, Upload) else upload, safe="")
    retry.run(lambda: transport.send("DELETE", f"/v1/uploads/{upload_id}"))


class JobOptions(TypedDict, total=False):
    """What a job can be told. What is left out, or None, is the service's choice; `Client.submit` says what each is."""

    preset: str | None
    segmenter: str | None
    budget_seconds: int | None
    outputs: Sequence[str] | None
    overlay_color: str | None
    webhook_url: str | None
    webhook_events: Sequence[str] | None
    webhook_secret: str | None
    metadata: Mapping[str, str] | None
    deadline_seconds: int | None
    seed: int | None


def job_options(options: JobOptions) -> dict[str, Any]:
    """Return the options document of a job.

    Raises ValueError for a webhook without an address, TypeError for an option that there is not.
    """
    if unknown := options.keys() - JobOptions.__annotations__.keys():
        raise TypeError(f"unexpected keyword argument {', '.join(map(repr, sorted(unknown)))}")
    url = options.get("webhook_url")
    events, secret = options.get("webhook_events"), options.get("webhook_secret")
    webhook = options_document(url=url, events=_listed(events), secret=secret)
    if webhook and not url:
        raise ValueError("webhook_events and webhook_secret need a webhook_url")
    metadata = options.get("metadata")
    return options_document(
        preset=options.get("preset"),
        segmenter=options.get("segmenter"),
        budget_seconds=options.get("budget_seconds"),
        outputs=_listed(options.get("outputs")),
        overlay_color=options.get("overlay_color"),
        webhook=webhook or None,
        metadata=dict(metadata) if metadata else None,
        deadline_seconds=options.get("deadline_seconds"),
        seed=options.get("seed"),
    )


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)
