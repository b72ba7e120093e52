"""Who can open what, and when a care group needs a new key: decided from the rows of sealed keys. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

RECOVERY = "recovery"  # the holder of that name is the clinic's recovery key
HQ = "hq"  # and of that name, among those of the recovery key's shares, headquarters
HqShare = Literal["", "none", "there", "other"]  # "": no headquarters; "other": sealed to a key that it has no more


@dataclass(frozen=True, slots=True)
class Holder:
    """Who was given the key of an epoch, sealed to the public key with that hash. Not `there`: taken away again."""

    epoch: int
    holder: str
    key_hash: bytes
    there: bool


@dataclass(frozen=True, slots=True)
class Waiting:
    """A clinician who lacks keys. `epochs`: which; none of them can be given before `has_key`."""

    holder: str
    has_key: bool
    epochs: tuple[int, ...]


def open_epochs(holders: Sequence[Holder], holder: str, key_hash: bytes) -> frozenset[int]:
    """The epochs whose notes that holder's key of now opens."""
    return frozenset(h.epoch for h in holders if h.holder == holder and h.there and h.key_hash == key_hash)


def only_theirs(holders: Sequence[Holder], holder: str, others: Mapping[str, bytes]) -> frozenset[int]:
    """The epochs whose notes that holder may still open and none of `others` (holder to key hash) does."""
    theirs = {h.epoch for h in holders if h.holder == holder and h.there}
    opened = [open_epochs(holders, other, digest) for other, digest in others.items() if other != holder]
    return frozenset(theirs.difference(*opened))


def must_renew(current: Sequence[Holder], clinicians: Mapping[str, bytes]) -> bool:
    """Whether somebody was given the current epoch's key who should not read on.

    `clinicians`: those of the group now, each with the hash of their key. One who left, retired or had their password
    reset (the old one may be known to others) is one too many.
    """
    return any(h.holder != RECOVERY and (not h.there or clinicians.get(h.holder) != h.key_hash) for h in current)


def waiting(epochs: Collection[int], holders: Sequence[Holder], keys: Mapping[str, bytes]) -> list[Waiting]:
    """Who of `keys` (holder to key hash, b"" for one without a key yet) lacks the key of an epoch."""
    found = []
    for holder, key_hash in keys.items():
        missing = tuple(sorted(set(epochs) - open_epochs(holders, holder, key_hash)))
        if missing:
            found.append(Waiting(holder, key_hash != b"", missing))
    return found
