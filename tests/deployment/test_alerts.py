"""Each alert fires when that which it is for has happened, and not before: on made-up series, by promtool."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.deployment.test_observability import ALERTS, rules
from tests.services.need import need

POLLS = 'rotomill_http_request_duration_seconds_bucket{route="/v1/jobs/{job_id}", method="GET", le="LE"}'

# What has gone wrong, in promtool's notation: value, and change every 15 s, so often.
WRONG: dict[str, dict[str, str]] = {
    "RotomillApiDown": {'up{job="rotomill-api"}': "0x40"},
    "RotomillCourierDown": {'up{job="rotomill-worker"}': "1x40"},
    "RotomillNoWorkers": {"rotomill_workers_present": "0x40", 'rotomill_queue_jobs{priority="low"}': "3x40"},
    "RotomillTargetDown": {'up{job="rotomill-worker", instance="one"}': "0x40"},
    "RotomillHeartbeatMissing": {
        'rotomill_task_last_success_timestamp_seconds{task="rotomill.recover"}': "100x40"
    },
    "RotomillTasksFailing": {
        'rotomill_tasks_total{task="rotomill.sweep", state="failure"}': "0x4 1x40",
    },
    "RotomillQueueOld": {"rotomill_queue_oldest_age_seconds": "2000x40"},
    "RotomillWorkersLost": {"rotomill_workers_lost_total": "0x4 5x40"},
    "RotomillLeasesExpired": {"rotomill_expired_leases": "1x40"},
    "RotomillJobsFailing": {
        'rotomill_jobs_ended_total{status="failed", code="internal_error"}': "0+1x40",
        'rotomill_jobs_ended_total{status="succeeded", code=""}': "0+2x40",
    },
    "RotomillGpuMemoryLow": {
        'rotomill_gpu_memory_bytes{kind="free", instance="one"}': "1000x40",
        'rotomill_gpu_memory_bytes{kind="total", instance="one"}': "80000x40",
    },
    "RotomillDeliveriesStuck": {"rotomill_delivery_overdue_seconds": "900x40"},
    "RotomillDeliveriesGivenUp": {'rotomill_delivery_attempts_total{outcome="failed"}': "0x4 1x40"},
    "RotomillApiErrors": {
        'rotomill_http_requests_total{route="/v1/jobs", method="POST", status="5xx"}': "0+1x40",
        'rotomill_http_requests_total{route="/v1/jobs", method="POST", status="2xx"}': "0+9x40",
    },
    "RotomillApiSlow": {
        POLLS.replace("LE", le): f"0+{polls}x80" for le, polls in {"1": 90, "2.5": 100, "+Inf": 100}.items()
    },
    "RotomillInspectionsFailing": {'rotomill_inspections_total{outcome="failed"}': "0x4 5x40"},
    "RotomillDatabaseDown": {"rotomill_database_up": "0x40"},
    "RotomillDependencyDown": {'rotomill_dependency_up{dependency="objects"}': "0x40"},
    "RotomillDiskFilling": {
        'rotomill_disk_free_bytes{place="work"}': "5x40",
        'rotomill_disk_size_bytes{place="work"}': "100x40",
    },
}

# And what is as it should be, or nobody's alert.
RIGHT: dict[str, dict[str, str]] = {
    "RotomillNoWorkers": {"rotomill_workers_present": "0x40", 'rotomill_queue_jobs{priority="low"}': "0x40"},
    "RotomillJobsFailing": {
        'rotomill_jobs_ended_total{status="failed", code="clip_corrupt"}': "0+1x40",
        'rotomill_jobs_ended_total{status="failed", code="internal_error"}': "0x40",
        'rotomill_jobs_ended_total{status="succeeded", code=""}': "0+1x40",
    },
    "RotomillGpuMemoryLow": {
        'rotomill_gpu_memory_bytes{kind="free", instance="one"}': "0x40",
        'rotomill_gpu_memory_bytes{kind="total", instance="one"}': "0x40",
    },
    "RotomillApiErrors": {
        'rotomill_http_requests_total{route="/readyz", method="GET", status="5xx"}': "0+9x40",
        'rotomill_http_requests_total{route="/v1/jobs", method="POST", status="5xx"}': "0x40",
        'rotomill_http_requests_total{route="/v1/jobs", method="POST", status="2xx"}': "0+9x40",
    },
}


def case(alert: str, series: dict[str, str], *, fires: bool) -> dict[str, Any]:
    samples = [{"labels": "{}", "value": 1}] if fires else []
    fired = f'count(ALERTS{{alertname="{alert}", alertstate="firing"}})'
    return {
        "interval": "15s",
        "name": f"{alert} {'fires' if fires else 'does not fire'}",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": fired,
                "eval_time": "20m" if alert == "RotomillApiSlow" else "10m",
                "exp_samples": samples,
            }
        ],
    }


def check(cases: list[dict[str, Any]], tmp_path: Path) -> str:
    """What promtool says of these; nothing of those that hold."""
    need("Prometheus")
    promtool = shutil.which("promtool")
    assert promtool is not None
    asked = {"rule_files": [str(ALERTS)], "evaluation_interval": "15s", "tests": cases}
    file = tmp_path / "alerts.yml"
    file.write_text(yaml.safe_dump(asked))
    checked = subprocess.run(
        [promtool, "test", "rules", str(file)], capture_output=True, text=True, check=False
    )
    return "" if checked.returncode == 0 else checked.stdout + checked.stderr


def test_every_alert_has_its_case() -> None:
    assert set(WRONG) == {rule["alert"] for rule in rules()}


def test_an_alert_fires_when_something_is_wrong(tmp_path: Path) -> None:
    assert check([case(alert, series, fires=True) for alert, series in WRONG.items()], tmp_path) == ""


def test_an_alert_does_not_fire_when_nothing_is_wrong(tmp_path: Path) -> None:
    assert check([case(alert, series, fires=False) for alert, series in RIGHT.items()], tmp_path) == ""
