"""What a pack may do next, which item is newer, when silence is told. Pure: packs, versions and times are arguments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sync.envelope import NO_PREVIOUS
from sync.faults import SyncFault
from sync.pack import Pack

MAX_WAITING = 256  # packs behind one that is refused, 40 MiB at most; the courier brings more when there is room
MAX_PARTS_HELD = (
    32 * 1024 * 1024
)  # bytes of parts whose resource did not come: HQ ends one file before it begins another
MAX_RESOURCES = 500
MAX_LIBRARY = 512 * 1024 * 1024  # bytes of all resources: a card has 16 GiB or more, and backups carry them along
HEAR_WITHIN_DAYS = 30  # without a word from HQ, until HQ says otherwise
WARN_DAYS = 28  # before the certificate of the box's name ends: weeks, since the next may have to come on a stick
DAY = 24 * 3600
CLOCK_SLACK = timedelta(minutes=5)  # a clock that is slewed does not lie by more


# For whom a resource is meant, and who may read it: a stranger on the network, one who showed an invitation, staff.
Reader = Literal["anyone", "patients", "staff"]
READS: dict[Reader, tuple[Reader, ...]] = {
    "anyone": ("anyone",),
    "patients": ("anyone", "patients"),
    "staff": ("anyone", "patients", "staff"),
}


def may_read(audience: Reader, reader: Reader) -> bool:
    """Whether what is meant for `audience` is shown to `reader`."""
    return audience in READS[reader]


@dataclass(frozen=True, slots=True)
class Head:
    """The newest pack that is in the store, applied or not."""

    number: int = 0
    hash: bytes = NO_PREVIOUS


def placed(pack: Pack, head: Head, same: bytes | None) -> Literal["next", "known", "early"]:
    """Where a pack stands in the chain. `same`: the hash of the pack that the store has under its number.

    `pack_fork`: two packs have one number, or this one does not follow on ours. A pack that is known already may be
    older than what counts now: it changes nothing.
    """
    if pack.number <= head.number:
        if same != pack.hash:
            raise SyncFault("pack_fork")
        return "known"
    if pack.number > head.number + 1:
        return "early"
    if pack.previous != head.hash:
        raise SyncFault("pack_fork")
    return "next"


def is_new(version: int, digest: bytes, known: tuple[int, bytes] | None) -> bool:
    """Whether an item is to be applied: False for what was applied before, the same bytes. `item_older`."""
    if known is None or version > known[0]:
        return True
    if (version, digest) != known:
        raise SyncFault("item_older")
    return False


def agreement_version(newest: int, wanted: int) -> int:
    """The box's number for HQ's text: HQ's own, unless the clinic has published that many by itself. Always the newest
    afterwards."""
    return max(newest + 1, wanted)


def silent_days(heard_at: str, now: datetime, *, believed: bool, running: float | None = None) -> int:
    """Whole days since HQ was heard.

    `running`: seconds since then by the clock that nobody sets, where HQ was heard since the start: that one is exact
    whatever happened to the time of day. Else by the time of day, and 0 while it is not believed: a warning must not
    come from a wrong clock, and one that is right again tells the days at once.
    """
    if running is not None:
        return int(running) // DAY
    try:
        heard = datetime.fromisoformat(heard_at)
    except ValueError:
        return 0
    return max(0, int((now - heard).total_seconds()) // DAY) if believed else 0


def heard_in_the_future(heard_at: str, now: datetime) -> bool:
    """Whether that was noted by a clock that was ahead: it would hide a silence for as long as the clock was wrong."""
    try:
        return datetime.fromisoformat(heard_at) > now + CLOCK_SLACK
    except ValueError:
        return False
