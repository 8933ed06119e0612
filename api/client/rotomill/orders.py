"""Asking for a job: by one form with its files, or by the ids of uploads that were sent before."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
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


def job_options(  # noqa: PLR0913 - one argument for each thing a job can be told, all by name
    *,
    preset: str | None = None,
    segmenter: str | None = None,
    budget_seconds: int | None = None,
    outputs: Sequence[str] | None = None,
    overlay_color: str | None = None,
    webhook_url: str | None = None,
    webhook_events: Sequence[str] | None = None,
    webhook_secret: str | None = None,
    metadata: Mapping[str, str] | None = None,
    deadline_seconds: int | None = None,
    seed: int | None = None,
) -> dict[str, Any]:
    """Return the options document of a job. Raises ValueError for a webhook without an address."""
    webhook = options_document(url=webhook_url, events=_listed(webhook_events), secret=webhook_secret)
    if webhook and not webhook_url:
        raise ValueError("webhook_events and webhook_secret need a webhook_url")
    return options_document(
        preset=preset,
        segmenter=segmenter,
        budget_seconds=budget_seconds,
        outputs=_listed(outputs),
        overlay_color=overlay_color,
        webhook=webhook or None,
        metadata=dict(metadata) if metadata else None,
        deadline_seconds=deadline_seconds,
        seed=seed,
    )


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)
