"""Records into PostgreSQL. Each batch, with the position of each of its boxes, is one transaction: a run that is killed
goes on where the last commit was, and what was written twice is there once.

The address holds no password: libpq takes it from PGPASSFILE, PGPASSWORD or a service file.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar
from urllib.parse import parse_qsl, urlsplit

import psycopg
from psycopg import sql

from sync.content import Record
from sync.envelope import MAX_SEQUENCE
from sync.faults import SyncFault
from sync.hq.into import typed
from sync.hq.opening import Opened, Part
from sync.hq.walking import Position, Trouble

P = ParamSpec("P")
T = TypeVar("T")

VERSION = 1
_LOCK = int.from_bytes(hashlib.sha256(b"hearth hq open").digest()[:8], "big", signed=True)  # one opener at a time
_KINDS: dict[typed.Kind, str] = {"text": "text", "whole": "bigint", "truth": "boolean", "moment": "timestamptz"}
_PAGE = 2000  # records typed at once by `again`

_TABLES = """
CREATE TABLE IF NOT EXISTS hearth (version int NOT NULL);
CREATE TABLE IF NOT EXISTS boxes (box text PRIMARY KEY, sequence bigint NOT NULL, last bytea NOT NULL,
    taken_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE IF NOT EXISTS envelopes (box text, sequence bigint, records int NOT NULL,
    opened_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (box, sequence));
CREATE TABLE IF NOT EXISTS records (box text, number bigint, sequence bigint NOT NULL, class text NOT NULL,
    at text NOT NULL, body jsonb, raw bytea, digest bytea NOT NULL, PRIMARY KEY (box, number),
    CHECK ((body IS NULL) <> (raw IS NULL)));
CREATE INDEX IF NOT EXISTS records_class ON records (class, box, number);
CREATE TABLE IF NOT EXISTS troubles (box text, sequence bigint, number bigint, code text, last bigint NOT NULL,
    noticed_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (box, sequence, number, code));
"""
_INCOMING = """
CREATE TEMP TABLE IF NOT EXISTS incoming (box text, number bigint, sequence bigint, class text, at text, body jsonb,
    raw bytea, digest bytea) ON COMMIT DELETE ROWS
"""
_KEEP = """
INSERT INTO records SELECT DISTINCT ON (box, number) box, number, sequence, class, at, body, raw, digest FROM incoming
ORDER BY box, number, sequence ON CONFLICT DO NOTHING RETURNING box, number
"""
_CONFLICTS = """
SELECT DISTINCT i.box, i.sequence, i.number FROM incoming i JOIN records r USING (box, number)
WHERE r.digest <> i.digest
"""
_TROUBLE = """
INSERT INTO troubles (box, sequence, number, code, last) VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (box, sequence, number, code) DO UPDATE SET last = excluded.last
"""
_POSITION = """
INSERT INTO boxes (box, sequence, last) VALUES (%s, %s, %s)
ON CONFLICT (box) DO UPDATE SET sequence = excluded.sequence, last = excluded.last, taken_at = now()
WHERE boxes.sequence <> excluded.sequence
"""


def usable(url: str) -> str:
    """The address, if it holds no password: a command line is seen by everybody on the machine. ValueError."""
    parts = urlsplit(url)
    if parts.password is not None or any(name == "password" for name, _ in parse_qsl(parts.query)):
        raise ValueError("no password in the address: put it into a file that PGPASSFILE names, or into PGPASSWORD")
    return url


class Postgres:
    """A target. Holds the one opener's lock of that database until `close`; `waits` is told if another one has it."""

    def __init__(self, url: str, waits: Callable[[], None] = lambda: None) -> None:
        try:
            self._connection = psycopg.connect(usable(url), autocommit=True, application_name="hearth hq open")
        except psycopg.Error as fault:
            raise SyncFault("target_failed") from fault
        self._call(self._start, waits)

    def close(self) -> None:
        self._connection.close()

    def positions(self) -> Mapping[bytes, Position]:
        rows = self._call(self._rows, "SELECT box, sequence, last FROM boxes")
        return {bytes.fromhex(box): Position(sequence, bytes(last)) for box, sequence, last in rows}

    def troubles(self) -> Sequence[Trouble]:
        rows = self._call(self._rows, "SELECT box, sequence, code, last, number FROM troubles ORDER BY box, sequence")
        return [Trouble(bytes.fromhex(box), *rest) for box, *rest in rows]

    def take(self, parts: Sequence[Part]) -> Sequence[Trouble]:
        return self._call(self._take, parts)

    def again(self, record_class: str) -> int:
        """Type the records of a class anew, all in one transaction; how many there were."""
        if record_class not in typed.CLASSES:
            raise ValueError(f"only these classes are typed: {', '.join(sorted(typed.CLASSES))}")
        return self._call(self._again, record_class)

    def _start(self, waits: Callable[[], None]) -> None:
        connection = self._connection
        if connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() != (True,):
            waits()
            connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        connection.execute("SET client_min_messages = warning")
        with connection.transaction():
            connection.execute(_TABLES)
            for table in typed.TABLES:
                connection.execute(_definition(table))
            found = connection.execute("SELECT max(version) FROM hearth").fetchone()
            if found == (None,):
                connection.execute("INSERT INTO hearth VALUES (%s)", (VERSION,))
            elif found != (VERSION,):
                raise SyncFault("unsupported_version")
        connection.execute(_INCOMING)

    def _take(self, parts: Sequence[Part]) -> Sequence[Trouble]:
        opened = [one for part in parts for one in part.opened]
        with self._connection.transaction():
            for part in parts:
                self._renew(part)
            self._copy("incoming", _COLUMNS, (_row(one) for one in opened))
            fresh = {(bytes.fromhex(box), number) for box, number in self._rows(_KEEP)}
            seen = [
                Trouble(bytes.fromhex(box), sequence, "conflict", number=n)
                for box, sequence, n in self._rows(_CONFLICTS)
            ]
            seen += self._type(_once(opened, fresh))
            self._note([*(one for part in parts for one in part.troubles), *seen])
            self._envelopes(opened)
            for part in parts:
                if part.position is not None:
                    self._connection.execute(_POSITION, (part.box.hex(), part.position.sequence, part.position.last))
        return seen

    def _renew(self, part: Part) -> None:
        if part.first <= part.last and part.first:
            about = (part.box.hex(), part.first, min(part.last, MAX_SEQUENCE))
            self._connection.execute(
                "DELETE FROM troubles WHERE box = %s AND number = 0 AND code <> 'chain' AND sequence BETWEEN %s AND %s",
                about,
            )

    def _type(self, records: Iterable[Opened]) -> list[Trouble]:
        rows, untyped = typed.of_records(records)
        for table in typed.TABLES:
            self._copy(table.name, [name for name, _ in table.columns], rows[table.name])
        return untyped

    def _again(self, record_class: str) -> int:
        count, after = 0, ("", 0)
        select = (
            "SELECT box, number, sequence, at, body, raw FROM records WHERE class = %s AND (box, number) > (%s, %s)"
        )
        with self._connection.transaction():
            self._connection.execute(
                "DELETE FROM troubles t USING records r WHERE r.box = t.box AND r.number = t.number AND r.class = %s "
                "AND t.code = 'untyped'",
                (record_class,),
            )
            for table in typed.TABLES:
                if record_class in table.classes:
                    self._connection.execute(_emptied(table), (record_class,))
            while rows := self._rows(select + " ORDER BY box, number LIMIT %s", (record_class, *after, _PAGE)):
                self._note(self._type(_stored(record_class, row) for row in rows))
                count, after = count + len(rows), rows[-1][:2]
        return count

    def _note(self, troubles: Sequence[Trouble]) -> None:
        rows = [(one.box.hex(), one.sequence, one.number, one.code, one.end) for one in troubles]
        with self._connection.cursor() as cursor:
            cursor.executemany(_TROUBLE, rows)

    def _envelopes(self, opened: Sequence[Opened]) -> None:
        counts: dict[tuple[str, int], int] = {}
        for one in opened:
            key = (one.box.hex(), one.sequence)
            counts[key] = counts.get(key, 0) + 1
        with self._connection.cursor() as cursor:
            statement = "INSERT INTO envelopes (box, sequence, records) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING"
            cursor.executemany(statement, [(*key, count) for key, count in counts.items()])

    def _copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        statement = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), names)
        with self._connection.cursor() as cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)

    def _rows(self, statement: str, values: Sequence[object] = ()) -> list[Any]:
        return self._connection.execute(statement.encode(), values).fetchall()

    def _call(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        """What the database says may quote a row: only the class of its fault goes on."""
        try:
            return work(*arguments, **named)
        except psycopg.Error as fault:
            raise SyncFault("target_failed") from fault


_COLUMNS = ("box", "number", "sequence", "class", "at", "body", "raw", "digest")


def _row(one: Opened) -> tuple[object, ...]:
    record = one.record
    body = _as_jsonb(record.body)
    raw = record.body if body is None else None
    at = typed.text(record.at) or ""
    return one.box.hex(), record.number, one.sequence, record.record_class, at, body, raw, one.digest


def _as_jsonb(body: bytes) -> str | None:
    """None for what jsonb would refuse: other than JSON, NUL, lone surrogates, numbers without an end."""
    try:
        again = json.dumps(json.loads(body), allow_nan=False, ensure_ascii=False)
        again.encode()
    except (ValueError, RecursionError):
        return None
    return None if "\\u0000" in again else again


def _once(opened: Sequence[Opened], fresh: set[tuple[bytes, int]]) -> Iterable[Opened]:
    """Each new record once, the first of those that came twice."""
    for one in sorted(opened, key=lambda one: (one.box, one.record.number, one.sequence)):
        if (one.box, one.record.number) in fresh:
            fresh.discard((one.box, one.record.number))
            yield one


def _stored(record_class: str, row: Sequence[Any]) -> Opened:
    box, number, sequence, at, body, raw = row
    content = bytes(raw) if body is None else json.dumps(body).encode()
    return Opened(bytes.fromhex(box), sequence, Record(number, record_class, at, content))


def _definition(table: typed.Table) -> sql.Composed:
    columns = [sql.SQL("{} " + _KINDS[kind]).format(sql.Identifier(name)) for name, kind in table.columns]
    key = sql.SQL("PRIMARY KEY ({})").format(sql.SQL(", ").join(map(sql.Identifier, table.key)))
    return sql.SQL("CREATE TABLE IF NOT EXISTS {} ({})").format(
        sql.Identifier(table.name), sql.SQL(", ").join([*columns, key])
    )


def _emptied(table: typed.Table) -> sql.Composed:
    statement = "DELETE FROM {} t USING records r WHERE r.box = t.box AND r.number = t.number AND r.class = %s"
    return sql.SQL(statement).format(sql.Identifier(table.name))
