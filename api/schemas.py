"""The JSON of jobs and problems, as OpenAPI shows it."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AnyHttpUrl, BaseModel, ConfigDict, Field, StringConstraints, field_validator

from storage.jobs import Stage, Status
from worker.signing import is_secret


class Preset(StrEnum):
    """How much time a job may take; the README has measured times."""

    FAST = "fast"
    BALANCED = "balanced"
    BEST = "best"


class PriorityName(StrEnum):
    """How urgent a job is among its owner's."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"


class Segmenter(StrEnum):
    """How objects are found. `auto` is the best there is; the others are methods that it is measured against."""

    AUTO = "auto"
    OSVOS = "osvos"
    ONAVOS = "onavos"
    MASKTRACK = "masktrack"
    FLOW = "flow"


class Output(StrEnum):
    """A result file. `manifest.json` comes always."""

    OVERLAY = "overlay.mp4"
    MASKS = "masks.zip"
    RLE = "rle.json"
    TRACK_JSON = "track.json"
    TRACK_CSV = "track.csv"
    POSTER = "poster.jpg"
    PREVIEW = "preview.mp4"
    ALPHA_MOV = "alpha.mov"
    ALPHA_WEBM = "alpha.webm"


ON_REQUEST = frozenset({Output.PREVIEW, Output.ALPHA_MOV, Output.ALPHA_WEBM})
DEFAULT_OUTPUTS = [output for output in Output if output not in ON_REQUEST]


class WebhookEvent(StrEnum):
    """What a webhook may be told."""

    RUNNING = "job.running"
    SUCCEEDED = "job.succeeded"
    FAILED = "job.failed"
    CANCELED = "job.canceled"


class Strict(BaseModel):
    """A body in which a misspelt name is an error, not silence."""

    model_config = ConfigDict(extra="forbid")


class WebhookOptions(Strict):
    """Where to tell, of what, and how it is signed (Standard Webhooks 1.0)."""

    url: AnyHttpUrl
    events: list[WebhookEvent] = Field(
        default=[WebhookEvent.SUCCEEDED, WebhookEvent.FAILED, WebhookEvent.CANCELED], min_length=1
    )
    secret: str | None = Field(
        default=None,
        pattern=r"^whsec_[A-Za-z0-9+/]{32,88}={0,2}$",
        description="24–64 random bytes in base64 after `whsec_`; without it your secret of `/v1/webhook-secret` "
        "signs. It is never shown again.",
    )

    @field_validator("secret")
    @classmethod
    def _that_can_sign(cls, secret: str | None) -> str | None:
        if secret is not None and not is_secret(secret):
            raise ValueError("after `whsec_` there must be 24 to 64 bytes in base64")
        return secret

    @field_validator("url")
    @classmethod
    def _without_user(cls, url: AnyHttpUrl) -> AnyHttpUrl:
        if url.username or url.password:
            raise ValueError("a user name or password in the address is not allowed")
        return url


MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40)]
MetadataValue = Annotated[str, StringConstraints(max_length=500)]


