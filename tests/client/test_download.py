"""Downloading results."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rotomill import Client, DownloadFailed, JobFailed, NotReady

from tests.client.service import FakeService, described

CONTENT = os.urandom(100_000)


def test_results_are_stored_under_their_names(client: Client, service: FakeService, tmp_path: Path) -> None:
    service.add_finished_job(overlay__mp4=CONTENT, track__csv=b"")
    paths = client.download("job1", tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["overlay.mp4", "track.csv"]
    assert [path.read_bytes() for path in paths] == [CONTENT, b""]
    assert sorted(path.name for path in (tmp_path / "new" / "folder").iterdir()) == [
        "overlay.mp4",
        "track.csv",
    ]


def test_only_the_named_results_are_fetched(client: Client, service: FakeService, tmp_path: Path) -> None:
    job = service.add_finished_job(overlay__mp4=CONTENT, track__csv=b"x")
    assert client.download(job["id"], tmp_path, ["track.csv"]) == [tmp_path / "track.csv"]
    with pytest.raises(DownloadFailed, match=r"has no alpha.mov; it has overlay.mp4, track.csv"):
        client.download(job["id"], tmp_path, ["alpha.mov"])


def test_a_download_that_breaks_again_and_again_is_resumed_each_time(
    client: Client, service: FakeService, tmp_path: Path
) -> None:
    service.add_finished_job(overlay__mp4=CONTENT)
    service.bytes_per_answer = 30_000
    [path] = client.download("job1", tmp_path)
    assert path.read_bytes() == CONTENT
    ranges = [headers.get("range") for headers in service.asked("GET", "/results/")]
    assert ranges == [None, "bytes=30000-", "bytes=60000-", "bytes=90000-"]


def test_a_partial_file_of_an_earlier_run_is_continued(
    client: Client, service: FakeService, tmp_path: Path
) -> None:
    job = service.add_finished_job(overlay__mp4=CONTENT)
    part = tmp_path / f".overlay.mp4.{job['results'][0]['sha256'][:16]}.part"
    part.write_bytes(CONTENT[:99_000])
    told: list[int] = []
    [path] = client.download("job1", tmp_path, on_download=lambda _, count: told.append(count))
    assert path.read_bytes() == CONTENT
    assert told == [99_000, 100_000]
    assert not part.exists()


def test_a_partial_file_that_is_wrong_is_fetched_anew(
    client: Client, service: FakeService, tmp_path: Path
) -> None:
    job = service.add_finished_job(overlay__mp4=CONTENT)
    part = tmp_path / f".overlay.mp4.{job['results'][0]['sha256'][:16]}.part"
    for wrong in (b"x" * 50_000, b"x" * 100_000, b"x" * 200_000):
        part.write_bytes(wrong)
        (tmp_path / "overlay.mp4").unlink(missing_ok=True)
        [path] = client.download("job1", tmp_path)
        assert path.read_bytes() == CONTENT


def test_a_file_that_is_there_is_not_fetched_again(
    client: Client, service: FakeService, tmp_path: Path
) -> None:
    service.add_finished_job(overlay__mp4=CONTENT)
    client.download("job1", tmp_path)
    client.download("job1", tmp_path)
    assert len(service.asked("GET", "/results/")) == 1


def test_a_file_with_another_checksum_never_gets_its_name(
    client: Client, service: FakeService, tmp_path: Path
) -> None:
    service.add_finished_job(overlay__mp4=CONTENT)
    service.honest = False
    with pytest.raises(DownloadFailed) as caught:
        client.download("job1", tmp_path)
    assert caught.value.code == "checksum_mismatch"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../evil", "a/b", "..", "a\\b", ""])
def test_a_name_that_leaves_the_folder_is_refused(
    client: Client, service: FakeService, tmp_path: Path, name: str
) -> None:
    service.add_job(status="succeeded", results=[described(name, b"x")])
    with pytest.raises(DownloadFailed, match="not stored"):
        client.download("job1", tmp_path / "in")


def test_results_of_an_unfinished_or_failed_job_are_no_download(
    client: Client, service: FakeService, tmp_path: Path
) -> None:
    service.add_job(status="running")
    service.add_job(status="failed", error={"code": "x", "detail": "It broke."})
    with pytest.raises(NotReady, match="still running"):
        client.download("job1", tmp_path)
    with pytest.raises(JobFailed, match="It broke"):
        client.download("job2", tmp_path)
