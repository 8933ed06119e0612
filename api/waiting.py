"""Waits for slow work of a request, without losing what it holds meanwhile and without leaving before it has ended."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from anyio import CancelScope, CapacityLimiter, to_thread

WAIT_SECONDS = 5.0

T = TypeVar("T")


async def while_waiting(work: Coroutine[Any, Any, T], on_wait: Callable[[], Awaitable[None]]) -> T:
    """What the work comes to; `on_wait` is called every few seconds meanwhile.

    Where that raises, or the request is canceled, the work is canceled and its end awaited.
    """
    task = asyncio.create_task(work)
    try:
        while not (await asyncio.wait({task}, timeout=WAIT_SECONDS))[0]:
            await on_wait()
        return await task
    finally:
        task.cancel()
        await _ended(task)


async def to_its_end(work: Callable[[], T], limiter: CapacityLimiter | None = None) -> T:
    """Run it in a thread, which nothing can stop: a canceled request stays until it has ended, and cleans up then.

    `limiter` keeps what may take long from all the threads there are.
    """
    task = asyncio.create_task(to_thread.run_sync(work, limiter=limiter))
    try:
        return await asyncio.shield(task)
    finally:
        await _ended(task)


async def _ended(task: asyncio.Task[T]) -> None:
    with CancelScope(shield=True):
        await asyncio.wait({task})
    if not task.cancelled():
        task.exception()  # seen: another one is on its way
