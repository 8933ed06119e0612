"""The `rotomill` command."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from rotomill import webhooks
from rotomill.cli import app
from typer.testing import CliRunner, Result

from tests.client.service import FakeService

STORY: list[dict[str, Any]] = [
    {"status": "running", "stage": "segmenting", "progress": 0.5, "eta_seconds": 30, "queue_position": None},
    {"status": "succeeded", "stage": None, "progress": 1.0},
]


def run(service: FakeService, *arguments: object) -> Result:
    return CliRunner().invoke(app, [str(one) for one in arguments], env={"ROTOMILL_URL": service.url})


def test_submit_prints_the_id_alone_on_standard_output(service: FakeService, clip: Path, mask: Path) -> None:
    done = run(service, "submit", clip, mask)
    assert (done.exit_code, done.stdout) == (0, "job1\n")


def test_submit_passes_every_option_on(service: FakeService, clip: Path, mask: Path) -> None:
    options = "--preset best --outputs overlay.mp4,rle.json --color #00ff00 --webhook http://h --seed 1"
    more = f"--mask 4={mask} --meta a=b --meta c=d=e --deadline 60"
    assert run(service, "submit", clip, mask, *options.split(), *more.split()).exit_code == 0
    assert set(service.submissions[0].files) == {"video", "mask", "mask_4"}
    assert service.submissions[0].options == {
        "preset": "best",
        "outputs": ["overlay.mp4", "rle.json"],
        "overlay_color": "#00ff00",
        "webhook": {"url": "http://h"},
        "metadata": {"a": "b", "c": "d=e"},
        "deadline_seconds": 60,
        "seed": 1,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["submit", "missing.mp4", "missing.png"],
        ["submit", "CLIP", "MASK", "--mask", "MASK"],
        ["submit", "CLIP", "MASK", "--mask", "0=MASK"],
        ["submit", "CLIP", "MASK", "--mask", "3=missing.png"],
        ["submit", "CLIP", "MASK", "--meta", "novalue"],
        ["submit", "CLIP", "MASK", "--webhook-secret", "whsec_AAAA"],
        ["wait"],
        ["nonsense"],
    ],
)
def test_a_mistake_in_the_command_exits_with_2_before_anything_is_sent(
    service: FakeService, clip: Path, mask: Path, arguments: list[str]
) -> None:
    spelled = [one.replace("CLIP", str(clip)).replace("MASK", str(mask)) for one in arguments]
    assert run(service, *spelled).exit_code == 2
    assert service.requests == []


def test_submit_wait_and_download_in_one_go(
    service: FakeService, clip: Path, mask: Path, tmp_path: Path
) -> None:
    made = service.add_finished_job(poster__jpg=b"jpeg")
    service.jobs.clear()
    service.story = [STORY[0], {**STORY[1], "results": made["results"]}]
    done = run(service, "submit", clip, mask, "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert done.stdout.splitlines() == ["job1", str(tmp_path / "out" / "poster.jpg")]
    assert (tmp_path / "out" / "poster.jpg").read_bytes() == b"jpeg"
    assert "segmenting: 50%, 30 s left" in done.stderr.splitlines()


def test_a_failed_job_is_one_sentence_and_exit_code_1(service: FakeService) -> None:
    service.add_job(status="failed", error={"code": "mask_empty", "detail": "The mask marks nothing."})
    done = run(service, "wait", "job1")
    assert done.exit_code == 1
    assert done.stderr.splitlines()[-1] == "The mask marks nothing. (mask_empty)"


def test_json_is_all_that_is_on_standard_output(service: FakeService, clip: Path, mask: Path) -> None:
    service.story = STORY
    done = run(service, "submit", clip, mask, "--wait", "--json")
    assert json.loads(done.stdout)["status"] == "succeeded"
    assert json.loads(run(service, "show", "job1", "--json").stdout)["id"] == "job1"
    assert json.loads(run(service, "list", "--json").stdout)[0]["field_of_a_later_version"]


def test_list_filters_and_stops_at_the_limit(service: FakeService) -> None:
    for status in ("queued", "failed", "failed", "failed"):
        service.add_job(status=status)
    shown = run(service, "list", "--status", "failed", "--limit", "2").stdout
    assert "job2" in shown
    assert "job3" in shown
    assert "job1" not in shown
    assert "job4" not in shown


def test_list_searches(service: FakeService) -> None:
    for shot in ("harbour", "pier"):
        service.add_job(metadata={"shot": shot})
    found = json.loads(run(service, "list", "--search", "pier", "--json").stdout)
    assert [job["id"] for job in found] == ["job2"]


def test_show_names_what_matters(service: FakeService) -> None:
    service.add_finished_job(overlay__mp4=b"x" * 2500)
    service.jobs["job1"] |= {
        "timings": {"fine_tuning": 21.4},
        "clip": {"width": 480, "height": 270, "frames": 72, "codec": "h264"},
    }
    shown = run(service, "show", "job1").stdout
    for part in ("succeeded", "fine-tuning 21 s", "480x270, 72 frames, h264", "overlay.mp4", "2.5 kB"):
        assert part in shown


def test_cancel_and_delete_say_what_they_did(service: FakeService) -> None:
    service.add_job()
    assert "canceled" in run(service, "cancel", "job1").stderr
    assert "removed" in run(service, "delete", "job1").stderr
    again = run(service, "delete", "job1")
    assert (again.exit_code, "job_not_found" in again.stderr) == (1, True)


def test_download_prints_the_paths(service: FakeService, tmp_path: Path) -> None:
    service.add_finished_job(overlay__mp4=b"mp4", track__csv=b"csv")
    done = run(service, "download", "job1", "-o", tmp_path, "--name", "track.csv")
    assert done.stdout == f"{tmp_path / 'track.csv'}\n"


def test_deliveries_and_redeliver(service: FakeService) -> None:
    service.add_job()
    attempts: list[object] = [{"at": None, "status_code": 503, "error": None}]
    service.deliveries = [{"number": 2, "event": "job.failed", "url": "http://h", "attempts": attempts}]
    assert "503" in run(service, "deliveries", "job1").stdout
    assert run(service, "redeliver", "job1", "2").exit_code == 0
    assert service.requests[-1][1] == "/v1/jobs/job1/deliveries/2/redeliver"


def test_the_webhook_secret_is_printed_and_rotated(service: FakeService) -> None:
    assert run(service, "webhook-secret").stdout == "whsec_first\n"
    rotated = run(service, "webhook-secret", "--rotate")
    assert rotated.stdout == "whsec_number2\nwhsec_first\n"
    assert "signs too until 2026-11-21 10:00 UTC" in rotated.stderr
    shown = json.loads(run(service, "webhook-secret", "--json").stdout)
    assert [one["secret"] for one in shown] == ["whsec_number2", "whsec_first"]


def test_a_service_that_is_not_there_is_one_sentence() -> None:
    done = CliRunner().invoke(app, ["cancel", "x", "--url", "http://127.0.0.1:9"])
    assert done.exit_code == 1
    assert "No service answers at http://127.0.0.1:9" in done.stderr


def test_verify_webhook_reads_saved_headers(tmp_path: Path) -> None:
    body, secret, now = b'{"type": "job.succeeded"}', webhooks.new_secret(), int(time.time())
    signature = webhooks.sign(body, message_id="m", timestamp=now, secret=secret)
    (tmp_path / "body").write_bytes(body)
    lines = f"POST / HTTP/1.1\nWebhook-Id: m\nwebhook-timestamp: {now}\nwebhook-signature: {signature}\n"
    (tmp_path / "headers").write_text(lines)
    command = [
        "verify-webhook",
        str(tmp_path / "body"),
        "--header-file",
        str(tmp_path / "headers"),
        "--secret",
    ]
    good = CliRunner().invoke(app, [*command, secret])
    assert (good.exit_code, json.loads(good.stdout)) == (0, {"type": "job.succeeded"})
    bad = CliRunner().invoke(app, [*command, webhooks.new_secret()])
    assert (bad.exit_code, "webhook_signature_mismatch" in bad.stderr) == (1, True)


def test_ctrl_c_leaves_the_job_running_and_says_how_to_come_back(service: FakeService) -> None:
    service.add_job(status="running", stage="segmenting")
    service.streams = False
    command = [sys.executable, "-m", "rotomill.cli", "wait", "job1", "--url", service.url]
    waiting = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert waiting.stderr
    first = waiting.stderr.readline()
    waiting.send_signal(signal.SIGINT)
    _, rest = waiting.communicate(timeout=10)
    assert first.startswith("segmenting")
    assert waiting.returncode == 130
    assert f"rotomill wait job1 --url {service.url}" in rest
    assert "Traceback" not in rest
    assert service.jobs["job1"]["status"] == "running"
