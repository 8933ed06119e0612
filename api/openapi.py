"""What OpenAPI cannot read from the code: the streamed form, the problems, the webhooks."""

from typing import Any

from fastapi import FastAPI

from api.schemas import JOB_EXAMPLE, JobIn, JobOptions, Problem, RefineIn
from api.session_schemas import SessionIn
from api.upload_schemas import CompletionIn, UploadIn
from api.webhook_schemas import WebhookBody

DESCRIPTION = """
One mask in, every frame out: send a clip and the mask of one object (or several) in its first frame, and get
that object's mask in every frame.

`POST /v1/jobs` answers 202 with a job. Poll it, follow its `events`, or let a webhook tell you. Every error is
a problem document (RFC 9457) whose `code` is stable and whose `detail` says what to do.

A service that others than its own machine can reach wants an API key: `Authorization: Bearer rm_…`. What belongs to
another owner is answered as if it did not exist.
"""

_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}

PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request is malformed.", "content": _PROBLEM},
    404: {"description": "There is no such thing.", "content": _PROBLEM},
    409: {"description": "Not in the state the thing is in.", "content": _PROBLEM},
    410: {"description": "It was there, and its time has passed.", "content": _PROBLEM},
    413: {"description": "Larger than the limits allow.", "content": _PROBLEM},
    422: {"description": "Readable, but not usable; `code` says why.", "content": _PROBLEM},
}

# What any call may answer, besides what it says itself.
_SHARED: dict[str, tuple[str, dict[str, str]]] = {
    "401": ("No API key came with it, or one that opens nothing.", {"WWW-Authenticate": "How to send one."}),
    "403": ("Not for this caller: `code` says why.", {}),
    "405": ("Not with this method.", {"Allow": "The methods there are."}),
    "422": ("Readable, but not usable; `code` says why.", {}),
    "429": ("More than the limits allow; later it may pass.", {"Retry-After": "Seconds."}),
    "503": ("Something the service stands on is away.", {"Retry-After": "Seconds."}),
}
_WITH_BODY: dict[str, tuple[str, dict[str, str]]] = {
    "400": ("The request is malformed.", {}),
    "408": ("The body came too slowly.", {}),
    "413": ("Larger than the limits allow.", {}),
}

_RATE_HEADERS = {
    "RateLimit": 'What is left of the limit: `"requests";r=599;t=42`, r requests within t seconds.',
    "RateLimit-Policy": 'The limit of this API key: `"requests";q=600;w=60`, q requests in w seconds.',
}

_OPTIONS = JobOptions.model_json_schema(ref_template="#/components/schemas/{model}")
_DEFINITIONS = _OPTIONS.pop("$defs", {})

FILE = {"type": "string", "contentMediaType": "application/octet-stream"}

_IDEMPOTENCY_KEY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "A key of your own (1–255 characters). Sent again within 24 hours with the same "
    "content, it gets the same job; with other content, 422.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 257},
    "example": '"8e03978e-40d5-43dd-bc93-6894a57f9324"',
}


def _order(fields: dict[str, Any], body: str, *, options: str, further: str) -> dict[str, Any]:
    """A call that makes a job: a form with these fields, options and masks of frames, or the JSON of a schema."""
    form: dict[str, Any] = {
        "type": "object",
        "properties": {**fields, "options": _OPTIONS | {"description": options}},
        "patternProperties": {"^mask_[0-9]+$": FILE | {"description": further}},
    }
    form |= {"required": list(fields)} if fields else {"minProperties": 1}
    return {
        "parameters": [_IDEMPOTENCY_KEY],
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {
                    "schema": form,
                    "encoding": {"options": {"contentType": "application/json"}},
                },
                "application/json": {"schema": {"$ref": f"#/components/schemas/{body}"}},
            },
        },
    }


SUBMISSION = _order(
    {
        "video": FILE | {"description": "The clip: MP4, MOV, MKV, WebM, AVI …"},
        "mask": FILE
        | {
            "description": "The mask of the first frame, at the clip's upright size: 0/1, 0/255, "
            "anti-aliased, RGB, RGBA or palette. Several objects: one palette index, grey level "
            "or colour each."
        },
    },
    "JobIn",
    options="JSON; all of it is optional.",
    further="The mask of frame N, numbered from 0.",
)

