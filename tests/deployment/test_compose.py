"""docker-compose.yml keeps what it promises; none of it needs a container."""

import re
from functools import cache
from typing import Any

import pytest
import yaml

from tests.deployment.example import ROOT, setting_names

OURS = {"secrets", "migrate", "api", "worker", "worker-gpu", "courier", "beat"}
ONE_SHOT = {"secrets", "migrate"}


@cache
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return loaded


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = compose()["services"]
    return found


def test_compose_names_only_settings_that_there_are() -> None:
    named = {name for service in services().values() for name in service.get("environment", {})}
    unknown = {name for name in named if name.startswith("ROTOMILL_")} - setting_names()
    assert not unknown


@pytest.mark.parametrize("name", sorted(set(services()) - ONE_SHOT))
def test_every_service_has_a_health_check_and_comes_back(name: str) -> None:
    service = services()[name]
    assert service["healthcheck"]["test"]
    assert service["restart"] == "unless-stopped"
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", sorted(services()))
def test_every_service_gives_up_what_rights_it_can(name: str) -> None:
    service = services()[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    if name in OURS:
        assert service["read_only"] is True
        assert "cap_add" not in service


@pytest.mark.parametrize("name", sorted(services()))
def test_every_version_is_pinned(name: str) -> None:
    image, _, tag = services()[name]["image"].rpartition(":")
    assert image
    assert re.search(r"\d+\.\d+", tag), "a tag that moves"


def test_everything_is_published_on_loopback_unless_told_otherwise() -> None:
    for name, service in services().items():
        for port in service.get("ports", []):
            assert port.startswith(("127.0.0.1:", "${ROTOMILL_EXPOSED_ON:-127.0.0.1}:")), name
    assert {name for name, service in services().items() if "EXPOSED_ON" in str(service.get("ports"))} == {
        "api",
        "objects",
    }


def test_the_api_is_told_where_it_is_published() -> None:
    assert services()["api"]["environment"]["ROTOMILL_EXPOSED_ON"] == "${ROTOMILL_EXPOSED_ON:-127.0.0.1}"


@pytest.mark.parametrize("name", ["worker", "worker-gpu"])
def test_workers_can_be_many_and_reach_nothing_outside(name: str) -> None:
    service = services()[name]
    assert "container_name" not in service
    assert "ports" not in service
    assert service["networks"] == ["inside"]
    assert compose()["networks"]["inside"]["internal"] is True


def test_redis_forgets_nothing() -> None:
    command = " ".join(services()["redis"]["command"])
    for flag in ("--appendonly yes", "--appendfsync everysec", "--maxmemory-policy noeviction"):
        assert flag in command


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    assert not re.search(r"(?i)(password|secret_key|secret_access_key)\w*:\s+(?!/run/rotomill/)\S", text)


def test_a_gpu_is_reserved_under_its_profile_alone() -> None:
    service = services()["worker-gpu"]
    assert service["profiles"] == ["gpu"]
    (device,) = service["deploy"]["resources"]["reservations"]["devices"]
    assert device["capabilities"] == ["gpu"]
