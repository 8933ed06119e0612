"""Dockerfile.gpu keeps what it promises; none of it builds."""

import re

from tests.deployment.example import ROOT


def stages() -> dict[str, str]:
    """Each stage's instructions, those of the stages it stands on first."""
    found: dict[str, str] = {}
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile.gpu").read_text())
    for part in re.split(r"(?m)^FROM ", text)[1:]:
        head, _, body = part.partition("\n")
        base, name = head.split(" AS ")
        found[name] = found.get(base, "") + body
    return found


def test_images_stand_on_a_pinned_base_and_run_as_nobody_in_particular() -> None:
    text = (ROOT / "Dockerfile.gpu").read_text()
    bases = re.findall(r"(?m)^FROM (\S+)", text)
    assert set(bases) <= {"${PYTHON_IMAGE}", *stages()}
    assert re.search(r"(?m)^ARG PYTHON_IMAGE=python:3\.11\.\d+-slim-", text)
    for target in ("api", "worker"):
        assert "USER 10001:10001" in stages()[target]
        assert "STOPSIGNAL SIGTERM" in stages()[target]


def test_the_api_image_has_no_torch() -> None:
    target = stages()["api"]
    assert "--from=build /opt/venv" in target
    assert "torch" not in stages()["build"] + target
    assert "COPY model" not in target
    assert "torch" in stages()["build-worker"]


def test_the_torch_that_is_built_is_the_one_that_was_tested() -> None:
    (version,) = re.findall(r"(?m)^ARG TORCH_VERSION=(\S+)", (ROOT / "Dockerfile.gpu").read_text())
    assert f'"torch=={version}"' in (ROOT / "pyproject.toml").read_text()
