"""Opens what HQ holds: verifies each box's chain and signatures from the first envelope, yields records and troubles.

Needs HQ's opening key and the objects, no network: it may run on a machine that has none.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sync import envelope, suite
from sync.checkpoint import EMPTY, Checkpoint, extend, root
from sync.content import Record
from sync.envelope import MAX_ENVELOPE, Envelope
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq.objects import object_path
from sync.keys import BoxFacts
from sync.spool import DIGITS, read_bounded


@dataclass(frozen=True, slots=True)
class Opened:
    """One record of envelope `sequence` of a box."""

    box: bytes
    sequence: int
    record: Record


@dataclass(frozen=True, slots=True)
class Trouble:
    """Envelope `sequence` is not as it must be; `code` is a SyncFault's, or "hole" when it is missing, "chain" when it
    does not follow the one before."""

    box: bytes
    sequence: int
    code: str


@dataclass(frozen=True, slots=True)
class Reached:
    """The end of a box's log. `checkpoint.size` envelopes follow on each other; compare its root with a receipt's."""

    box: bytes
    checkpoint: Checkpoint


Finding = Opened | Trouble | Reached


def open_all(folder: Path) -> Iterator[Finding]:
    """All boxes by id, their records in order. Raises `hq_missing` or `bad_key_file` before the first finding."""
    hq_folder.public(folder)
    key = hq_folder.record_key(folder)
    for box in hq_folder.all_enrolled(folder):
        yield from _open_box(folder / "objects", box, key)


def _open_box(objects: Path, box: BoxFacts, key: suite.RecordKey) -> Iterator[Finding]:
    previous, reached, whole = envelope.NO_PREVIOUS, EMPTY, True
    for sequence in range(1, _highest(objects, box.box) + 1):
        try:
            found = _read(objects, box, sequence)
        except SyncFault as fault:
            yield Trouble(box.box, sequence, fault.code)
            whole = False
            continue
        if found is None:
            yield Trouble(box.box, sequence, "hole")
            whole = False
            continue
        if whole and found.previous != previous:
            yield Trouble(box.box, sequence, "chain")
            whole = False
        yield from _records(found, key)
        previous = found.hash
        reached = extend(reached, found.hash) if whole else reached
    yield Reached(box.box, reached)


def _read(objects: Path, box: BoxFacts, sequence: int) -> Envelope | None:
    raw = read_bounded(objects / object_path(box.box, sequence), MAX_ENVELOPE)
    if raw is None:
        return None
    found = envelope.parse(raw)
    envelope.verify(found, box.verify_key)
    if (found.box, found.sequence) != (box.box, sequence):
        raise SyncFault("malformed_envelope")
    return found


def _records(found: Envelope, key: suite.RecordKey) -> Iterator[Finding]:
    try:
        for record in envelope.open_records(found, key):
            yield Opened(found.box, found.sequence, record)
    except SyncFault as fault:
        yield Trouble(found.box, found.sequence, fault.code)


def _highest(objects: Path, box: bytes) -> int:
    folder = (objects / object_path(box, 1)).parent
    names = (path.name for path in folder.glob("[0-9]" * DIGITS)) if folder.is_dir() else iter(())
    return max((int(name) for name in names), default=0)


def as_json(finding: Finding) -> str:
    """One line. A record's body stays JSON if it is JSON, else base64."""
    match finding:
        case Opened(box, sequence, record):
            fields = {"box": box.hex(), "sequence": sequence, "number": record.number, "at": record.at}
            return json.dumps({**fields, "class": record.record_class, **_body(record.body)})
        case Trouble(box, sequence, code):
            return json.dumps({"box": box.hex(), "sequence": sequence, "trouble": code})
        case Reached(box, checkpoint):
            return json.dumps({"box": box.hex(), "size": checkpoint.size, "root": root(checkpoint).hex()})


def as_text(finding: Finding) -> str:
    """One line for a person."""
    match finding:
        case Opened(box, sequence, record):
            what = f"{record.number} {record.at} {record.record_class}"
            return f"box {box.hex()[:8]}  envelope {sequence}  record {what}  {json.dumps(_body(record.body))}"
        case Trouble(box, sequence, code):
            return f"box {box.hex()[:8]}  envelope {sequence}  WRONG: {code}"
        case Reached(box, checkpoint):
            return f"box {box.hex()[:8]}  {checkpoint.size} envelopes, root {root(checkpoint).hex()}"


def _body(body: bytes) -> dict[str, object]:
    try:
        return {"body": json.loads(body)}
    except (ValueError, RecursionError):
        return {"body_base64": base64.b64encode(body).decode("ascii")}
