"""Runs works on a connection and deals with what the disk does meanwhile: full, read-only, a damaged page.

- After one damaged page SQLCipher refuses every other page on that connection: it is replaced, and the works that were
  in one group with the unlucky one are run again, each alone. They were rolled back, so it is as if for the first time.
- When the disk is full the reserve is freed once, and what was refused is run again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from appliance.faults import Fault
from appliance.store.connection import Connection, StoreError
from appliance.store.groups import Outcome, Work, read_one, write_group
from appliance.store.trouble import Trouble

_OF_THE_DISK = frozenset({"disk_full", "home_read_only", "store_failed"})


class _Runner:
    """A connection that can be replaced. `connect` makes another one like it."""

    def __init__(self, connection: Connection, connect: Callable[[], Connection], trouble: Trouble) -> None:
        self.connection = connection
        self._connect = connect
        self._trouble = trouble

    def close(self) -> None:
        """For the end, when its thread has ended."""
        with suppress(StoreError):
            self.connection.close()

    def reopen(self) -> None:
        """With the key of now. The old one is closed in any case; where the disk refuses, the next works are told."""
        fresh = self.connection
        with suppress(StoreError):
            fresh = self._connect()
        self.close()
        self.connection = fresh

    def _replace(self) -> None:
        self._trouble.damaged = True
        with suppress(StoreError):  # the disk may refuse that too: the next work tries again
            fresh = self._connect()
            self.close()
            self.connection = fresh

    def _told(self, outcome: Outcome) -> Outcome:
        if not isinstance(outcome.error, Fault):
            return outcome
        return Outcome(error=self._trouble.explain(outcome.error))


class Reader(_Runner):
    """Runs one work after the other, each on a snapshot of its own."""

    def run(self, works: Sequence[Work]) -> list[Outcome]:
        return [self._one(work) for work in works]

    def _one(self, work: Work) -> Outcome:
        outcome = self._told(read_one(self.connection, work))
        if _code(outcome) == "store_damaged":
            self._replace()
        return outcome


class Writer(_Runner):
    """Runs a group of works in one commit."""

    def run(self, works: Sequence[Work]) -> list[Outcome]:
        connection, before = self.connection, self.connection.total_changes
        outcomes = self._group(works)
        if self._refused(outcomes, "disk_full") and self._trouble.reserve is not None and self._trouble.reserve.free():
            outcomes = self._again(works, outcomes)
        changed = self.connection is connection and connection.total_changes > before
        self._note(outcomes, changed=changed)
        return outcomes

    def _group(self, works: Sequence[Work]) -> list[Outcome]:
        outcomes = [self._told(outcome) for outcome in write_group(self.connection, works)]
        if not self._refused(outcomes, "store_damaged"):
            return outcomes
        self._replace()
        lost = all(isinstance(outcome.error, Fault) for outcome in outcomes)
        if not lost or len(works) == 1:
            return outcomes
        return [outcome for work in works for outcome in self._group([work])]

    def _again(self, works: Sequence[Work], outcomes: Sequence[Outcome]) -> list[Outcome]:
        """What was refused once more; what was done stays done."""
        refused = [number for number, outcome in enumerate(outcomes) if _code(outcome) == "disk_full"]
        merged = list(outcomes)
        for number, outcome in zip(refused, self._group([works[number] for number in refused]), strict=True):
            merged[number] = outcome
        return merged

    def _note(self, outcomes: Sequence[Outcome], *, changed: bool) -> None:
        """A commit without a change reaches no disk, so it proves nothing."""
        codes = {_code(outcome) for outcome in outcomes}
        told = codes & _OF_THE_DISK
        if told:
            self._trouble.writing = min(told)
        elif changed and codes != {"store_damaged"}:
            self._trouble.writing = ""

    @staticmethod
    def _refused(outcomes: Sequence[Outcome], code: str) -> bool:
        return any(_code(outcome) == code for outcome in outcomes)


def _code(outcome: Outcome) -> str:
    return outcome.error.code if isinstance(outcome.error, Fault) else ""
