"""How HQ's keys are exchanged while boxes are away: what new facts a box takes, and the signed steps to them. Pure.

Each change of HQ's public facts is one step: serial + 1, signed by every pack key that HQ has. A box takes a step when
a pack key that it has pinned has signed it, whether the step comes in a pack or with a certificate. So a box that
missed three changes walks three steps, each proved by the one before, however long it was away.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec

from sync import keys, suite
from sync.envelope import key_id
from sync.faults import SyncFault
from sync.keys import HqFacts

MAX_STEP = 2 * keys.MAX_FACTS  # bytes of a step's file
MAX_SIGNERS = 2 * keys.MAX_LISTED  # pack keys, and receipt keys for boxes that know no pack key
_SIGN = b"hearth hq facts 1\0"


@dataclass(frozen=True, slots=True)
class Step:
    """HQ's facts at one serial, as they were signed, with (key id, signature) of each signer."""

    facts: bytes
    signatures: tuple[tuple[bytes, bytes], ...]


class _Signature(msgspec.Struct):
    key: str
    signature: str


class _Stored(msgspec.Struct):
    facts: str
    signatures: list[_Signature]


def acceptable(old: HqFacts, new: HqFacts) -> bool:
    """Whether a box that has pinned `old` may pin `new` (whose signer was checked): it is newer, and each list still
    has an entry that the box knows. So no slip at HQ can cut a box off from all it trusts at once."""
    if new.serial <= old.serial:
        return False
    lists = (
        (old.record_keys, new.record_keys),
        (old.receipt_keys, new.receipt_keys),
        (old.tls_certificates, new.tls_certificates),
        (old.pack_keys, new.pack_keys),
    )
    return all(not had or set(had) & set(has) for had, has in lists)


def sign(facts: HqFacts, signers: Iterable[suite.SigningKey]) -> Step:
    """One step, signed by all of `signers`."""
    raw = keys.hq_to_json(facts)
    return Step(raw, tuple((key_id(one.public), one.sign(_SIGN, raw)) for one in signers))


def proved(step: Step, pinned: HqFacts) -> HqFacts:
    """The step's facts, if a key that `pinned` names has signed them: a pack key, or for a box that was pinned before
    there were pack keys, a receipt key. Faults: `facts_other_key`, `bad_signature`, those of `keys.hq_from_json`."""
    trusted = {key_id(key): key for key in pinned.pack_keys or pinned.receipt_keys}
    for signer, signature in step.signatures:
        if signer in trusted:
            suite.verify(trusted[signer], _SIGN, step.facts, signature)
            return keys.hq_from_json(step.facts)
    raise SyncFault("facts_other_key")


def walk(steps: Sequence[Step], pinned: HqFacts) -> HqFacts:
    """Where the steps lead from `pinned`; `pinned` itself when none is newer. Raises at the first that does not follow:
    `facts_unrelated`, and as `proved`."""
    for step in steps:
        facts = proved(step, pinned)
        if facts.serial <= pinned.serial:
            continue
        if not acceptable(pinned, facts):
            raise SyncFault("facts_unrelated")
        pinned = facts
    return pinned


def step_to_json(step: Step) -> bytes:
    signatures = [_Signature(signer.hex(), _b64(signature)) for signer, signature in step.signatures]
    return msgspec.json.encode(_Stored(_b64(step.facts), signatures))


def step_from_json(raw: bytes) -> Step:
    """Layout only; `malformed_facts`."""
    try:
        stored = msgspec.json.decode(raw if len(raw) <= MAX_STEP else b"", type=_Stored)
        if len(stored.signatures) > MAX_SIGNERS:
            raise ValueError
        signatures = ((bytes.fromhex(one.key), _unb64(one.signature)) for one in stored.signatures)
        return Step(_unb64(stored.facts), tuple(signatures))
    except (ValueError, UnicodeDecodeError, RecursionError):  # msgspec's and base64's faults are ValueErrors
        raise SyncFault("malformed_facts") from None


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _unb64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
