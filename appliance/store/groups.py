"""Group commit: many works, each alone in a savepoint, one commit, one fsync. No threads here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from appliance.faults import Fault
from appliance.store.connection import Connection, StoreError, fault_of
from appliance.store.transaction import Transaction

Work = Callable[[Transaction], Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one work: its value, or the error that its caller gets."""

    value: Any = None
    error: BaseException | None = None


def write_group(connection: Connection, works: Sequence[Work]) -> list[Outcome]:
    """Run all works and commit. A work that raises is rolled back alone.

    If the commit fails, or SQLite itself gives up the transaction, nothing of the group is in the store and every work
    gets the same fault (store_failed, disk_full, store_damaged): also those that raised, since they may have judged by
    rows that are gone again.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        outcomes = [_write_one(connection, work) for work in works]
        connection.execute("COMMIT")
    except (StoreError, _GroupLostError) as error:
        _roll_back(connection)
        return [Outcome(error=_failure(error)) for _ in works]
    return outcomes


def read_one(connection: Connection, work: Work) -> Outcome:
    """Run one work on one snapshot of the store."""
    try:
        connection.execute("BEGIN")
        return _run(connection, work)
    except StoreError as error:
        return Outcome(error=_translated(error))
    finally:
        _roll_back(connection)


def _roll_back(connection: Connection) -> None:
    """End what is open. That this may fail too, on a dying disk, must not end the thread: nothing was confirmed."""
    with suppress(StoreError):
        if connection.in_transaction:
            connection.execute("ROLLBACK")


class _GroupLostError(Exception):
    """SQLite rolled the whole transaction back in the middle of a work, as it may when the disk is full."""


def _write_one(connection: Connection, work: Work) -> Outcome:
    connection.execute("SAVEPOINT work")
    outcome = _run(connection, work)
    if not connection.in_transaction:
        raise _GroupLostError from outcome.error
    if outcome.error is not None:
        connection.execute("ROLLBACK TO work")
    connection.execute("RELEASE work")
    return outcome


def _run(connection: Connection, work: Work) -> Outcome:
    transaction = Transaction(connection)
    try:
        return Outcome(value=work(transaction))
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the caller, and the thread must go on
        return Outcome(error=_translated(error))
    finally:
        transaction.end()


def _translated(error: BaseException) -> BaseException:
    fault = fault_of(error)
    if fault is not None:
        fault.__cause__ = error
        return fault
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    return RuntimeError(f"a work raised {type(error).__name__}")  # what a future cannot carry


def _failure(error: BaseException) -> Fault:
    told = error.__cause__ if isinstance(error, _GroupLostError) else None
    known = told if isinstance(told, Fault) else fault_of(error)
    name = str(getattr(error, "sqlite_errorname", "group lost"))
    fault = Fault(known.code, known.detail) if known else Fault("store_failed", name)  # one of its own for each caller
    fault.__cause__ = error
    return fault
