"""The API on a database and store of its own, and what a caller would send it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from fastapi.testclient import TestClient

from api.dependencies import Services
from tests.worker.clips import box_mask, make_clip

# the least that S3 takes but for the last: so that tests are quick
PART_BYTES = 5 * 1024**2


@dataclass
class Service:
    """A client of the API, and what lies behind it."""

    client: TestClient
    services: Services
    folder: Path
    hints: list[str] = field(default_factory=list)

    def submit(
        self,
        *,
        video: bytes | None = None,
        mask: bytes | None = None,
        options: object = None,
        headers: dict[str, str] | None = None,
        masks: dict[int, bytes] | None = None,
    ) -> httpx.Response:
        """POST /v1/jobs with a good clip and mask in place of what is not given."""
        files: dict[str, Any] = {
            "video": ("clip.mp4", self.clip() if video is None else video),
            "mask": ("mask.png", box_mask() if mask is None else mask),
        }
        files |= {f"mask_{frame}": (f"{frame}.png", data) for frame, data in (masks or {}).items()}
        text = options if isinstance(options, str) else json.dumps(options)
        data = {} if options is None else {"options": text}
        response: httpx.Response = self.client.post("/v1/jobs", files=files, data=data, headers=headers)
        return response

    def clip(self) -> bytes:
        path = self.folder / "clip.mp4"
        if not path.exists():
            make_clip(path)
        return path.read_bytes()

    def nothing_is_left(self) -> bool:
        """No row, and no file in the object store, half-written ones included."""
        left = [path for path in (self.folder / "objects").rglob("*") if path.is_file()]
        return not left and self.client.get("/v1/jobs").json()["jobs"] == []


def problem(response: httpx.Response) -> tuple[int, str]:
    """Status and code of a refusal, once it has the shape that all of them have."""
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert set(body) == {"type", "title", "status", "detail", "code", "instance"}
    assert body["status"] == response.status_code
    assert len(body["detail"]) > 20
    return response.status_code, body["code"]
