"""HQ's share of the clinic's recovery key, as HQ gets it. Pure.

Whoever has it and HQ's private record key has the recovery key's seed (SEALING.md). That opens notes in the box's
store, and is worth nothing without the store.
"""

from __future__ import annotations

import base64

import msgspec

RECORD_CLASS = "notes_recovery_share"
VERSION = 1


class RecoveryShare(msgspec.Struct, frozen=True, kw_only=True):
    """`recovery`: the recovery key's public half; `sealed`: its seed, sealed to HQ's record key. Both in base64."""

    record: str = RECORD_CLASS
    version: int = VERSION
    recovery: str
    sealed: str


def encode(recovery: bytes, sealed: bytes) -> bytes:
    """JSON in UTF-8, about 3 KiB."""
    return msgspec.json.encode(RecoveryShare(recovery=_base64(recovery), sealed=_base64(sealed)))


def decode(body: bytes) -> tuple[bytes, bytes]:
    """Public half and sealed seed. msgspec.DecodeError or ValueError for anything else."""
    told = msgspec.json.decode(body, type=RecoveryShare)
    return base64.b64decode(told.recovery, validate=True), base64.b64decode(told.sealed, validate=True)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
