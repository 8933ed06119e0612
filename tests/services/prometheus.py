"""A Prometheus of a test's own: the deployment's configuration, with this machine's ports and short intervals."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.services.server import ROOT, Server, free_port, running

DEPLOYED = ROOT / "deploy" / "prometheus"


def binary() -> str | None:
    return shutil.which("prometheus")


@contextmanager
def prometheus(place: Path, targets: Mapping[str, int]) -> Iterator[str]:
    """The address of one that scrapes, each second, the deployment's jobs at these ports of this machine."""
    port = free_port()
    (place / "prometheus.yml").write_text(yaml.safe_dump(_configuration(targets)))
    command = [
        binary() or "prometheus",
        f"--config.file={place / 'prometheus.yml'}",
        f"--storage.tsdb.path={place / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    url = f"http://127.0.0.1:{port}"
    with running(Server("prometheus", command, place, lambda: _is_ready(url))):
        yield url


def _configuration(targets: Mapping[str, int]) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((DEPLOYED / "prometheus.yml").read_text())
    found["global"] |= {"scrape_interval": "1s", "evaluation_interval": "1s"}
    found["rule_files"] = [str(DEPLOYED / name) for name in found["rule_files"]]
    found["scrape_configs"] = [
        {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{targets[name]}"]}]}
        for name in (job["job_name"] for job in found["scrape_configs"])
    ]
    return found


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/-/ready", timeout=2).status_code == httpx.codes.OK
    except httpx.HTTPError:
        return False
