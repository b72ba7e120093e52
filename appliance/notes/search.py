"""Full-text search over sealed notes: one index for each care group, in memory only, while somebody needs it.

Built at the first search of a login, newest notes first, off the event loop; kept current on every write; dropped when
the last login that searched in it has ended. It is bounded in memory: past the bound the oldest notes are not in it,
and the page says so. What one finds is opened again with one's own keys, so an index never tells more than those.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from appliance.faults import Fault
from appliance.notes import rows, rules
from appliance.notes.access.actions import Keys
from appliance.notes.actions import Written, opened_with
from appliance.store.database import Database, Transaction
from appliance.store.words import WordIndex

log = logging.getLogger(__name__)

MAX_BYTES = 192 * 1024 * 1024  # of all indexes together, about 120,000 notes of 150 words; a Pi 4 may have 2 GB in all
CHUNK = 500  # notes between two looks whether somebody else wants the index, or nobody any more
WAIT_SECONDS = 2.5  # for an index that is being made; then the page shows what there is and says so
EVERYTHING = 2**62

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reach:
    """How much of the notes a search has seen. `indexed` of `total`; `cut` where memory was too small for all."""

    indexed: int = 0
    total: int = 0
    building: bool = False
    cut: bool = False


@dataclass(slots=True)
class _Index:
    words: WordIndex
    total: int = 0
    indexed: int = 0
    cut: bool = False
    logins: set[bytes] = field(default_factory=set)
    covered: set[int] = field(default_factory=set)  # epochs
    filling: asyncio.Task[None] | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)  # first come, first served: a write before a later search


class Indexes:
    """The indexes of this moment. Used on the event loop; the work is done on one thread of its own."""

    def __init__(self, db: Database, max_bytes: int = MAX_BYTES) -> None:
        self._db, self._max_bytes = db, max_bytes
        self._indexes: dict[str, _Index] = {}
        self._bytes: dict[str, int] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="note-search")
        self._writing: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._indexes)

    async def reach(self, login: bytes, groups: Mapping[str, Keys]) -> Reach:
        """Make what is missing for that login's groups, waiting a moment for it; how far that is."""
        indexes = [await self._prepared(login, group, keys) for group, keys in groups.items()]
        filling = {index.filling for index in indexes if index.filling is not None and not index.filling.done()}
        if filling:
            await asyncio.wait(filling, timeout=WAIT_SECONDS)
        return Reach(
            indexed=sum(index.indexed for index in indexes),
            total=sum(index.total for index in indexes),
            building=any(not task.done() for task in filling),
            cut=any(index.cut for index in indexes),
        )

    async def find(self, groups: Sequence[str], match: str, before: int, limit: int) -> list[int]:
        """Numbers of notes of those care groups that match, newest first, below `before`."""
        found = [
            await self._find(self._indexes[group], match, before, limit) for group in groups if group in self._indexes
        ]
        return list(heapq.merge(*found, reverse=True))[:limit]

    def wrote(self, written: Written) -> None:
        """A note was written or got a new version. Its index follows; a search that comes later waits for it."""
        index = self._indexes.get(written.group)
        if index is not None:
            task = asyncio.get_running_loop().create_task(self._put(index, written))
            self._writing.add(task)
            task.add_done_callback(self._writing.discard)

    def left(self, login: bytes) -> None:
        """That login has ended: indexes that only it used are gone."""
        for group, index in list(self._indexes.items()):
            index.logins.discard(login)
            if not index.logins:
                self._drop(group)

    def close(self) -> None:
        """All of them go."""
        for group in list(self._indexes):
            self._drop(group)
        self._thread.shutdown(wait=True)

    def _drop(self, group: str) -> None:
        index = self._indexes.pop(group)
        self._bytes.pop(group, None)
        if index.filling is not None:
            index.filling.cancel()
        self._thread.submit(index.words.close)  # behind what the thread is doing with it

    async def _prepared(self, login: bytes, group: str, keys: Keys) -> _Index:
        index = self._indexes.get(group)
        if index is None:
            index = self._indexes[group] = _Index(WordIndex())
        index.logins.add(login)
        index.total = await self._db.read(lambda tx: rows.count(tx, group))
        missing = {epoch: key for epoch, key in keys.items() if epoch not in index.covered}
        if missing and (index.filling is None or index.filling.done()):
            index.filling = asyncio.get_running_loop().create_task(self._fill(group, index, missing))
        return index

    async def _fill(self, group: str, index: _Index, keys: Keys) -> None:
        before, epochs = EVERYTHING, tuple(keys)
        while not index.cut:
            async with index.lock:
                chunk = await self._db.read(_chunk(group, epochs, before))
                if not chunk:
                    break
                used = await self._on_thread(_put_chunk, index.words, chunk, keys)
            before, index.indexed = chunk[-1].number, index.indexed + len(chunk)
            self._bytes[group] = used
            index.cut = sum(self._bytes.values()) > self._max_bytes
        index.covered |= set(epochs)

    async def _find(self, index: _Index, match: str, before: int, limit: int) -> list[int]:
        async with index.lock:
            return await self._on_thread(index.words.find, match, before, limit)

    async def _put(self, index: _Index, written: Written) -> None:
        with contextlib.suppress(Fault):
            async with index.lock:
                await self._on_thread(index.words.put, [(written.number, _text(written.words))])

    async def _on_thread(self, work: Callable[..., T], *things: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *things)


def _chunk(group: str, epochs: Sequence[int], before: int) -> Callable[[Transaction], list[rows.Version]]:
    return lambda tx: rows.for_index(tx, group, epochs, before, CHUNK)


def _put_chunk(words: WordIndex, chunk: Sequence[rows.Version], keys: Keys) -> int:
    """Open and index a chunk, in rising order of numbers, which is what FTS5 is quick at; the index's bytes."""
    texts = []
    for version in reversed(chunk):
        try:
            texts.append((version.number, _text(opened_with(keys, version))))
        except Fault as fault:  # one damaged note must not hide the others; reading it says what is wrong
            log.error("notes: one is not searched: %s", fault.code)
    words.put(texts)
    return words.bytes_used()


def _text(words: rules.Words) -> str:
    return f"{words.title}\n{words.text}"
