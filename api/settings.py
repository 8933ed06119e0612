"""What the API listens on and what it accepts."""

from urllib.parse import urlsplit

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker import addresses


class ApiSettings(BaseSettings):
    """Read once at each entry point (environment variables with the prefix ROTOMILL_) and passed in."""

    model_config = SettingsConfigDict(
        env_prefix="ROTOMILL_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    host: str = "127.0.0.1"
    """Address to listen on. On any other than loopback, callers need API keys."""

    port: int = 8000
    """Port to listen on."""

    exposed_on: str = ""
    """Address at which callers reach the port, where that is another than `host`: a container's published one."""

    api_keys_required: bool | None = None
    """Whether callers need an API key. Empty: unless only this machine can call. `false` is refused elsewhere."""

    allowed_hosts: str = ""
    """Names, with commas, by which an open service may be called besides `localhost` and that of `public_url`."""

    public_url: str = ""
    """How callers reach the API, for links in webhooks (`https://…`, no slash at its end). Empty: as asked."""

    metrics_host: str = "127.0.0.1"
    """Address that `metrics_port` is bound to."""

    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Port on which Prometheus scrapes the API, besides its own; 0: none. Never publish it."""

    metrics_token: str = ""
    """Bearer token for `/metrics` on the API's own port. Empty: only without API keys, on this machine."""

    max_video_bytes: int = 2 * 1024**3
    """Largest clip, in bytes: 2 GiB is about an hour of 1080p from a phone."""

    max_mask_bytes: int = 32 * 1024**2
    """Largest mask file, in bytes: an uncompressed 4K picture."""

    max_masks: int = 100
    """Most annotated frames of one job."""

    max_pixels: int = 3840 * 2160
    """Largest frame, in pixels: 4K."""

    max_frames: int = 18_000
    """Longest clip, in frames: ten minutes at 30 per second."""

    max_seconds: float = 600.0
    """Longest clip, in seconds."""

    requests_per_minute: int = Field(default=600, ge=0)
    """Requests that one API key may send in a minute; 0: any number."""

    max_active_jobs: int = Field(default=100, ge=0)
    """Jobs that one owner of API keys may have queued and running at once; 0: any number."""

    max_jobs_per_day: int = Field(default=1000, ge=0)
    """Jobs that one owner of API keys may submit in a day (UTC); 0: any number."""

    max_stored_bytes: int = Field(default=100 * 1024**3, ge=0)
    """Bytes of uploads and results that one owner of API keys may have stored; 0: any number."""

    max_uploads: int = Field(default=1000, ge=0)
    """Uploads (`POST /v1/uploads`) that one owner of API keys may have, complete or not; 0: any number."""

    max_uploads_at_once: int = Field(default=8, ge=1)
    """Bodies that one process receives from one owner at once; more wait a little, and are then refused."""

    max_streams_at_once: int = Field(default=100, ge=1)
    """Event streams that one process holds open for one owner."""

    least_bytes_per_second: int = Field(default=1024, ge=1)
    """A body that comes slower than this, on average over `body_patience_seconds`, is cut off."""

    body_patience_seconds: float = Field(default=30.0, gt=0)
    """How long a body may pause."""

    results_kept_days: float = 30.0
    """How long a job's files are kept after its end (`expires_at`); 0: until the job is deleted."""

    upload_kept_hours: float = Field(default=24.0, gt=0)
    """How long an upload (`POST /v1/uploads`) may take to be complete, and then waits for its job (`expires_at`)."""

    max_deadline_seconds: int = 7 * 24 * 3600
    """Latest deadline a caller may set, in seconds from now."""

    inspection_timeout_seconds: float = 60.0
    """How long the child process that looks at an upload may take."""

    inspections_at_once: int = 2
    """How many such child processes may run at the same time."""

    pictures_at_once: int = 2
    """How many child processes may decode single frames of clips (`…/frames/{n}`) at the same time."""

    suggestions_at_once: int = 2
    """How many child processes may find objects in boxes (`POST /v1/masks/suggest`) at the same time."""

    @property
    def clip_limits(self) -> dict[str, float]:
        """What a clip may have, as what reads it is told (`worker.media.ClipLimits`)."""
        return {"pixels": self.max_pixels, "frames": self.max_frames, "seconds": self.max_seconds}

    @property
    def reached_on(self) -> str:
        """The address at which callers reach the port."""
        return self.exposed_on or self.host

    @property
    def is_local(self) -> bool:
        """Whether nobody but this machine can call, as far as the settings say."""
        named = urlsplit(self.public_url).hostname
        return addresses.is_loopback(self.reached_on) and (named is None or addresses.is_loopback(named))

    @property
    def keys_required(self) -> bool:
        """Whether callers need an API key."""
        return not self.is_local if self.api_keys_required is None else self.api_keys_required
