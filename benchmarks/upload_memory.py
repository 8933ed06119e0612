"""`python -m benchmarks.upload_memory`: what a 2 GiB clip costs the API, as a form, in parts, and in parts
that all go through the API, on folder and S3.

The clip is a real one, followed by a box of zeros that players skip. Figures: the most memory that the API's process
has had (VmHWM), and the seconds until the job was accepted.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rotomill import Client

from tests.services import s3
from tests.services.server import ROOT, Server, free_port, running
from tests.worker.clips import box_mask, make_clip

MIB = 1024**2

# parts on their way to the API
AT_ONCE = 4

app = typer.Typer(add_completion=False)


@app.command()
def main(
    mebibytes: Annotated[int, typer.Option(help="size of the clip")] = 2048,
    stores: Annotated[str, typer.Option(help="which object stores, with commas")] = "folder,rclone",
    ways: Annotated[str, typer.Option(help="how it is sent, with commas")] = "form,parts,through",
    folder: Annotated[Path | None, typer.Option(help="where there is room for four times the clip")] = None,
) -> None:
    """Print a line for each store and way."""
    with tempfile.TemporaryDirectory(prefix="rotomill-upload-", dir=folder) as place:
        clip, mask = _clip(Path(place), mebibytes * MIB), Path(place, "mask.png")
        mask.write_bytes(box_mask())
        print("| store | way | at rest, MiB | most, MiB | seconds |\n|---|---|---|---|---|")
        for store in stores.split(","):
            for way in ways.split(","):
                print(_measured(Path(place), store, way, clip, mask), flush=True)


def _clip(place: Path, size: int) -> Path:
    path = place / "clip.mp4"
    make_clip(path)
    with path.open("r+b") as file:
        start = file.seek(0, os.SEEK_END)
        # of 64-bit size, of no meaning
        file.write((1).to_bytes(4, "big") + b"free" + (size - start).to_bytes(8, "big"))
        file.truncate(size)
    return path


def _measured(place: Path, store: str, way: str, clip: Path, mask: Path) -> str:
    with (
        tempfile.TemporaryDirectory(dir=place) as data,
        _environment(store, Path(data)) as environment,
        _api(Path(data), environment) as (server, url),
        Client(url, timeout_seconds=600) as client,
    ):
        at_rest = _peak_mib(server.pid)
        begun = time.monotonic()
        try:
            if way == "through":
                _send_through(url, clip, mask)
            else:
                client.submit(clip, mask, upload=way == "parts")
        except Exception:
            print(server.log.read_text()[-4000:], file=sys.stderr)
            raise
        seconds = time.monotonic() - begun
        return f"| {store} | {way} | {at_rest} | {_peak_mib(server.pid)} | {seconds:.0f} |"


def _send_through(url: str, clip: Path, mask: Path) -> None:
    """As the page does: all parts to the API, some at once."""
    with httpx.Client(base_url=url, timeout=600) as http, ThreadPoolExecutor(AT_ONCE) as pool:
        ids = []
        for path in (clip, mask):
            asked = {"filename": path.name, "bytes": path.stat().st_size}
            upload = http.post("/v1/uploads", json=asked).raise_for_status().json()
            address = f"/v1/uploads/{upload['id']}"
            parts = http.get(f"{address}/parts", params={"through": "api", "count": "1000"}).json()["parts"]
            size = upload["part_bytes"]

            def put(part: dict[str, Any], path: Path = path, size: int = size) -> None:
                with path.open("rb") as file:
                    file.seek((part["number"] - 1) * size)
                    http.put(part["url"], content=file.read(part["bytes"])).raise_for_status()

            list(pool.map(put, parts))
            http.post(f"{address}/complete", json={}).raise_for_status()
            ids.append(upload["id"])
        http.post("/v1/jobs", json={"video": ids[0], "mask": ids[1]}).raise_for_status()


@contextmanager
def _environment(store: str, data: Path) -> Iterator[Mapping[str, str]]:
    ours = {"ROTOMILL_DATA_DIR": str(data), "ROTOMILL_LOG_LEVEL": "WARNING"}
    # rclone reads an object through for its ETag before it answers a request for a range of it
    ours["ROTOMILL_INSPECTION_TIMEOUT_SECONDS"] = "600"
    if store == "folder":
        yield ours
        return
    # its files go where the clip is
    tempfile.tempdir = str(data)
    try:
        with {"rclone": s3.rclone, "moto": s3.moto}[store]() as server:
            yield ours | server.environment | {"ROTOMILL_OBJECTS_URL": server.address}
    finally:
        tempfile.tempdir = None


@contextmanager
def _api(data: Path, environment: Mapping[str, str]) -> Iterator[tuple[Server, str]]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    migrate = [sys.executable, "-m", "storage", "migrate"]
    subprocess.run(migrate, cwd=ROOT, env={**os.environ, **environment}, check=True, capture_output=True)  # noqa: S603 — our own command line
    command = [sys.executable, "-m", "uvicorn", "--factory", "api.main:create_app", "--port", str(port)]
    server = Server("api", [*command, "--no-access-log"], data, lambda: _answers(url), environment, cwd=ROOT)
    with running(server):
        yield server, url


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/livez", timeout=5).is_success
    except httpx.HTTPError:
        return False


def _peak_mib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) // 1024


if __name__ == "__main__":
    app()
