"""Records into Parquet files that never change: one for each class, part of the boxes and batch; MAPPING.md.

records/class=<class>/<part>-<serial>.parquet     every record as it came
<table>/<part>-<serial>.parquet                   rows of known classes (typed.py)
manifest/<part>.json                              which files count, and how far each box was taken (ledger.py)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sync.content import Record
from sync.faults import SyncFault
from sync.hq.into import typed
from sync.hq.into.ledger import PARTS, Folders
from sync.hq.opening import Opened, Part
from sync.hq.walking import Trouble

_KINDS: dict[typed.Kind, Any] = {
    "text": pa.string(),
    "whole": pa.int64(),
    "truth": pa.bool_(),
    "moment": pa.timestamp("us", tz="UTC"),
}
_RECORDS = pa.schema(
    [
        pa.field("box", pa.string(), nullable=False),
        pa.field("number", pa.int64(), nullable=False),
        pa.field("sequence", pa.int64(), nullable=False),
        pa.field("at", pa.string(), nullable=False),
        pa.field("body", pa.string()),  # null where the bytes are no UTF-8: then they are in `raw`
        pa.field("raw", pa.binary()),
        pa.field("digest", pa.binary(), nullable=False),
    ]
)


class Parquet(Folders):
    """A target over a folder, for one opener at a time. Raises OSError, `malformed_facts`, `unsupported_version`."""

    def __init__(self, root: Path, waits: Callable[[], None] = lambda: None) -> None:
        super().__init__(root, "parquet", waits)

    def again(self, record_class: str) -> int:
        """Type the records of a class anew; how many there were."""
        if record_class not in typed.CLASSES:
            raise ValueError(f"only these classes are typed: {', '.join(sorted(typed.CLASSES))}")
        return sum(self._again(name, record_class) for name in PARTS)

    def _take(self, name: str, parts: Sequence[Part]) -> Sequence[Trouble]:
        new, again = self._ledger.fresh(name, (one for part in parts for one in part.opened))
        seen = self._conflicts(name, new, again)
        by_class: dict[str, list[Opened]] = {}
        for one in new:
            by_class.setdefault(one.record.record_class, []).append(one)
        files: dict[str, int] = {}
        for record_class, some in by_class.items():
            files.update(self._put(f"records/class={record_class}", name, _records(some)))
        rows, untyped = typed.of_records(new)
        for table in typed.TABLES:
            files.update(self._put(table.name, name, _table(table, rows[table.name])))
        self._ledger.commit(name, parts, new, [*seen, *untyped], files)
        return [*seen, *untyped]

    def _conflicts(self, name: str, new: Sequence[Opened], again: Sequence[Opened]) -> list[Trouble]:
        """Those whose number is taken by other content. Reads files only when a number came twice, which is rare."""
        if not again:
            return []
        wanted = {(one.box.hex(), one.record.number) for one in again}
        known = {(one.box.hex(), one.record.number): one.digest for one in new}
        for file in self._files(name, "records/"):
            for row in pq.read_table(self._ledger.root / file, columns=["box", "number", "digest"]).to_pylist():
                if (row["box"], row["number"]) in wanted:
                    known[row["box"], row["number"]] = row["digest"]
        return [
            Trouble(one.box, one.sequence, "conflict", number=one.record.number)
            for one in again
            if known.get((one.box.hex(), one.record.number)) != one.digest
        ]

    def _again(self, name: str, record_class: str) -> int:
        """New files of every table that the class is in, from all of the classes that are in it."""
        manifest = self._ledger.parts[name]
        tables = [table for table in typed.TABLES if record_class in table.classes]
        classes = sorted({one for table in tables for one in table.classes})
        old = [file for table in tables for file in self._files(name, f"{table.name}/")]
        records = [one for each in classes for one in self._kept(name, each)]
        if not records:
            return 0
        rows, untyped = typed.of_records(records)
        files: dict[str, int] = {}
        for table in tables:
            files.update(self._put(table.name, name, _table(table, rows[table.name])))
        numbers = {(one.box, one.record.number) for one in records}
        manifest.troubles = [
            one for one in manifest.troubles if one.code != "untyped" or (one.box, one.number) not in numbers
        ]
        manifest.troubles.extend(untyped)
        manifest.files = {file: count for file, count in manifest.files.items() if file not in old} | files
        manifest.serial += 1
        self._ledger.write(name)
        self._ledger.drop(old)
        return sum(one.record.record_class == record_class for one in records)

    def _kept(self, name: str, record_class: str) -> Iterable[Opened]:
        for file in self._files(name, f"records/class={record_class}/"):
            for row in pq.read_table(self._ledger.root / file, partitioning=None).to_pylist():
                body = row["raw"] if row["body"] is None else row["body"].encode()
                record = Record(row["number"], record_class, row["at"], body)
                yield Opened(bytes.fromhex(row["box"]), row["sequence"], record)

    def _files(self, name: str, folder: str) -> list[str]:
        files = self._ledger.parts[name].files
        return [file for file in files if file.startswith(folder) and f"/{name}-" in file]

    def _put(self, folder: str, name: str, table: Any) -> dict[str, int]:
        if not table.num_rows:
            return {}
        path = f"{folder}/{name}-{self._ledger.parts[name].serial:08d}.parquet"
        try:
            self._ledger.put(path, lambda place: pq.write_table(table, place, compression="zstd"))
        except pa.ArrowException as fault:
            raise SyncFault("target_failed") from fault
        return {path: table.num_rows}


def _records(opened: Sequence[Opened]) -> Any:
    rows = [(one, _text(one.record.body)) for one in opened]
    columns: dict[str, list[object]] = {
        "box": [one.box.hex() for one, _ in rows],
        "number": [one.record.number for one, _ in rows],
        "sequence": [one.sequence for one, _ in rows],
        "at": [one.record.at for one, _ in rows],
        "body": [body for _, body in rows],
        "raw": [one.record.body if body is None else None for one, body in rows],
        "digest": [one.digest for one, _ in rows],
    }
    return pa.table(columns, schema=_RECORDS)


def _text(body: bytes) -> str | None:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


def _table(table: typed.Table, rows: Sequence[typed.Row]) -> Any:
    schema = pa.schema([(name, _KINDS[kind]) for name, kind in table.columns])
    columns = {name: [row[place] for row in rows] for place, (name, _) in enumerate(table.columns)}
    return pa.table(columns, schema=schema)
