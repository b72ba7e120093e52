"""`hearth audit`: verify, prove, check-proof, export.

A box that runs does it itself, for an auditor (or, to verify, an administrator) who signs in; where none runs, the
passphrase opens the store. `check-proof` needs neither: only the proof and the box's verify key.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

from appliance import terminal
from appliance.audit import export, outside, proof, rows
from appliance.audit.actions import Auditing
from appliance.audit.checking import Finding, Seen
from appliance.control.client import ControlClient
from appliance.faults import Fault
from appliance.home import Home
from appliance.outbox import rows as outbox
from appliance.policy import BOX
from appliance.store import birth, keyslots, ledger, slotpair
from appliance.store.database import Database
from appliance.store.files import HomeLock, fault_of_os
from sync import keys
from sync.faults import SyncFault

T = TypeVar("T")
_SECRET = "Passphrase of the box: "  # noqa: S105 - what is asked for
_MOST_NOTES = 128  # sent to a running box: the newest ones say all that the older ones say, and more

_SENTENCES = {
    "changed": "{range} was changed: it is not what its hash was made from",
    "moved": "{range} stood at another place",
    "replaced": "{range} was replaced: what came after it followed another one",
    "missing": "missing: {range}",
    "rewritten": "something in {range} is not what {source}; which of them cannot be told",
    "head": "the head of the log is not that of its entries",
    "node": "hashes kept for {range} were changed; the entries themselves are whole",
    "checkpoint": "signed checkpoint {first} was changed, or signed with another key",
    "checkpoint_missing": "missing: signed checkpoint {first}",
    "guard": "the triggers that keep entries from being changed are gone from the store",
}
_SOURCES = {"checkpoint": "the box signed", "witness": "the witness beside the store saw"}


@dataclass(frozen=True, slots=True)
class Asked:
    """The command line."""

    what: Literal["verify", "prove", "check-proof", "export"]
    which: str
    against: Path | None
    key: str
    kind: Literal["csv", "jsonl"]
    out: Path | None
    passphrase_file: Path | None
    as_json: bool


@dataclass(frozen=True, slots=True)
class Result:
    """What a verification told. `key`: the box's verify key, hex."""

    findings: Sequence[Finding]
    size: int
    root: str
    signed: int
    key: str


class Source(Protocol):
    """Where the audit is: behind the running box, or in a store that was opened here."""

    async def verify(self, notes: Sequence[str]) -> Result: ...
    async def prove(self, sequence: int) -> bytes: ...
    def export(self, kind: Literal["csv", "jsonl"]) -> AsyncIterator[bytes]: ...


def audit(root: Path, asked: Asked) -> int:
    """0; 1 where the audit is not whole or the proof proves nothing. Faults are the caller's to print."""
    home = Home(root)
    if asked.what == "check-proof":
        return check_proof(home, asked)
    if asked.what == "prove" and not (asked.which.isascii() and asked.which.isdecimal()):
        raise Fault("bad_request", "prove needs the number of an entry")
    return _with(home, asked, partial(_WORK[asked.what], asked=asked))


def check_proof(home: Home, asked: Asked) -> int:
    """Without a box: 0 and the entry, or 1 and why not."""
    raw, public = _read(Path(asked.which), proof.MAX_FILE), _public(home, asked.key)
    try:
        entry, signed = proof.check(raw, public)
    except ValueError as problem:
        if asked.as_json:
            sys.stdout.write(json.dumps({"proved": False, "why": str(problem)}) + "\n")
        else:
            sys.stdout.write(f"Not proved: {problem}.\n")
        return 1
    facts = {"proved": True, "entry": asdict(entry), "size": signed.size, "root": signed.root.hex(), "at": signed.at}
    if asked.as_json:
        sys.stdout.write(json.dumps(facts) + "\n")
        return 0
    sys.stdout.write(
        f"Proved: entry {entry.sequence} of {signed.size}, {entry.at}, {entry.role} {entry.action}, {entry.outcome}.\n"
        f"The log was signed by box {signed.box.hex()} at {signed.at}. Fingerprint {signed.root.hex()}\n"
    )
    return 0


async def _verify(source: Source, asked: Asked) -> int:
    notes = outside.texts(_read(asked.against, outside.MAX_NOTES)) if asked.against else []
    if asked.against and not notes:
        raise Fault("bad_request", "no checkpoint in that file")
    result = await source.verify(notes[-_MOST_NOTES:])
    if asked.as_json:
        sys.stdout.write(json.dumps({"whole": not result.findings, **asdict(result)}) + "\n")
    else:
        sys.stdout.writelines(f"{line}\n" for line in _told(result))
    return 1 if result.findings else 0


def _told(result: Result) -> list[str]:
    lines = [f"NOT WHOLE: {sentence(found)}" for found in result.findings]
    if not lines:
        lines = [f"The audit is whole: {result.size} entries, signed up to {result.signed}."]
    return [*lines, f"Fingerprint {result.root}", f"Verify key  {result.key}"]


