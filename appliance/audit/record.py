"""A signed checkpoint as HQ gets it: numbers and hashes, and the proof that the log only grew since. Pure."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import msgspec

RECORD_CLASS = "audit_checkpoint"
VERSION = 1


class AuditCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """`since`: the size of the checkpoint before, 0 for the first; `consistency`: RFC 9162 section 2.1.4 from there."""

    record: str = RECORD_CLASS
    version: int = VERSION
    note: str
    since: int
    consistency: Sequence[str]


def encode(note: str, since: int, proof: Sequence[bytes]) -> bytes:
    """JSON in UTF-8."""
    hashes = [base64.b64encode(part).decode("ascii") for part in proof]
    return msgspec.json.encode(AuditCheckpoint(note=note, since=since, consistency=hashes))


def decode(body: bytes) -> AuditCheckpoint:
    """What `encode` wrote. msgspec.DecodeError for anything else."""
    return msgspec.json.decode(body, type=AuditCheckpoint)


def proof(told: AuditCheckpoint) -> list[bytes]:
    """The hashes of the proof. ValueError where they are none."""
    return [base64.b64decode(part, validate=True) for part in told.consistency]