REFINEMENT = _order(
    {},
    "RefineIn",
    options="JSON; only what is to be other than in the job that is refined.",
    further="The right mask of frame N, numbered from 0; objects have the numbers, or "
    "the colours, that they have in the job's masks.zip, or had in the masks it was sent.",
)

BODY_OF_FILE: dict[str, Any] = {
    "requestBody": {"required": True, "content": {"application/octet-stream": {"schema": FILE}}}
}

RESULT_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {"application/octet-stream": {}}},
    206: {"description": "The part of the file that Range asked for."},
    304: {"description": "The one that If-None-Match names."},
    307: {"description": "Where the object store serves the file, for an hour."},
    410: {"description": "No longer stored.", "content": _PROBLEM},
    416: {"description": "The file has no such range."},
}

_WEBHOOK_EVENTS = {
    "job.running": "A worker has begun.",
    "job.succeeded": "All results are stored.",
    "job.failed": "It ended with an error.",
    "job.canceled": "It was canceled.",
}


def describe(app: FastAPI) -> None:
    """Complete what FastAPI generates: the options' own schemas, and examples with their nulls."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = generate(app)
            schemas = document["components"]["schemas"]
            schemas |= _DEFINITIONS | {"Problem": Problem.model_json_schema()}
            for model in (JobIn, RefineIn, UploadIn, CompletionIn, SessionIn):
                schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
                schemas |= schema.pop("$defs", {}) | {model.__name__: schema}
            schemas["JobOut"]["examples"] = [JOB_EXAMPLE]
            _document_shared(document)
            app.openapi_schema = document
        return app.openapi_schema

    generate = type(app).openapi
    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _document_shared(document: dict[str, Any]) -> None:
    """Add to every call what any call may answer."""
    components = document["components"]
    components["headers"] = {name: _header(what) for name, what in _RATE_HEADERS.items()}
    components["responses"] = {status: _response(*said) for status, said in (_SHARED | _WITH_BODY).items()}
    rates = {name: {"$ref": f"#/components/headers/{name}"} for name in _RATE_HEADERS}
    for path, calls in document["paths"].items():
        if not path.startswith("/v1/"):
            continue
        for method, call in calls.items():
            for status in _SHARED if method == "get" else _SHARED | _WITH_BODY:
                call["responses"][status] = {"$ref": f"#/components/responses/{status}"}
            for status, response in call["responses"].items():
                if status.startswith("2"):
                    response["headers"] = rates | response.get("headers", {})


def _response(description: str, headers: dict[str, str]) -> dict[str, Any]:
    shown = {name: _header(what) for name, what in headers.items()}
    return {"description": description, "content": _PROBLEM} | ({"headers": shown} if shown else {})


def _header(description: str) -> dict[str, Any]:
    return {"description": description, "schema": {"type": "string"}}


def document_webhooks(app: FastAPI) -> None:
    """Show what the service posts, in the `webhooks` part of OpenAPI 3.1."""
    for event, summary in _WEBHOOK_EVENTS.items():
        app.webhooks.post(event, summary=summary, openapi_extra=_webhook_headers(event))(_received)


def _received(body: WebhookBody) -> None:
    """Answer 2xx within 15 s. Verify the signature first; `webhook-id` is the same for every attempt.

    Anything else is tried again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h; 410 ends it.
    """


def _webhook_headers(event: str) -> dict[str, Any]:
    names = {
        "webhook-id": "Of the message; the same for every attempt.",
        "webhook-timestamp": "Seconds since 1970, of this attempt.",
        "webhook-signature": "`v1,` and base64 of HMAC-SHA256 over `{id}.{timestamp}.{body}`.",
    }
    return {
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": True,
                "description": what,
                "schema": {"type": "string"},
            }
            for name, what in names.items()
        ],
        "x-example": {"type": event, "timestamp": "2026-11-20T12:01:00Z", "data": JOB_EXAMPLE},
    }
