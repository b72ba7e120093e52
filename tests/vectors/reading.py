"""Vectors as files, and our own readers of them: folder -> (given lines, bytes) -> what was read, or a SyncFault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sync import bundle, enrolment, envelope, frames, keys, outbox, pack, receipt, suite
from sync.checkpoint import EMPTY, root
from sync.content import Record
from sync.faults import SyncFault
from sync.hq import ingest
from sync.keys import HqFacts
from sync.outbox import Sealed

HERE = Path(__file__).parent
Given = dict[str, str]
Result = dict[str, Any]


def read(path: Path) -> tuple[Given, bytes]:
    """The lines of a vector file and its bytes."""
    head, _, raw = path.read_bytes().partition(b"\n\n")
    given = dict(line.split(": ", 1) for line in head.decode("ascii").splitlines())
    return given, raw + bytes(int(given.get("zeros", "0")))


def vectors() -> list[Path]:
    return sorted(path for folder in READERS for path in (HERE / folder).glob("*.vector"))


def shown(data: bytes) -> str:
    return data.hex() if len(data) <= 2100 else "sha256:" + suite.digest(data).hex()


def _told(records: tuple[Record, ...]) -> list[list[str]]:
    return [[str(one.number), one.record_class, one.at, shown(one.body)] for one in records]


def _hashes(values: tuple[bytes, ...]) -> list[str]:
    return [suite.digest(one).hex() for one in values]


def _envelope(given: Given, raw: bytes) -> Result:
    parsed = envelope.parse(raw)
    envelope.verify(parsed, bytes.fromhex(given["box_verify_key"]))
    records = envelope.open_records(parsed, suite.RecordKey(bytes.fromhex(given["record_seed"])))
    assert parsed.box.hex() == given["box"]
    return {"sequence": str(parsed.sequence), "hash": parsed.hash.hex(), "records": _told(records)}


def _receipt(given: Given, raw: bytes) -> Result:
    parsed = receipt.parse(raw)
    receipt.verify(parsed, [bytes.fromhex(given["hq_verify_key"])], bytes.fromhex(given["box"]))
    tree = root(parsed.checkpoint).hex()
    return {"size": str(parsed.size), "at": str(parsed.at), "last": parsed.last.hex(), "root": tree}


def _chain(given: Given, raw: bytes) -> Result:
    """HQ's rules for envelopes, the box's for receipts."""
    head, settled, sealed, stored = ingest.Head(EMPTY, envelope.NO_PREVIOUS), EMPTY, list[Sealed](), dict[int, bytes]()
    for frame in frames.Reader().feed(raw):
        if frame.kind == frames.SEGMENT:
            parsed = envelope.parse(frame.payload)
            envelope.verify(parsed, bytes.fromhex(given["box_verify_key"]))
            if parsed.sequence > head.checkpoint.size + 1:
                raise SyncFault("gap", next_wanted=head.checkpoint.size + 1)
            if parsed.sequence <= head.checkpoint.size:
                if stored[parsed.sequence] != parsed.raw:
                    raise SyncFault("fork")
                continue
            head = ingest.judge(ingest.Offer(parsed, None), head, None).head
            stored[parsed.sequence] = parsed.raw
            sealed.append(Sealed(parsed.sequence, parsed.hash))
        elif frame.kind == frames.RECEIPT:
            got = receipt.parse(frame.payload)
            receipt.verify(got, [bytes.fromhex(given["hq_verify_key"])], bytes.fromhex(given["box"]))
            if outbox.settles(got, settled, [one for one in sealed if one.sequence > settled.size]):
                settled = got.checkpoint
    return {"size": str(head.checkpoint.size), "receipted": str(settled.size), "root": root(head.checkpoint).hex()}


def _pack(given: Given, raw: bytes) -> Result:
    parsed = pack.parse(raw)
    pack.verify(parsed, [bytes.fromhex(given["pack_verify_key"])], bytes.fromhex(given["box"]))
    records = pack.open_records(parsed, suite.RecordKey(bytes.fromhex(given["inbox_seed"])))
    fields = {"number": str(parsed.number), "kind": str(parsed.kind), "subject": parsed.subject.hex()}
    return {**fields, "at": str(parsed.at), "records": _told(records)}


def _bundle(given: Given, raw: bytes) -> Result:
    parsed = bundle.parse(raw)
    if (parsed.box.hex(), str(parsed.direction)) != (given["box"], given["direction"]):
        raise SyncFault("bundle_other_box")
    known = (bundle.HELLO, bundle.RECEIPT, bundle.ENVELOPE, bundle.PACK)
    parts = [[str(one.kind), shown(one.payload)] for one in parsed.parts if one.kind in known]
    return {"direction": str(parsed.direction), "parts": parts}


def _frames(given: Given, raw: bytes) -> Result:
    """In two chunks cut anywhere: the answer must not depend on where."""
    reader = frames.Reader()
    found = reader.feed(raw[: len(raw) // 3]) + reader.feed(raw[len(raw) // 3 :])
    return {"frames": [[str(one.kind), shown(one.payload)] for one in found]}


def _hq(facts: HqFacts) -> Result:
    lists = ("record_keys", "receipt_keys", "pack_keys", "tls_certificates")
    named = {name: _hashes(getattr(facts, name)) for name in lists}
    return {"url": facts.url, "serial": str(facts.serial), **named}


def _facts(given: Given, raw: bytes) -> Result:
    if given["of"] == "hq":
        return _hq(keys.hq_from_json(raw))
    box = keys.box_from_json(raw)
    inbox = suite.digest(box.inbox_key).hex() if box.inbox_key else ""
    return {"box": box.box.hex(), "verify_key": box.verify_key.hex(), "inbox_key": inbox}


def _enrolment(given: Given, raw: bytes) -> Result:
    if given["of"] == "request":
        asked = enrolment.parse_request(raw)
        if given["code"] and not enrolment.knows_code(asked, enrolment.code_secret(given["code"])):
            raise SyncFault("code_wrong")
        fields = {"box": asked.box.box.hex(), "serial": str(asked.serial), "software": asked.software}
        return {**fields, "csr": asked.csr.hex()}
    asked = enrolment.parse_request(bytes.fromhex(given["request"]))
    if given["of"] == "answer":
        answer, facts = enrolment.read_answer(raw, asked, enrolment.code_secret(given["code"]))
    else:
        pinned = keys.hq_from_json(bytes.fromhex(given["pinned"]))
        answer, facts = enrolment.read_renewal(raw, asked, pinned)
    return {"certificate": answer.certificate.hex(), "name": answer.name, "facts": _hq(facts)}


READERS: dict[str, Callable[[Given, bytes], Result]] = {
    "envelope": _envelope,
    "receipt": _receipt,
    "chain": _chain,
    "pack": _pack,
    "bundle": _bundle,
    "frames": _frames,
    "facts": _facts,
    "enrolment": _enrolment,
}
