"""Every error a caller can meet, as RFC 9457 problem details with a stable `code`."""

from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from api import metrics
from storage.errors import LimitReachedError, UnavailableError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


# A guess at when one of many jobs has ended.
ACTIVE_WAIT_SECONDS = 30
# One at when one of many uploads is deleted.
UPLOADS_WAIT_SECONDS = 60


class ApiError(HTTPException):
    """Refuses a request: an HTTP status, a stable code, and a sentence that tells the caller what to do.

    One of Starlette's own, so that FastAPI lets it through where it reads a body.
    """

    def __init__(
        self, status: HTTPStatus, code: str, detail: str, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, headers or {})
        self.status = status
        self.code = code

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


def bad_request(code: str, detail: str) -> ApiError:
    return ApiError(HTTPStatus.BAD_REQUEST, code, detail)


def forbidden(code: str, detail: str) -> ApiError:
    return ApiError(HTTPStatus.FORBIDDEN, code, detail)


def too_many(code: str, detail: str, retry_after_seconds: int) -> ApiError:
    headers = {"Retry-After": str(retry_after_seconds)}
    return ApiError(HTTPStatus.TOO_MANY_REQUESTS, code, detail, headers)


def not_found(code: str, detail: str) -> ApiError:
    return ApiError(HTTPStatus.NOT_FOUND, code, detail)


def gone(code: str, detail: str) -> ApiError:
    return ApiError(HTTPStatus.GONE, code, detail)


def conflict(code: str, detail: str, headers: dict[str, str] | None = None) -> ApiError:
    return ApiError(HTTPStatus.CONFLICT, code, detail, headers)


def too_large(code: str, detail: str) -> ApiError:
    return ApiError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, code, detail)


def unprocessable(code: str, detail: str) -> ApiError:
    return ApiError(HTTPStatus.UNPROCESSABLE_ENTITY, code, detail)


def unavailable(code: str, detail: str, retry_after_seconds: int) -> ApiError:
    headers = {"Retry-After": str(retry_after_seconds)}
    return ApiError(HTTPStatus.SERVICE_UNAVAILABLE, code, detail, headers)


def problem(status: int, code: str, detail: str, instance: str) -> dict[str, Any]:
    """The problem document (RFC 9457). The type is about:blank, so the title is the status's own phrase."""
    return {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        "instance": instance,
    }


def response(request: Request, error: ApiError) -> JSONResponse:
    metrics.REFUSALS.labels(error.code).inc()
    return JSONResponse(
        problem(error.status, error.code, error.detail, request.url.path),
        status_code=error.status,
        headers=dict(error.headers or {}),
        media_type=MEDIA_TYPE,
    )


def install(app: FastAPI) -> None:
    app.add_exception_handler(ApiError, _on_api_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(UnavailableError, _on_unavailable)
    app.add_exception_handler(LimitReachedError, _on_limit_reached)
    app.add_exception_handler(Exception, on_bug)


async def _on_api_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)  # noqa: S101 — registered for this class alone
    return response(request, error)


async def _on_http_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 — registered for this class alone
    code = {404: "path_not_found", 405: "method_not_allowed"}.get(error.status_code, "http_error")
    detail = {
        404: f"There is nothing at {request.url.path}; the calls are listed at /docs.",
        405: f"{request.url.path} does not answer {request.method}; see /docs.",
    }.get(error.status_code, str(error.detail))
    refused = ApiError(HTTPStatus(error.status_code), code, detail, dict(error.headers or {}))
    return response(request, refused)


async def _on_validation_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 — registered for this class alone
    return response(request, unprocessable("request_invalid", sentence(list(error.errors()))))


async def _on_limit_reached(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, LimitReachedError)  # noqa: S101 — registered for this class alone
    return response(request, limit_reached(error))


def limit_reached(error: LimitReachedError) -> ApiError:
    """The refusal of what would be more than an owner may have."""
    most = f"{error.most:,}"
    match error.what:
        case "active_jobs":
            detail = f"At most {most} of your jobs may wait or run at once. Wait until one has ended, or cancel one."
            return too_many("too_many_active_jobs", detail, ACTIVE_WAIT_SECONDS)
        case "jobs_a_day":
            detail = (
                f"You have submitted the {most} jobs of today (UTC). Go on after midnight, or ask for more."
            )
            return too_many("too_many_jobs_today", detail, error.wait_seconds or 1)
        case "uploads":
            detail = f"At most {most} of your uploads may wait. Make jobs of some, and delete them or let them expire."
            return too_many("too_many_open_uploads", detail, UPLOADS_WAIT_SECONDS)
        case _:
            detail = f"Your files may take {most} bytes here. Delete jobs that you no longer need."
            return forbidden("storage_full", detail)


async def _on_unavailable(request: Request, error: Exception) -> JSONResponse:
    log.warning("unavailable", path=request.scope.get("raw_path", b"").decode("latin-1"), exc_info=error)
    detail = "The service cannot reach its database or its files just now. Try again in some seconds."
    return response(request, unavailable("unavailable", detail, 5))


async def on_bug(request: Request, error: Exception) -> JSONResponse:
    # as it was sent: decoded, it could hold line breaks
    log.error("request failed", path=request.scope.get("raw_path", b"").decode("latin-1"), exc_info=error)
    detail = "The service failed, not your request. Try again; the log has the cause."
    return response(request, ApiError(HTTPStatus.INTERNAL_SERVER_ERROR, "internal_error", detail))


def sentence(found: list[Any]) -> str:
    """Pydantic's errors in one line: where, and what is wrong there."""
    words = []
    for error in found[:5]:
        where = ".".join(str(part) for part in error["loc"] if part not in {"query", "path", "header"})
        words.append(f"{where or 'it'}: {error['msg']}")
    more = f" (and {len(found) - 5} more)" if len(found) > 5 else ""
    return "; ".join(words) + more
