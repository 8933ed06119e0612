"""What the API listens on and what it accepts."""

from pydantic_settings import BaseSettings, SettingsConfigDict


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
    """Address to listen on. There are no keys yet: keep it on loopback, or behind something that has them."""

    port: int = 8000
    """Port to listen on."""

    public_url: str = ""
    """How callers reach the API, for links in webhooks (`https://…`, no slash at its end). Empty: as asked."""

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

    results_kept_days: float = 30.0
    """How long a job's files are kept after its end (`expires_at`); 0: until the job is deleted."""

    max_deadline_seconds: int = 7 * 24 * 3600
    """Latest deadline a caller may set, in seconds from now."""

    inspection_timeout_seconds: float = 60.0
    """How long the child process that looks at an upload may take."""

    inspections_at_once: int = 2
    """How many such child processes may run at the same time."""
