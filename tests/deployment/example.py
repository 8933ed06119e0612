"""What .env.example lists: every setting, what the compose files themselves read, and what they pass on."""

from pathlib import Path

from pydantic_settings import BaseSettings

from api.settings import ApiSettings
from storage.settings import StorageSettings
from worker.settings import WorkerSettings

ROOT = Path(__file__).resolve().parents[2]
SETTINGS: tuple[tuple[str, type[BaseSettings]], ...] = (
    ("Storage", StorageSettings),
    ("API", ApiSettings),
    ("Workers", WorkerSettings),
)


# What the compose files themselves read, besides settings: the default that it has there, and what it is.
COMPOSE_VARIABLES = {
    "ROTOMILL_VERSION": ("0.1.0", "Tag of the images that are built and run."),
    "ROTOMILL_TORCH_INDEX": (
        "https://download.pytorch.org/whl/cpu",
        "Index that the worker's torch comes from: the build for CPUs.",
    ),
    "ROTOMILL_TORCH_GPU_INDEX": (
        "",
        "Index that worker-gpu's torch comes from. Empty: PyPI's, for the newest CUDA; else …/whl/cu126 and the like.",
    ),
    "ROTOMILL_OBJECTS_PORT": ("8333", "Port on which the object store is published."),
    "ROTOMILL_PROMETHEUS_PORT": ("9090", "Port on which Prometheus is published, on loopback."),
    "ROTOMILL_GRAFANA_PORT": ("3000", "Port on which Grafana is published, on loopback."),
    "ROTOMILL_API_MEMORY": ("2g", "Most memory of the API's container."),
    "ROTOMILL_WORKER_MEMORY": ("8g", "Most memory of each worker's container."),
    "ROTOMILL_REDIS_MEMORY": (
        "512mb",
        "Most memory of Redis's messages; full, it refuses more and evicts none.",
    ),
    "ROTOMILL_PRIVATE_ADDRESS": (
        "",
        "With deploy/compose/sharing.yml: this machine's address in the private network of the workers elsewhere.",
    ),
    "GOMP_SPINCOUNT": ("20000", "How long OpenMP's threads wait awake for each other, in turns of a loop."),
    "AWS_ENDPOINT": ("http://objects:8333", "The S3 store, as the services reach it."),
    "AWS_REGION": ("us-east-1", "Its region."),
    "AWS_ALLOW_HTTP": ("true", "Whether the store is reached without TLS."),
}

# What no file reads and every container gets: a number to begin with, and what it is.
PASSED_ON = {
    "OMP_NUM_THREADS": ("4", "Threads that one worker computes with. Left out: as many as there are cores."),
}

HEAD = """\
# Settings of the deployment. Copy to .env beside docker-compose.yml (`make serve` reads it too), take the # in front
# of a line away, change it, and `docker compose up -d`. A service on this machine's loopback needs none of it.
#
# Secrets are not here: the first start makes them (docs/decisions/0010-secrets-made-at-the-first-start.md).
# Those that name another server go here, with its password: ROTOMILL_DATABASE_URL, ROTOMILL_BROKER_URL,
# AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY. Keep the file to yourself: chmod 600 .env
"""


def example() -> str:
    lines = [HEAD, "# --- What the compose files themselves read, and pass on", ""]
    for name, (default, meaning) in (COMPOSE_VARIABLES | PASSED_ON).items():
        lines += [f"# {meaning}", f"#{name}={default}", ""]
    for title, settings in SETTINGS:
        lines += [f"# --- {title}", ""]
        for name, field in settings.model_fields.items():
            default = field.default if field.default is not None else ""
            lines += [f"# {field.description}", f"#ROTOMILL_{name.upper()}={default}", ""]
    return "\n".join(lines).rstrip() + "\n"


def setting_names() -> set[str]:
    return {f"ROTOMILL_{name.upper()}" for _, settings in SETTINGS for name in settings.model_fields}
