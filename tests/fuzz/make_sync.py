"""Seeds for the targets of sync_bytes.py. What is sealed comes out of tests/vectors: sealing is random."""

from __future__ import annotations

import base64
import json

from sync import bundle, items, keys
from sync.hq import ingest
from tests.vectors.reading import HERE, read
from tests.vectors.sync_makers import facts, packs
from tests.vectors.sync_makers.common import BOX, MANY, ONE, framed, zstd


def _vectors(folder: str, *names: str) -> dict[str, bytes]:
    return {f"{folder}-{name}": read(HERE / folder / f"{name}.vector")[1] for name in names}


def sealed() -> dict[str, bytes]:
    made = _vectors("envelope", "one_record", "second") | _vectors("receipt", "one", "seven")
    return made | _vectors("pack", "items", "returned")


def records() -> dict[str, bytes]:
    """First byte: bit 0 content version 2, bit 1 zstd."""
    plain = b"".join(framed(one.number, body=one.body) for one in (*ONE, *MANY))
    return {
        "plain": b"\0" + framed(),
        "plain-2": b"\1" + framed() + framed(2),
        "zstd": b"\2" + zstd(plain),
        "zstd-2": b"\3" + zstd(plain),
        "bomb": b"\2" + zstd(bytes(1 << 20)),
        "unsized": b"\2" + zstd(plain, sized=False),
    }


def frames() -> dict[str, bytes]:
    return {
        name: one.raw for name, one in packs.streams().items() if name in ("down", "later", "cut", "kind", "nothing")
    }


def words() -> dict[str, bytes]:
    return {
        "hello": packs.HELLO,
        "refusal": json.dumps({"code": "gap", "next_wanted": 7, "retry_after": 3.5}).encode(),
        "every-code": json.dumps(sorted(ingest.SPOKEN)).encode(),
        "limits": b'{"bytes_per_day": 1000000, "hours": "22:00-06:00", "urgent_always": true}',
        "spent": b'{"day": "2031-03-04", "bytes": 7, "resets": 2.5, "ran": 1e9, "closed": 0}',
        "deep": b'{"x":' + b"[" * 1400,
        "large-number": b'{"queued": ' + b"9" * 400 + b', "retry_after": 1e300}',
        "not-utf8": b'{"version": "\xff"}',
    }


def public_facts() -> dict[str, bytes]:
    made = {name: one.raw for name, one in facts.facts().items() if name in ("hq", "hq_1", "box", "box_1")}
    step = facts.enrolments()["renewal_steps"].raw
    body = json.loads(base64.b64decode(json.loads(step)["body"]))
    return made | {"step": base64.b64decode(body["steps"][0]), "empty": b"{}", "deep": b"[" * 1400}


def bundles() -> dict[str, bytes]:
    raw = {name: one.raw for name, one in packs.bundles().items() if name == "none"}
    mixed = bundle.Part(9, b"later"), bundle.Part(1, packs.HELLO), bundle.Part(2, packs.RECEIPT)
    return raw | {"mixed": bundle.pack(bundle.UP, BOX, mixed)[:-32]}


def enrolments() -> dict[str, bytes]:
    messages = {
        name: one.raw for name, one in facts.enrolments().items() if name in ("request", "answer", "renewal_steps")
    }
    bodies = {f"{name}-body": base64.b64decode(json.loads(raw)["body"]) for name, raw in messages.items()}
    return messages | bodies | {"code": facts.CODE.encode(), "hq": keys.hq_to_json(facts.HQ)}


def every_item() -> dict[str, bytes]:
    """The first byte is the place of the kind among all."""
    text = items.Text(language="en", title="Rules", body="Be kind.\n\nCome back.")
    resource = items.Resource(version=3, id="calm", title="Calm", kind="text", text="Breathe.")
    colleague = items.Colleague(id="a", name="Ann", username="ann", role="operator", state="active")
    made = [
        items.Policy(version=1, hold_back=("audit_checkpoint",)),
        items.Agreement(version=4, texts=(text,)),
        resource,
        *items.parts_of(b"%PDF-1.7", 2),
        items.Roster(version=1, staff=(colleague,)),
        items.TlsName(version=1, name="box7.clinic.example"),
        items.Void(version=1, numbers=(2, 3)),
    ]
    kinds = sorted(items.KINDS)
    return {
        items.kind_of(one).replace("_", "-"): bytes([kinds.index(items.kind_of(one))]) + items.encode(one)
        for one in made
    }


MAKERS = {
    "sync_sealed": sealed,
    "sync_records": records,
    "sync_frames": frames,
    "sync_words": words,
    "sync_facts": public_facts,
    "sync_bundle": bundles,
    "sync_enrolment": enrolments,
    "sync_item": every_item,
}
