"""How workers run: the broker, the network, leases, and what a webhook is signed with."""

from datetime import timedelta
from pathlib import Path
from typing import Self

from pydantic import AliasChoices, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from storage.settings import StorageSettings
from worker.addresses import Policy
from worker.signing import Signing, is_secret

# Raise when the same clip, masks and options would give other results: it keeps old ones out of the cache.
RESULTS_VERSION = 2


class WorkerSettings(BaseSettings):
    """Read once at each entry point (environment variables with the prefix ROTOMILL_) and passed in."""

    model_config = SettingsConfigDict(
        env_prefix="ROTOMILL_",
        env_file=".env",
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
    )

    broker_url: str = ""
    """Celery broker. Empty: files in the data folder, which need no server. Redis: redis://host:6379/0"""

    device: str = "auto"
    """`auto`, `cpu`, `cuda` or `cuda:N`."""

    tier: str = "auto"
    """Of the tracking network: `compact`, `standard`, or `auto`: standard where ImageNet's ResNet-18 is there."""

    weights_dir: Path = Path("data/weights")
    """Folder of downloaded weights, which `rotomill weights pull` fills."""

    backbone: str = "auto"
    """Of OSVOS: `compact`, `vgg16`, or `auto`: vgg16 where its weights and a GPU are there, else compact."""

    parent_weights: Path | None = None
    """A parent network to start from: OSVOS's published parent, torchvision's VGG-16, or one of ours."""

    parent_sha256: str = ""
    """The SHA-256 that the file of `parent_weights` must have; empty: not checked."""

    work_dir: Path | None = None
    """Where a running job keeps its files. Empty: the system's folder for temporary files."""

    heartbeat_file: Path | None = None
    """A file that worker, courier and beat touch while their loop turns, for health checks. Empty: none."""

    media_memory_bytes: int = 8 * 1024**3
    """Address space of a process that reads a job's clip or masks: all three videos of a 4K clip take 3.8 GB."""

    media_cpu_seconds: float = 60.0
    """Processor time that such a process may take for any clip, in seconds."""

    media_cpu_seconds_per_megapixel: float = 20.0
    """And for each million pixels of the clip's frames: the slowest result, alpha.webm, takes about 1.5 s."""

    media_stall_seconds: float = 300.0
    """How long such a process may say nothing, in seconds: one frame of 4K takes a few."""

    heartbeat_seconds: float = 2.0
    """How often a running job renews its lease, stores progress and reads the cancel flag (cancel: < 5 s)."""

    lease_seconds: float = 30.0
    """How long a silent worker keeps its job: fifteen missed heartbeats."""

    webhook_secret: str = ""
    """What deliveries of a service without API keys are signed with (`whsec_…`). Empty: made once, in the database."""

    webhook_secret_overlap_hours: float = Field(default=24.0, ge=0, le=24 * 30)
    """How long a webhook secret goes on to sign beside the one that replaced it."""

    webhook_timeout_seconds: float = Field(default=15.0, gt=0, le=60)
    """How long an attempt may take in all, from the look-up of the name to the answer; Standard Webhooks: 15–30 s."""

    webhook_senders: int = Field(default=3, ge=1)
    """Deliveries that one courier sends at once. Fewer than its threads: recovery must not wait for a receiver."""

    webhook_allow_http: bool = False
    """Whether webhooks may go to http:// addresses. `make serve` on loopback allows it, unless this is set."""

    webhook_allowed_networks: str = ""
    """Denied networks that webhooks may go to: `10.1.0.0/16,fd00:1::/64`. `make serve` on loopback: the loopback."""

    webhook_denied_networks: str = ""
    """Networks that webhooks may not go to, besides all that are not public: your own public ones."""

    network_cache_days: float = 7.0
    """How long a fine-tuned network is kept for later jobs with the same clip and masks."""

    records_kept_days: float = 90.0
    """How long the record of a job stays after its files have expired, so that its id is answered 410, not 404."""

    upload_idle_seconds: float = 3600.0
    """After this long without a change, objects that no job refers to are swept away."""

    metrics_host: str = "127.0.0.1"
    """Address that `metrics_port` is bound to."""

    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Port on which a worker and a courier serve Prometheus `/metrics`; 0: none. `make serve` gives each its own."""

    otlp_endpoint: str = Field(
        default="", validation_alias=AliasChoices("ROTOMILL_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
    )
    """Where OpenTelemetry traces go, by OTLP over HTTP: `http://collector:4318`. Empty: nowhere."""

    log_json: bool | None = None
    """Log lines as JSON, or as plain text. Empty: plain on a terminal, else JSON."""

    log_level: str = "INFO"
    """Least level that is logged."""

    @model_validator(mode="after")
    def _check_webhooks(self) -> Self:
        if self.webhook_secret and not is_secret(self.webhook_secret):
            raise ValueError("ROTOMILL_WEBHOOK_SECRET must be `whsec_` and 24 to 64 random bytes in base64")
        try:
            self.webhook_policy  # noqa: B018 — it is there to raise
        except ValueError as error:
            raise ValueError(f"a network of ROTOMILL_WEBHOOK_…_NETWORKS is not one: {error}") from error
        return self

    @property
    def webhook_policy(self) -> Policy:
        """Which receivers deliveries may go to."""
        return Policy.of(
            allow_http=self.webhook_allow_http,
            allowed=self.webhook_allowed_networks,
            denied=self.webhook_denied_networks,
        )

    @property
    def model_tag(self) -> str:
        """What, besides a job's own content, its results depend on."""
        return (
            f"{RESULTS_VERSION}:{self.tier}:{self.backbone}:{self.parent_weights or ''}:{self.parent_sha256}"
        )


REDIS_OPTIONS: dict[str, object] = {
    # no task is ever redelivered by the broker: tasks are acknowledged on receipt, leases recover jobs
    "visibility_timeout": 24 * 3600,
    "health_check_interval": 30,
    # a Redis that takes connections and says nothing must not hold the API's threads
    "socket_connect_timeout": 3,
    "socket_timeout": 5,
    "socket_keepalive": True,
}


def broker_address(worker: WorkerSettings, storage: StorageSettings) -> tuple[str, dict[str, object]]:
    """Celery's broker address and transport options."""
    if worker.broker_url:
        return worker.broker_url, REDIS_OPTIONS if worker.broker_url.startswith("redis") else {}
    folder = storage.data_dir.resolve() / "broker"
    for name in ("messages", "control"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    options: dict[str, object] = {
        "data_folder_in": str(folder / "messages"),
        "data_folder_out": str(folder / "messages"),
        "control_folder": str(folder / "control"),
        "polling_interval": 0.1,
    }
    return "filesystem://localhost", options


def signing(worker: WorkerSettings, storage: StorageSettings) -> Signing:
    """How deliveries are signed; without a setting, a service of an earlier version goes on with the file it made."""
    file = storage.data_dir / "webhook_secret"
    configured = worker.webhook_secret or (file.read_text().strip() if file.is_file() else "")
    return Signing(configured, timedelta(hours=worker.webhook_secret_overlap_hours))
