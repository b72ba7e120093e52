"""What a piece of work may do with the store, from its first statement to its last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast

from appliance.store.connection import Connection

_NOTHING: tuple[object, ...] = ()


class Row(Protocol):
    """A row of a result by column name, or by place."""

    def __getitem__(self, column: str | int, /) -> Any: ...
    def keys(self) -> Any: ...


class Transaction:
    """Handed to a `work`; of no use after the work has returned.

    Values: None, int, float, str, bytes. Errors of the machine and damaged bytes reach the work's caller as faults,
    a broken constraint as `IntegrityError`.
    """

    __slots__ = ("_connection", "lastrowid")

    def __init__(self, connection: Connection) -> None:
        self._connection: Connection | None = connection
        self.lastrowid = 0

    def execute(self, sql: str, params: Sequence[object] = _NOTHING) -> int:
        """The number of rows changed; the id of an inserted row is in `lastrowid`."""
        cursor = self._run(sql, params)
        self.lastrowid = cursor.lastrowid or 0
        return int(cursor.rowcount)

    def one(self, sql: str, params: Sequence[object] = _NOTHING) -> Row | None:
        """The first row, or None."""
        cursor = self._run(sql, params)
        row = cursor.fetchone()
        cursor.close()
        return cast("Row | None", row)

    def all(self, sql: str, params: Sequence[object] = _NOTHING) -> list[Row]:
        """All rows."""
        return cast("list[Row]", self._run(sql, params).fetchall())

    def end(self) -> None:
        """Nothing more is possible: the transaction is over."""
        self._connection = None

    def _run(self, sql: str, params: Sequence[object]) -> Any:
        if self._connection is None:
            raise RuntimeError("this transaction is over")
        return self._connection.execute(sql, params)
