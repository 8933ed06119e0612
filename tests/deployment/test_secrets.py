"""The secrets that an installation makes for itself at its first start."""

import subprocess
from pathlib import Path

from tests.deployment.example import ROOT


def make_secrets(folder: Path, *names: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "deploy/image/make-secrets", *names],
        env={"ROTOMILL_SECRETS_DIR": str(folder), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_secrets_are_made_once_and_differ_between_installations(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    for folder in (here, there):
        folder.mkdir()
        assert make_secrets(folder).returncode == 0
    first = contents(here)
    assert make_secrets(here).returncode == 0
    assert contents(here) == first
    assert all(len(first[name]) >= 32 and first[name] != contents(there)[name] for name in first)


def test_one_secret_can_be_made_anew_with_all_that_follows_from_it(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    before = contents(tmp_path)
    assert make_secrets(tmp_path, "redis_password").returncode == 0
    after = contents(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {
        "redis_password",
        "redis.conf",
        "service.env",
    }
    assert after["redis_password"] in after["service.env"]
    assert make_secrets(tmp_path, "no_such_thing").returncode != 0


def test_what_is_set_goes_before_what_was_made(tmp_path: Path) -> None:
    made = tmp_path / "service.env"
    made.write_text("ONE=postgresql://a:b@c/d?x=1==\nTWO=made\nTHREE=made\n")
    found = subprocess.run(
        [ROOT / "deploy/image/rotomill-env", "sh", "-c", 'echo "$ONE $TWO $THREE"'],
        env={"ROTOMILL_SECRETS_FILE": str(made), "PATH": "/usr/bin:/bin", "TWO": "set", "THREE": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert found.stdout.split() == ["postgresql://a:b@c/d?x=1==", "set", "made"]