class JobOptions(Strict):
    """The form field `options`: all of it is optional."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "preset": "balanced",
                    "segmenter": "auto",
                    "outputs": ["overlay.mp4", "masks.zip", "alpha.mov"],
                    "overlay_color": "#1e90ff",
                    "webhook": {"url": "https://example.com/hooks/rotomill", "events": ["job.succeeded"]},
                    "metadata": {"shot": "012"},
                    "deadline_seconds": 3600,
                }
            ]
        },
    )

    preset: Preset = Preset.BALANCED
    priority: PriorityName = Field(
        default=PriorityName.NORMAL,
        description="Which of your waiting jobs comes first. Callers take turns, whatever their priorities.",
    )
    segmenter: Segmenter = Segmenter.AUTO
    budget_seconds: int | None = Field(
        default=None,
        strict=True,
        ge=5,
        le=3600,
        description="What fine-tuning, segmenting and encoding may take together on the worker: fine-tuning "
        "ends early to keep it. Without it the preset alone decides.",
    )
    outputs: list[Output] = Field(default=DEFAULT_OUTPUTS, min_length=1, description="Which results to make.")
    overlay_color: str = Field(
        default="#1e90ff", pattern=r"^#[0-9a-fA-F]{6}$", description="Colour of the first object."
    )
    webhook: WebhookOptions | None = None
    metadata: dict[MetadataKey, MetadataValue] = Field(default={}, max_length=20)
    deadline_seconds: int | None = Field(
        default=None, strict=True, ge=1, description="Fail the job if it has not ended by then."
    )
    seed: int = Field(default=0, strict=True, ge=0, lt=2**31, description="Equal seeds, equal networks.")


UploadId = Annotated[str, StringConstraints(pattern=r"^upl_[0-9a-f]{32}$")]


class JobIn(Strict):
    """A job of files that were uploaded before."""

    video: UploadId
    mask: UploadId
    masks: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}$")], UploadId] = Field(
        default={}, max_length=1000, description="Masks of further frames, by their numbers from 0."
    )
    options: JobOptions = JobOptions()


class RefineIn(Strict):
    """Corrections of a job by masks that were uploaded before."""

    masks: dict[Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}$")], UploadId] = Field(
        min_length=1, max_length=1000, description="The right masks of frames, by their numbers from 0."
    )
    options: JobOptions = Field(
        default=JobOptions(), description="Only what is to be other than in the job that is refined."
    )


class ErrorOut(BaseModel):
    """Why a job failed."""

    code: str
    detail: str


class ResultOut(BaseModel):
    """One file a succeeded job has to give."""

    name: str
    bytes: int
    sha256: str
    media_type: str
    url: str


JOB_EXAMPLE: dict[str, Any] = {
    "id": "job_019aa3f1c2d48f0e1b2c3d4e5f60718293",
    "status": "running",
    "stage": "segmenting",
    "progress": 0.62,
    "eta_seconds": 21.4,
    "queue_position": None,
    "attempt": 1,
    "error": None,
    "created_at": "2026-11-20T12:00:00.000Z",
    "started_at": "2026-11-20T12:00:01.250Z",
    "finished_at": None,
    "deadline_at": None,
    "expires_at": None,
    "results": [],
    "options": {"preset": "balanced", "outputs": ["overlay.mp4"], "overlay_color": "#1e90ff", "seed": 0},
    "metadata": {"shot": "012"},
    "video": {"filename": "shot-012.mp4", "bytes": 1_048_576},
    "clip": {"width": 854, "height": 480, "frames": 50, "average_rate": "24"},
    "objects": 1,
    "timings": {},
    "cached": False,
    "refines": None,
    "annotated_frames": [0],
}


class VideoOut(BaseModel):
    """The clip as it was sent."""

    filename: str = Field(description="As its sender called it; may be empty.")
    bytes: int


class JobOut(BaseModel):
    """A job as it stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [JOB_EXAMPLE]})

    id: str
    status: Status
    stage: Stage | None = Field(description="What a running job does.")
    progress: float = Field(ge=0, le=1)
    eta_seconds: float | None = Field(description="Seconds until it ends, from its own measured pace.")
    queue_position: int | None = Field(description="1 for the next to run; null when it does not wait.")
    attempt: int = Field(description="How often a worker has claimed it.")
    error: ErrorOut | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    deadline_at: datetime | None
    expires_at: datetime | None = Field(description="When its files go: 410 from then on.")
    results: list[ResultOut]
    options: dict[str, Any]
    metadata: dict[str, str]
    video: VideoOut
    clip: dict[str, Any] = Field(description="What the service found in the clip.")
    objects: int = Field(description="How many objects the masks show.")
    timings: dict[str, float] = Field(description="Seconds each stage took, once it has succeeded.")
    cached: bool = Field(description="Whether the results are those of an equal job before.")
    refines: str | None = Field(description="The job that this one corrects; it may have been deleted.")
    annotated_frames: list[int] = Field(description="The frames whose masks were given.")


class JobPage(BaseModel):
    """Jobs, newest first."""

    jobs: list[JobOut]
    next_cursor: str | None = Field(description="Give it as `cursor` for the next page; null on the last.")


class Problem(BaseModel):
    """RFC 9457 problem details."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Unprocessable Entity",
                    "status": 422,
                    "detail": "The mask is 640×480 but the clip is 854×480. Export the mask at the clip's size.",
                    "code": "mask_wrong_size",
                    "instance": "/v1/jobs",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str = Field(description="What is wrong and what to do about it.")
    code: str = Field(description="Stable; made for programs.")
    instance: str
