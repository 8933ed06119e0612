"""Runs the pipeline for a stored job: fetch its files, make the results, store them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog
import torch

from storage.errors import ObjectMissingError
from storage.jobs import Job, Stage
from storage.keys import attempt_prefix, network_object_key, result_key
from storage.objects import Objects, file_sha256
from storage.results import Result
from worker import manifest, pipeline
from worker.colors import overlay_colors, parse_hex
from worker.confined import Confined, confined
from worker.errors import DeviceFailedError
from worker.live import LivePictures
from worker.media import ClipFacts
from worker.pipeline import Order
from worker.progress import Progress
from worker.runtime import Runtime
from worker.tuning import machine_of

log = structlog.get_logger(__name__)


def fulfil(runtime: Runtime, job: Job, attempt: int, folder: Path, progress: Progress) -> Sequence[Result]:
    """Make and store a job's results. What an attempt that fails has stored is removed again."""
    objects = runtime.objects
    media = confined(runtime.settings)
    progress.begin(Stage.FETCHING)
    order = _order(objects, job, folder, media, progress)
    cached = _fetch_network(objects, job.network_key, folder / pipeline.NETWORK, progress)
    if cached:
        log.info("network reused")
    elif job.starts_from is not None:
        _fetch_network(objects, job.starts_from, folder / pipeline.START, progress)
    try:
        live = _live_pictures(objects, job, attempt, order)
        with device_failures(), live:
            made = pipeline.run(order, folder, machine_of(runtime.settings), media, progress, live.show)
        progress.begin(Stage.STORING)
        _remove_other_attempts(objects, job, attempt)
        written = manifest.write(made, order, folder, progress.timings)
        if not cached:
            objects.put_file(network_object_key(job.network_key), made.network, progress.alive)
        files = made.files | {manifest.NAME: written}
        found = [_put(objects, job, attempt, name, path, progress) for name, path in files.items()]
        live.remove()
    except BaseException:
        objects.delete_prefix(attempt_prefix(job.id, attempt))
        raise
    return found


@contextmanager
def device_failures() -> Iterator[None]:
    """PyTorch's own errors by a name that those may know who load no PyTorch."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise DeviceFailedError(spoilt=False) from error
    except torch.AcceleratorError as error:
        raise DeviceFailedError(spoilt=True) from error


def _live_pictures(objects: Objects, job: Job, attempt: int, order: Order) -> LivePictures:
    colors = overlay_colors(order.overlay_color, order.objects)
    return LivePictures(objects, job.id, attempt, frames=order.facts.frames, colors=colors)


def _order(objects: Objects, job: Job, folder: Path, media: Confined, progress: Progress) -> Order:
    video = folder / "clip"
    objects.fetch(job.video.key, video, progress.alive)
    masks = {}
    for mask in job.masks:
        with objects.open(mask.key) as file:
            masks[mask.frame or 0] = file.read()
        progress.check()
    facts = ClipFacts.from_json(job.clip)
    corrections = [mask.frame or 0 for mask in job.masks if mask.corrects]
    annotated, count = media.masks(masks, facts, progress.check, corrections)
    return Order(
        video=video,
        facts=facts,
        annotated=annotated,
        objects=count,
        preset=job.options["preset"],
        outputs=frozenset(job.options["outputs"]),
        overlay_color=parse_hex(job.options["overlay_color"]),
        seed=job.options["seed"],
        segmenter=job.options.get("segmenter", "auto"),
        budget_seconds=job.options.get("budget_seconds"),
        refines=job.refines,
    )


def _fetch_network(objects: Objects, network_key: str, path: Path, progress: Progress) -> bool:
    """Whether a job before has left this network, which is then at the path."""
    key = network_object_key(network_key)
    try:
        if not objects.exists(key):
            return False
        objects.fetch(key, path, progress.alive)
    except ObjectMissingError:
        path.unlink(missing_ok=True)
        return False  # removed meanwhile, with the last job that shared it or at its time
    return True


def _remove_other_attempts(objects: Objects, job: Job, attempt: int) -> None:
    """Attempts that died while storing have left files that nobody refers to."""
    for number in range(1, attempt):
        objects.delete_prefix(attempt_prefix(job.id, number))


def _put(objects: Objects, job: Job, attempt: int, name: str, path: Path, progress: Progress) -> Result:
    key = result_key(job.id, attempt, name)
    objects.put_file(key, path, progress.alive)
    return Result(name, key, path.stat().st_size, file_sha256(path), manifest.media_type(name))