def sentence(found: Finding) -> str:
    """A finding in words."""
    many = f"entries {found.first} to {found.last}"
    return _SENTENCES[found.what].format(
        range=f"entry {found.first}" if found.first == found.last else many,
        first=found.first,
        source=_SOURCES.get(found.source, "was signed in the file"),
    )


async def _prove(source: Source, asked: Asked) -> int:
    _write([await source.prove(int(asked.which))], asked.out)
    return 0


async def _export(source: Source, asked: Asked) -> int:
    portions = source.export(asked.kind)
    if asked.out is None:
        async for portion in portions:
            sys.stdout.buffer.write(portion)
        sys.stdout.buffer.flush()
        return 0
    with _create(asked.out) as file:
        async for portion in portions:
            file.write(portion)
    return 0


_WORK: dict[str, Callable[..., Any]] = {"verify": _verify, "prove": _prove, "export": _export}


def _with(home: Home, asked: Asked, work: Callable[[Source], Any]) -> int:
    """At the running box, or with the store opened here and nobody else's."""
    if not birth.present(home.store):
        raise Fault("store_missing")
    try:
        lock = HomeLock.take(home.root)
    except Fault as fault:
        if fault.code != "home_in_use":
            raise
        return asyncio.run(_at_the_running_box(home, work))
    with lock:
        return asyncio.run(_without_a_box(home, asked.passphrase_file, work, looking=asked.what == "verify"))


async def _at_the_running_box(home: Home, work: Callable[[Source], Any]) -> int:
    async with terminal.signed_in(home.control_socket) as client:
        return int(await work(_Running(client)))


async def _without_a_box(home: Home, file: Path | None, work: Callable[[Source], Any], *, looking: bool) -> int:
    secret = terminal.secret(file, _SECRET)
    opened = await asyncio.to_thread(keyslots.open_with, home.store, secret)
    # Also a store that its witness speaks against is looked at: which entry it is is what one wants to know then.
    db = await Database.open(home.store, opened.key, accepting=looking)
    try:
        await db.read(lambda tx: ledger.refuse_removed(tx, slotpair.slots_in(home.store), opened.slot))
        return int(await work(_Opened(Auditing(db, lambda: outside.witness(home.store)))))
    finally:
        await db.close()


@dataclass(frozen=True, slots=True)
class _Running:
    client: ControlClient

    async def verify(self, notes: Sequence[str]) -> Result:
        told = await self.client.audit_verify(tuple(notes))
        findings = [Finding(f.what, f.first, f.last, f.source) for f in told.findings]  # type: ignore[arg-type]
        return Result(findings, told.size, told.root, told.signed, told.key)

    async def prove(self, sequence: int) -> bytes:
        return (await self.client.audit_proof(sequence)).encode()

    def export(self, kind: Literal["csv", "jsonl"]) -> AsyncIterator[bytes]:
        return self.client.audit_export(kind)


@dataclass(frozen=True, slots=True)
class _Opened:
    auditing: Auditing

    async def verify(self, notes: Sequence[str]) -> Result:
        own = await self.auditing.db.read(outbox.known_identity)
        public = own.signing_key.public if own else b""
        seen: Sequence[Seen] = outside.notes("\n".join(notes).encode(), public, "file") if notes else ()
        found = await self.auditing.verify(BOX, seen)
        return Result(found.findings, found.size, found.root.hex(), found.signed, public.hex())

    async def prove(self, sequence: int) -> bytes:
        return proof.exported(await self.auditing.prove(BOX, sequence))

    def export(self, kind: Literal["csv", "jsonl"]) -> AsyncIterator[bytes]:
        return (export.csv if kind == "csv" else export.lines)(self.auditing, BOX, rows.EVERYTHING)


def _public(home: Home, typed: str) -> bytes:
    """The box's verify key: typed, or from the facts that HQ is given."""
    try:
        if typed:
            return bytes.fromhex(typed)
        return keys.box_from_json(home.box_facts.read_bytes()).verify_key
    except (ValueError, OSError, SyncFault):
        raise Fault("bad_request", "the box's verify key: --key, as `hearth audit verify` prints it") from None


def _read(file: Path, most: int) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(most + 1)
    except OSError:
        raise Fault("bad_request", "that file cannot be read") from None
    if len(content) > most:
        raise Fault("too_large", "that file")
    return content


def _create(file: Path) -> Any:
    try:
        return file.open("xb")
    except FileExistsError:
        raise Fault("bad_request", "that file is there already") from None
    except OSError as problem:
        raise fault_of_os(problem) from problem


def _write(portions: Sequence[bytes], out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.writelines(portions)
        sys.stdout.buffer.flush()
        return
    with _create(out) as file:
        file.writelines(portions)
