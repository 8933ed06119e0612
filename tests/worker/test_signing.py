"""Whose secret signs, and where it comes from."""

from datetime import timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from storage.database import Database
from storage.owners import LOCAL
from storage.settings import StorageSettings
from storage.webhook_secrets import new_secret
from worker.settings import WorkerSettings, signing
from worker.signing import Signing, is_secret

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_secret_of_the_setting_is_the_keyless_owners_alone(database: Database) -> None:
    found = Signing(SECRET)
    assert [one.secret for one in found.secrets(database, LOCAL)] == [SECRET]
    assert SECRET not in [one.secret for one in found.secrets(database, "ann")]


def test_a_changed_setting_signs_beside_the_one_before(database: Database) -> None:
    Signing(SECRET).secrets(database, LOCAL)
    changed = new_secret()
    assert [one.secret for one in Signing(changed).secrets(database, LOCAL)] == [changed, SECRET]


def test_a_secret_that_the_service_made_gives_way_to_a_setting_with_an_overlap(database: Database) -> None:
    (made,) = Signing().secrets(database, LOCAL)
    assert [one.secret for one in Signing(SECRET).secrets(database, LOCAL)] == [SECRET, made.secret]


def test_the_file_of_an_earlier_version_is_taken_over(tmp_path: Path, database: Database) -> None:
    storage = StorageSettings(data_dir=tmp_path)
    assert signing(WorkerSettings(webhook_secret=""), storage).configured == ""
    (tmp_path / "webhook_secret").write_text(f"{SECRET}\n")
    found = signing(WorkerSettings(webhook_secret="", webhook_secret_overlap_hours=1), storage)
    assert [one.secret for one in found.secrets(database, LOCAL)] == [SECRET]
    assert found.overlap == timedelta(hours=1)
    assert signing(WorkerSettings(webhook_secret=new_secret()), storage).configured != SECRET


def test_what_signs_is_a_secret() -> None:
    assert all(map(is_secret, [SECRET, SECRET.removeprefix("whsec_"), new_secret()]))


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_short", "whsec_" + "A" * 33, "whsec_" + "ä" * 32])
def test_what_could_not_sign_is_none(secret: str) -> None:
    assert not is_secret(secret)


@pytest.mark.parametrize(
    "setting",
    [
        {"webhook_secret": "not a secret"},
        {"webhook_allowed_networks": "10.1.0.1/16"},
        {"webhook_denied_networks": "example.com"},
        {"webhook_timeout_seconds": 100},  # longer than a delivery is claimed for would be sent twice
    ],
)
def test_a_setting_that_could_not_work_stops_the_process_at_its_start(setting: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        WorkerSettings(**setting)  # type: ignore[arg-type]  # as the environment has it
