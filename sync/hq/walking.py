"""Reads what HQ holds of each box, in order and in slices, and checks layout, signature and chain. Opens nothing.

Everything that looks at many boxes goes through here: opening, verifying. Reads ahead over some boxes, since a store
some milliseconds away is slow only for one who waits for each answer; memory is bounded by SLICE_BYTES x AHEAD.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from functools import partial

from sync import envelope
from sync.checkpoint import EMPTY, Checkpoint, extend
from sync.envelope import NO_PREVIOUS, Envelope
from sync.faults import SyncFault
from sync.hq import holes
from sync.hq.objects import Entry, Objects, object_path
from sync.keys import BoxFacts
from sync.spool import DIGITS

SLICE = 64  # envelopes read at once
SLICE_BYTES = 2 * 1024 * 1024  # and no more than this in a slice
AHEAD = 12  # boxes that are read before their turn


@dataclass(frozen=True, slots=True)
class Position:
    """How far a box's log was read: the number of the last envelope and its hash, b"" where that is not known."""

    sequence: int = 0
    last: bytes = NO_PREVIOUS


START = Position()


@dataclass(frozen=True, slots=True)
class Trouble:
    """Envelopes `sequence` to `last` (0: that one alone) are not as they must be.

    `code` is a SyncFault's, or "hole" when they are missing, "chain" when one does not follow the one before,
    "conflict" when record `number` came twice with other content, "untyped" when record `number` is not what its
    class says.
    """

    box: bytes
    sequence: int
    code: str
    last: int = 0
    number: int = 0

    @property
    def end(self) -> int:
        return self.last or self.sequence


@dataclass(frozen=True, slots=True)
class Accepted:
    """Envelope `sequence` is missing, a person has accepted that, and `hash` is what the chain says of it."""

    sequence: int
    hash: bytes


Step = Envelope | Trouble | Accepted


@dataclass(frozen=True, slots=True)
class Slice:
    """Some steps of a box's log, in order. `strangers`: names that are no envelope's.

    `position`: where a later walk goes on, behind the last envelope that is good. What follows it may be rubbish under
    a high number, and must not hide what comes.
    """

    box: BoxFacts
    steps: tuple[Step, ...]
    position: Position
    strangers: tuple[str, ...] = ()
    first: bool = False
    ended: bool = False


class Growth:
    """The tree over a log's steps from the first. It stops at what is wrong or missing without being accepted."""

    def __init__(self) -> None:
        self.tree: Checkpoint = EMPTY
        self._whole = True

    def add(self, step: Step) -> None:
        if isinstance(step, Trouble) or step.sequence != self.tree.size + 1:
            self._whole = False
        elif self._whole:
            self.tree = extend(self.tree, step.hash)


async def walk_all(
    objects: Objects, boxes: Iterable[tuple[BoxFacts, Position]], keys: holes.Keys = ()
) -> AsyncIterator[Slice]:
    """Every box's log from its position on. `keys` check the markers of accepted holes. The last slice of each box has
    `ended`, also when there is nothing new."""
    waiting: deque[tuple[AsyncIterator[Slice], asyncio.Task[Slice]]] = deque()
    coming = iter(boxes)
    try:
        while True:
            while len(waiting) < AHEAD and (nearest := next(coming, None)) is not None:
                log = walk(objects, nearest[0], nearest[1], keys)
                waiting.append((log, asyncio.ensure_future(anext(log))))
            if not waiting:
                return
            log, first = waiting.popleft()
            yield await first
            async for more in log:
                yield more
    finally:
        for _, task in waiting:
            task.cancel()


async def walk(
    objects: Objects, box: BoxFacts, start: Position = START, keys: holes.Keys = (), until: int = 0
) -> AsyncIterator[Slice]:
    """One box's log after `start`, up to number `until` (0: to its end)."""
    prefix = object_path(box.box, 0)[:-DIGITS]
    cursor, position, taken, size, first = start, start, list[Entry](), 0, True
    strangers: list[str] = []
    async for entry in objects.entries(prefix, after=prefix + f"{start.sequence:0{DIGITS}d}"):
        name = entry.path.removeprefix(prefix)
        if not (len(name) == DIGITS and name.isascii() and name.isdigit()):
            strangers.append(name)
            continue
        if until and int(name) > until:
            break
        taken.append(entry)
        size += entry.size
        if len(taken) >= SLICE or size >= SLICE_BYTES:
            steps, cursor = await _steps(objects, box, cursor, taken, keys)
            position = _good(steps, position)
            yield Slice(box, steps, position, tuple(strangers), first)
            taken, size, strangers, first = [], 0, [], False
    steps, cursor = await _steps(objects, box, cursor, taken, keys, until)
    yield Slice(box, steps, _good(steps, position), tuple(strangers), first, ended=True)


def _good(steps: tuple[Step, ...], position: Position) -> Position:
    good = (Position(step.sequence, step.hash) for step in reversed(steps) if not isinstance(step, Trouble))
    return next(good, position)


async def _steps(
    objects: Objects, box: BoxFacts, start: Position, entries: list[Entry], keys: holes.Keys, until: int = 0
) -> tuple[tuple[Step, ...], Position]:
    numbers = [int(entry.path[-DIGITS:]) for entry in entries]
    raws = await asyncio.gather(*(objects.get(entry.path) for entry in entries))
    missing = list(_missing(start.sequence, [n for n, raw in zip(numbers, raws, strict=True) if raw is not None]))
    if until and (highest := max(numbers, default=start.sequence)) < until:
        missing.append((highest + 1, until))
    accepted = await holes.accepted(objects, box.box, keys) if missing and keys else {}
    there = dict(zip(numbers, raws, strict=True))
    return await asyncio.to_thread(partial(_checked, box, start, there, missing, accepted))


def _missing(start: int, numbers: Iterable[int]) -> Iterable[tuple[int, int]]:
    for number in numbers:
        if number > start + 1:
            yield start + 1, number - 1
        start = number


def _checked(
    box: BoxFacts,
    position: Position,
    there: dict[int, bytes | None],
    missing: list[tuple[int, int]],
    accepted: dict[int, bytes],
) -> tuple[tuple[Step, ...], Position]:
    found: list[Step] = [_read(box, number, raw) for number, raw in there.items() if raw is not None]
    for first, last in missing:
        found.extend(_hole(box.box, first, last, accepted))
    found.sort(key=lambda step: step.sequence)
    steps: list[Step] = []
    for step in found:
        if isinstance(step, Envelope) and position.last and step.previous != position.last:
            steps.append(Trouble(box.box, step.sequence, "chain"))
        steps.append(step)
        position = Position(step.end, b"") if isinstance(step, Trouble) else Position(step.sequence, step.hash)
    return tuple(steps), position


def _hole(box: bytes, first: int, last: int, accepted: dict[int, bytes]) -> Iterable[Step]:
    """The missing numbers, cut where some are accepted. A hole may be as wide as a number goes: no loop over it."""
    for number in sorted(one for one in accepted if first <= one <= last):
        if number > first:
            yield Trouble(box, first, "hole", last=number - 1)
        yield Accepted(number, accepted[number])
        first = number + 1
    if first <= last:
        yield Trouble(box, first, "hole", last=last)


def _read(box: BoxFacts, sequence: int, raw: bytes) -> Step:
    try:
        found = envelope.parse(raw)
        if (found.box, found.sequence) != (box.box, sequence):
            raise SyncFault("malformed_envelope")
        envelope.verify(found, box.verify_key)
    except SyncFault as fault:
        return Trouble(box.box, sequence, fault.code)
    return found
