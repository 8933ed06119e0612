"""The client stands alone."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import rotomill

PROJECT = Path(__file__).resolve().parents[2] / "api" / "client" / "pyproject.toml"


def test_it_imports_nothing_of_the_service() -> None:
    """Only httpx, typer, rich and what they bring; in an empty folder, as a user would."""
    program = (
        "import rotomill.cli, rotomill.webhooks, sys;"
        "print({name.partition('.')[0] for name in sys.modules} & set(sys.argv[1:]))"
    )
    foreign = ["api", "worker", "model", "storage", "demo", "torch", "numpy", "fastapi", "standardwebhooks"]
    found = subprocess.run(
        [sys.executable, "-c", program, *foreign], cwd="/", capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "set()"


def test_its_version_is_the_wheels() -> None:
    assert tomllib.loads(PROJECT.read_text())["project"]["version"] == rotomill.__version__
