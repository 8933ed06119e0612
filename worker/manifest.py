"""manifest.json: how the results came about, so that they can be checked and made again."""

import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from storage.objects import file_sha256
from worker.pipeline import Made, Order

NAME = "manifest.json"

LIBRARIES = ("torch", "av", "opencv-python-headless", "numpy")

MEDIA_TYPES = {
    ".mp4": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".zip": "application/zip",
    ".json": "application/json",
    ".csv": "text/csv",
    ".jpg": "image/jpeg",
}


def media_type(name: str) -> str:
    return MEDIA_TYPES[Path(name).suffix]


def write(made: Made, order: Order, folder: Path, timings: Mapping[str, float]) -> Path:
    """Write the manifest of what was made; sizes in bytes, times in seconds, SHA-256 in hex."""
    content: dict[str, Any] = {
        "clip": asdict(order.facts),
        "objects": order.objects,
        "annotated_frames": sorted(order.annotated),
        "refines": order.refines,
        "options": {
            "preset": order.preset,
            "segmenter": order.segmenter,
            "budget_seconds": order.budget_seconds,
            "outputs": sorted(order.outputs),
            "overlay_color": "#{:02x}{:02x}{:02x}".format(*order.overlay_color),
            "seed": order.seed,
        },
        "model": dict(made.model) | {"sha256": file_sha256(made.network)},
        "versions": {"python": platform.python_version()} | {name: version(name) for name in LIBRARIES},
        "timings": dict(timings),
        "audio": made.audio,
        "results": [_result(name, path) for name, path in made.files.items()],
    }
    path = folder / NAME
    path.write_text(json.dumps(content, indent=2) + "\n")
    return path


def _result(name: str, path: Path) -> dict[str, Any]:
    return {
        "name": name,
        "bytes": path.stat().st_size,
        "sha256": file_sha256(path),
        "media_type": media_type(name),
    }
