"""The store's threads: one that writes in groups, a few that read. The event loop never waits for the disk."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from appliance.store.groups import Outcome, Work
from appliance.store.runners import Reader, Writer

MAX_GROUP = 256  # works a commit: bounds what one failed commit takes with it, and how long the first one waits


@dataclass(frozen=True, slots=True)
class Job:
    """A work and the future that waits for it."""

    work: Work
    future: asyncio.Future[Any]


class Worker:
    """One thread, which runs works by `run`. `jobs` may be shared between several; None in it ends one of them."""

    def __init__(
        self,
        name: str,
        jobs: queue.SimpleQueue[Job | None],
        take: int,
        run: Callable[[Sequence[Work]], list[Outcome]],
    ) -> None:
        self._jobs = jobs
        self._take = take
        self._run = run
        self._thread = threading.Thread(target=self._loop, name=name, daemon=True)
        self._thread.start()

    def join(self) -> None:
        """Wait until the thread has ended (after a None in `jobs`). Blocks."""
        self._thread.join()

    def _loop(self) -> None:
        going = True
        while going:
            group, going = self._next_group()
            if group:
                _deliver(group, self._run([job.work for job in group]))

    def _next_group(self) -> tuple[list[Job], bool]:
        """Wait for a job, then take what has gathered behind it; False at the end of the line."""
        group: list[Job] = []
        job = self._jobs.get()
        while job is not None:
            group.append(job)
            if len(group) == self._take:
                return group, True
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return group, True
        return group, False


def start_writer(writer: Writer, jobs: queue.SimpleQueue[Job | None]) -> Worker:
    """The one thread that writes."""
    return Worker("store-writer", jobs, MAX_GROUP, writer.run)


def start_reader(reader: Reader, jobs: queue.SimpleQueue[Job | None]) -> Worker:
    """A thread that reads, one work on one snapshot at a time."""
    return Worker("store-reader", jobs, 1, reader.run)


def _deliver(group: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
    """Wake the event loop once for the whole group."""
    try:
        group[0].future.get_loop().call_soon_threadsafe(_settle, group, outcomes)
    except RuntimeError:
        return  # the loop is closed: nobody waits any more


def _settle(group: Sequence[Job], outcomes: Sequence[Outcome]) -> None:
    for job, outcome in zip(group, outcomes, strict=True):
        if job.future.done():
            continue  # the caller was cancelled; the work is done all the same
        if outcome.error is not None:
            job.future.set_exception(outcome.error)
        else:
            job.future.set_result(outcome.value)
