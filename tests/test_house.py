"""The traps of short top-level names, and what importing costs."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", ["api", "worker", "model", "storage"])
def test_our_packages_are_ours(name: str) -> None:
    """An installed third-party `api` would shadow ours."""
    found = importlib.import_module(name).__file__
    assert found is not None
    assert Path(found).is_relative_to(ROOT)


def test_the_api_loads_neither_torch_nor_media_libraries() -> None:
    code = (
        "import api.main, sys; print([name for name in ('torch', 'cv2', 'av', 'PIL') if name in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"


def test_the_courier_and_the_inspection_load_no_torch() -> None:
    code = "import worker.tasks, worker.inspection, sys; print('torch' in sys.modules)"
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "False"
