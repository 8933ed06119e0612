"""Correcting a job."""

from __future__ import annotations

from pathlib import Path

import pytest
from rotomill import Client, NotFound

from tests.client.service import BREAK_AFTER, FakeService
from tests.client.test_cli import STORY, run


def test_only_the_masks_and_the_options_that_are_named_are_sent(
    client: Client, service: FakeService, clip: Path, mask: Path
) -> None:
    first = client.submit(clip, mask)
    second = client.refine(first, masks={12: mask, 0: str(mask)}, preset="best")
    arrived = service.submissions[-1]
    assert second.id != first.id
    assert client.job(second).refines == first.id
    assert arrived.files == {name: ("mask.png", mask.read_bytes()) for name in ("mask_0", "mask_12")}
    assert arrived.options == {"preset": "best"}


def test_a_connection_that_drops_makes_no_second_correction(
    client: Client, service: FakeService, clip: Path, mask: Path
) -> None:
    first = client.submit(clip, mask)
    service.faults.append(BREAK_AFTER)
    second = client.refine(first.id, {3: mask})
    assert list(service.jobs) == [first.id, second.id]


def test_masks_may_go_first(client: Client, service: FakeService, clip: Path, mask: Path) -> None:
    first = client.submit(clip, mask)
    client.refine(first, {3: mask}, upload=True)
    assert service.submissions[-1].files == {"mask_3": ("mask.png", mask.read_bytes())}
    assert service.uploads == {}


def test_a_correction_of_nothing_is_a_mistake_at_once(client: Client, mask: Path) -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        client.refine("job1", {})
    with pytest.raises(ValueError, match="from 0"):
        client.refine("job1", {-1: mask})
    with pytest.raises(NotFound):
        client.refine("job9", {1: mask})


def test_the_command_corrects_waits_and_downloads(service: FakeService, mask: Path, tmp_path: Path) -> None:
    made = service.add_finished_job(masks__zip=b"zip")
    service.story = [STORY[0], {**STORY[1], "results": made["results"]}]
    masks = ["--mask", f"0={mask}", "--mask", f"12={mask}"]
    done = run(service, "refine", "job1", *masks, "--preset", "fast", "-o", tmp_path / "out")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines() == ["job2", str(tmp_path / "out" / "masks.zip")]
    assert set(service.submissions[-1].files) == {"mask_0", "mask_12"}
    assert service.submissions[-1].options == {"preset": "fast"}


def test_the_command_wants_a_mask(service: FakeService, mask: Path) -> None:
    assert run(service, "refine", "job1").exit_code == 2
    assert run(service, "refine", "job1", "--mask", f"x={mask}").exit_code == 2
