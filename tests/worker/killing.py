"""The tasks of confined children, but files that begin with a certain word do to them what a malicious one might."""

from collections.abc import Mapping
from typing import Any

from tests.worker.misbehaviour import end
from worker.channel import Channel
from worker.confined_tasks import TASKS as GOOD
from worker.file_view import FileView
from worker.zygote import Task

WORDS = {
    b"CRASH": "crash",
    b"EVERY": "take all memory",
    b"NEVER": "work for ever",
    b"SLEEP": "sleep",
    b"FAILS": "fail",
}


def killing(task: Task) -> Task:
    """The task, for files that do not know the words."""

    def do(
        channel: Channel, about: Mapping[str, Any], data: bytearray, files: list[int]
    ) -> Mapping[str, Any]:
        word = WORDS.get(FileView(files[0]).read(5))
        if word is not None:
            end(channel, {"how": word}, data, files)
        return task(channel, about, data, files)

    return do


TASKS: Mapping[str, Task] = {name: killing(task) if name != "masks" else task for name, task in GOOD.items()}
