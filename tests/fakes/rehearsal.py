"""A store on which everything may be tried: each write is judged, answered and taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from appliance.store.database import Database, Transaction


class _TakenBackError(Exception):
    """Raised after a work has had its say, so that its savepoint is rolled back."""


@contextmanager
def rehearsal(db: Database) -> Iterator[None]:
    """Until the end reads see the store as it is, and writes happen and are gone before the answer is given."""
    write = db.write

    async def try_out(work: Callable[[Transaction], Any]) -> Any:
        answers: list[Any] = []

        def tried(tx: Transaction) -> None:
            answers.append(work(tx))
            raise _TakenBackError

        try:
            await write(tried)
        except _TakenBackError:
            return answers[0]
        raise AssertionError("a rehearsal ends by being taken back")

    db.write = try_out  # type: ignore[method-assign]
    try:
        yield
    finally:
        del db.write
