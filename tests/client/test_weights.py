"""Weights arrive whole and right, or not at all."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rotomill import Retry, weights
from rotomill.cli import app
from rotomill.weights import Published, WeightsFailed
from typer.testing import CliRunner

CONTENT = bytes(range(256)) * 2000
QUICK = Retry(attempts=3, sleep=lambda seconds: None)


@dataclass
class Mirror:
    """Serves CONTENT, or what it is told to."""

    url: str = ""
    content: bytes = CONTENT
    breaks_after: list[int] = field(default_factory=list)
    status: int = 200
    ranges: list[str] = field(default_factory=list)
    resumes: bool = True

    @property
    def published(self) -> Published:
        return Published("net.pth", self.url, len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    told = Mirror()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            told.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").removesuffix("-") or 0) if told.resumes else 0
            body = told.content[start:]
            self.send_response(told.status if told.status != 200 else 206 if start else 200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: told.breaks_after.pop(0)] if told.breaks_after else body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told.url = f"http://127.0.0.1:{server.server_port}/net.pth"
        yield told
        server.shutdown()


def test_the_file_arrives_with_its_bytes_counted(mirror: Mirror, tmp_path: Path) -> None:
    counts: list[int] = []
    path = weights.pull(mirror.published, tmp_path / "new", on_bytes=counts.append)
    assert path == tmp_path / "new" / "net.pth"
    assert path.read_bytes() == CONTENT
    assert counts == sorted(counts)
    assert counts[-1] == len(CONTENT)


def test_what_is_there_is_not_fetched_again(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(CONTENT)
    weights.pull(mirror.published, tmp_path)
    assert not mirror.ranges


def test_a_damaged_file_is_fetched_anew(mirror: Mirror, tmp_path: Path) -> None:
    (tmp_path / "net.pth").write_bytes(CONTENT[:-1])
    assert weights.pull(mirror.published, tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("resumes", [True, False])
def test_a_broken_download_goes_on(mirror: Mirror, tmp_path: Path, resumes: bool) -> None:
    """From where it ended, with a server that can; from the beginning, with one that cannot."""
    mirror.breaks_after, mirror.resumes = [300_000], resumes
    assert weights.pull(mirror.published, tmp_path, retry=QUICK).read_bytes() == CONTENT
    first, second = mirror.ranges
    assert first == ""
    assert int(second.removeprefix("bytes=").removesuffix("-")) > 0


def test_a_later_call_goes_on_too(mirror: Mirror, tmp_path: Path) -> None:
    mirror.breaks_after = [200_000]
    with pytest.raises(WeightsFailed, match=r"cannot be fetched|ended early"):
        weights.pull(mirror.published, tmp_path, retry=Retry(attempts=1))
    assert not (tmp_path / "net.pth").exists()
    assert weights.pull(mirror.published, tmp_path).read_bytes() == CONTENT
    assert mirror.ranges[-1].startswith("bytes=")


@pytest.mark.parametrize("length", [len(CONTENT), len(CONTENT) + 5, len(CONTENT) - 5])
def test_another_file_is_not_kept(mirror: Mirror, tmp_path: Path, length: int) -> None:
    mirror.content = b"x" * length
    with pytest.raises(WeightsFailed):
        weights.pull(mirror.published, tmp_path, retry=QUICK)
    assert not (tmp_path / "net.pth").exists()
    mirror.content = CONTENT
    (tmp_path / ".net.pth.part").unlink(missing_ok=True)
    assert weights.pull(mirror.published, tmp_path, retry=QUICK).read_bytes() == CONTENT


def test_an_answer_that_is_no_file_says_what_to_do(mirror: Mirror, tmp_path: Path) -> None:
    mirror.status = 404
    with pytest.raises(WeightsFailed, match=r"404.*--from") as caught:
        weights.pull(mirror.published, tmp_path, retry=QUICK)
    assert caught.value.code == "weights_unreachable"
    assert len(mirror.ranges) == 1


def test_nobody_there(tmp_path: Path) -> None:
    nowhere = Published("net.pth", "http://127.0.0.1:9/net.pth", 5, "0" * 64)
    with pytest.raises(WeightsFailed, match="cannot be fetched"):
        weights.pull(nowhere, tmp_path, retry=QUICK)


def test_a_file_that_one_has(mirror: Mirror, tmp_path: Path) -> None:
    mine = tmp_path / "mine.pth"
    mine.write_bytes(CONTENT)
    path = weights.pull(mirror.published, tmp_path / "kept", str(mine))
    assert path.read_bytes() == CONTENT
    assert not mirror.ranges


def test_the_command_prints_the_path(mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "RESNET18", mirror.published)
    done = CliRunner().invoke(app, ["weights", "pull"], env={"ROTOMILL_WEIGHTS_DIR": str(tmp_path)})
    assert (done.exit_code, done.stdout.replace("\n", "")) == (0, str(tmp_path / "net.pth"))


def test_the_command_fails_with_a_sentence(
    mirror: Mirror, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weights, "RESNET18", replace(mirror.published, sha256="0" * 64))
    done = CliRunner().invoke(app, ["weights", "pull", "--to", str(tmp_path), "--from", mirror.url])
    assert done.exit_code == 1
    assert "checksum_mismatch" in done.stderr
    missing = CliRunner().invoke(app, ["weights", "pull", "--to", str(tmp_path), "--from", "none.pth"])
    assert missing.exit_code == 1
    assert "none.pth" in missing.stderr
    assert not (tmp_path / "net.pth").exists()
