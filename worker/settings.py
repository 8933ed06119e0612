"""How workers run: the broker, the network, leases, and what a webhook is signed with."""

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from storage.settings import StorageSettings

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

    heartbeat_seconds: float = 2.0
    """How often a running job renews its lease, stores progress and reads the cancel flag (cancel: < 5 s)."""

    lease_seconds: float = 30.0
    """How long a silent worker keeps its job: fifteen missed heartbeats."""

    webhook_secret: str = ""
    """What deliveries are signed with (`whsec_…`). Empty: made once, in `webhook_secret` in the data folder."""

    webhook_timeout_seconds: float = 15.0
    """How long a receiver may take to answer; Standard Webhooks advises 15–30 s."""

    network_cache_days: float = 7.0
    """How long a fine-tuned network is kept for later jobs with the same clip and masks."""

    upload_idle_seconds: float = 3600.0
    """After this long without a change, objects that no job refers to are swept away."""

    log_json: bool | None = None
    """Log lines as JSON, or as plain text. Empty: plain on a terminal, else JSON."""

    log_level: str = "INFO"
    """Least level that is logged."""

    @property
    def model_tag(self) -> str:
        """What, besides a job's own content, its results depend on."""
        return (
            f"{RESULTS_VERSION}:{self.tier}:{self.backbone}:{self.parent_weights or ''}:{self.parent_sha256}"
        )


def broker_address(worker: WorkerSettings, storage: StorageSettings) -> tuple[str, dict[str, object]]:
    """Celery's broker address and transport options."""
    if worker.broker_url:
        # no task is ever redelivered by the broker: tasks are acknowledged on receipt, leases recover jobs
        return worker.broker_url, {"visibility_timeout": 24 * 3600, "health_check_interval": 30}
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
