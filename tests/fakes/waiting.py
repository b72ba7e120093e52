"""What many tests do: wait until something holds, and take what must be there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TypeVar

Thing = TypeVar("Thing")


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Look again until it holds; a test that never sees it fails by TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def at_work(endless: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run what never ends by itself beside the block; a test in which it ended all the same fails here."""
    task = asyncio.create_task(endless)
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def there(thing: Thing | None) -> Thing:
    """The thing; a test where it is missing fails here."""
    assert thing is not None
    return thing
