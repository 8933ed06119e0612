"""`rotomill admin`: hands over to the service's own command, where the service's code is on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from rotomill.errors import RotomillError

HOME = "ROTOMILL_HOME"


def run(words: Sequence[str]) -> int:
    """Run the command in the service's folder, where its settings are; return its exit code."""
    folder = service_folder()
    if folder is None:
        raise RotomillError(
            "service_not_here",
            "`rotomill admin` works straight in the service's database: run it on a machine of the service, in its "
            f"folder, or name that folder in {HOME}. In a container: `docker compose exec api rotomill admin`.",
        )
    own = folder / ".venv" / "bin" / "python"
    python = str(own) if own.is_file() else sys.executable
    return subprocess.run([python, "-m", "api.admin", *words], cwd=folder, check=False).returncode  # noqa: S603 - the service's own command


def service_folder() -> Path | None:
    """The folder of the service's code: the one that is named, the one we are part of, or the current one."""
    named = os.environ.get(HOME)
    folders = [Path(named)] if named else [Path(__file__).resolve().parents[3], Path.cwd()]
    return next((one for one in folders if (one / "api" / "admin" / "__main__.py").is_file()), None)
