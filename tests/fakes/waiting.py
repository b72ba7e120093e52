"""What many tests do: wait until something holds, and take what must be there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

Thing = TypeVar("Thing")


async def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Look again until it holds; a test that never sees it fails by TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def there(thing: Thing | None) -> Thing:
    """The thing; a test where it is missing fails here."""
    assert thing is not None
    return thing
