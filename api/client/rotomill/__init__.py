"""Python client of Rotomill, a service that follows one masked object through a clip."""

from rotomill.client import Client
from rotomill.errors import (
    ApiError,
    Conflict,
    ConnectionFailed,
    DownloadFailed,
    InvalidRequest,
    JobCanceled,
    JobFailed,
    NotAllowed,
    NotFound,
    NotReady,
    RateLimited,
    RotomillError,
    ServiceFailed,
    WaitTimeout,
    WebhookError,
)
from rotomill.jobs import Attempt, Delivery, Job, JobError, Result, WebhookSecret
from rotomill.retry import Retry
from rotomill.transfers import Upload

__all__ = [
    "ApiError",
    "Attempt",
    "Client",
    "Conflict",
    "ConnectionFailed",
    "Delivery",
    "DownloadFailed",
    "InvalidRequest",
    "Job",
    "JobCanceled",
    "JobError",
    "JobFailed",
    "NotAllowed",
    "NotFound",
    "NotReady",
    "RateLimited",
    "Result",
    "Retry",
    "RotomillError",
    "ServiceFailed",
    "Upload",
    "WaitTimeout",
    "WebhookError",
    "WebhookSecret",
]

__version__ = "0.1.0"
