"""Objects in memory, for tests that try many interleavings: every call gives way to others as often as `turns` says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from sync.hq.objects import Entry, checked, checked_prefix

MODIFIED = datetime(2026, 1, 2, tzinfo=UTC)


class MemoryObjects:
    """`held` may be shared by several; `durable` are the paths that a power cut would leave."""

    def __init__(self, held: dict[str, bytes] | None = None, turns: Callable[[], int] = lambda: 0) -> None:
        self.held = {} if held is None else held
        self.durable: set[str] = set()
        self._turns = turns

    async def get(self, path: str) -> bytes | None:
        await self._others(path)
        return self.held.get(path)

    async def exists(self, path: str) -> bool:
        await self._others(path)
        return path in self.held

    async def create(self, path: str, raw: bytes) -> bytes | None:
        await self._others(path)
        if path in self.held:
            return self.held[path]
        self.held[path] = raw
        await self._others(path)
        return None

    async def replace(self, path: str, raw: bytes) -> None:
        await self._others(path)
        self.held[path] = raw

    async def swap(self, path: str, raw: bytes, expected: bytes | None) -> bool:
        await self._others(path)
        if self.held.get(path) != expected:
            return False
        self.held[path] = raw
        return True

    async def entries(self, prefix: str, after: str = "") -> AsyncIterator[Entry]:
        within = checked_prefix(prefix)
        for path in sorted(self.held):
            if path.startswith(within) and path > after:
                yield Entry(path, len(self.held[path]), MODIFIED)

    async def delete(self, path: str) -> None:
        await self._others(path)
        self.held.pop(path, None)

    async def make_durable(self, path: str) -> None:
        await self._others(path)
        assert path in self.held
        self.durable.add(path)

    async def _others(self, path: str) -> None:
        checked(path)
        for _ in range(self._turns()):
            await asyncio.sleep(0)
