"""How the sealed records travel, as console and status tell it: one state, and since when. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from appliance.clock import parse
from appliance.outbox.lives.rows import Trouble
from appliance.outbox.rows import NOTHING_WAITS, Backlog, Standing
from sync.spool import CourierStatus

State = Literal["not_enrolled", "up_to_date", "sending", "hq_unreachable"]

SILENT_DAYS = 14  # without a word of HQ while records wait: time to carry a stick
STICK_DAYS = 14  # that a stick may be on its way there and back
LINE_DAYS = 1  # that HQ may be reached, without a fault, and sign nothing
LINE = ("hq_unreachable", "wrong_certificate", "courier_away")
_DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class SyncFacts:
    """Field by field as `control.types.Sync` tells it. Times are RFC 3339 or "".

    `fault`: what stands in the way of the records, a code of sync. `trouble`: why nothing is sealed until a person
    adopts, `set_back`, `receipt_other_bytes`, or `restored`, which HQ's answer ends too; `trouble_since`.
    `queued_bytes` of the records without a receipt, before they are packed; `oldest_at`: when the first of them was
    made; `exported_at`: when it went on a stick. `missing`: HQ lost these segments, from the first to the last, and
    their bytes are gone here. The rest as the courier says.
    """

    state: State
    queued: int
    last_receipt_at: str
    last_attempt_at: str
    fault: str
    unreachable_since: str = ""
    queued_bytes: int = 0
    oldest_at: str = ""
    exported_at: str = ""
    courier: str = ""
    waits_until: str = ""
    bytes_today: int = 0
    budget_left: int = -1
    rate: float = 0.0
    trouble: str = ""
    trouble_since: str = ""
    heard_at: str = ""
    silent: bool = False
    missing: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Seen:
    """All that telling looks at. `fault`: of our own last round; `asking`: HQ's head is asked for; `at`: now."""

    enrolled: bool
    standing: Standing
    courier: CourierStatus
    at: str
    fault: str = ""
    asking: bool = False
    trouble: Trouble | None = None
    backlog: Backlog = NOTHING_WAITS
    heard_at: str = ""
    missing: tuple[int, ...] = ()
    unreachable_since: str = ""  # as told before


def facts_of(seen: Seen) -> SyncFacts:
    """What to tell. A fault of ours comes before the courier's; a failed attempt means nothing while nothing waits."""
    standing, courier = seen.standing, seen.courier
    told = seen.fault or (courier.fault if standing.queued else "")
    if not told and (no_receipt_by_stick(seen) or no_receipt_by_line(seen)):
        told = "receipt_missing"
    state = state_of(seen, told)
    trouble, since = trouble_of(seen)
    return SyncFacts(
        state=state,
        queued=standing.queued,
        last_receipt_at=standing.settled_at,
        last_attempt_at=courier.last_attempt_at,
        fault=told,
        unreachable_since=unreachable_since(seen) if state == "hq_unreachable" else "",
        queued_bytes=seen.backlog.bytes,
        oldest_at=seen.backlog.oldest_at,
        exported_at=standing.exported_at,
        courier=courier.state,
        waits_until=courier.waits_until,
        bytes_today=courier.bytes_today,
        budget_left=courier.budget_left,
        rate=courier.rate,
        trouble=trouble,
        trouble_since=since,
        heard_at=seen.heard_at,
        silent=bool(standing.queued) and days(seen.heard_at, seen.at) >= SILENT_DAYS,
        missing=seen.missing,
    )


def unreachable_since(seen: Seen) -> str:
    """Since when HQ is missed: as the courier says, which outlives a restart of the box."""
    return seen.courier.fault_since or seen.unreachable_since or seen.at


def state_of(seen: Seen, told: str) -> State:
    """One word for the status line."""
    if not seen.enrolled:
        return "not_enrolled"
    if not seen.standing.queued:
        return "up_to_date"
    return "hq_unreachable" if told in LINE else "sending"


def trouble_of(seen: Seen) -> tuple[str, str]:
    """Why nothing is sealed, and since when."""
    if seen.trouble is not None:
        return seen.trouble.code, seen.trouble.found_at
    return ("restored", "") if seen.enrolled and seen.asking else ("", "")


def days(since: str, at: str) -> float:
    """From one moment to another; 0 where there is none."""
    return (parse(at) - parse(since)).total_seconds() / _DAY if since and at else 0.0


def no_receipt_by_stick(seen: Seen) -> bool:
    """A stick went long ago and brought no receipt back. Another one does no harm."""
    return days(seen.standing.exported_at, seen.at) >= STICK_DAYS


def no_receipt_by_line(seen: Seen) -> bool:
    """HQ was reached, nothing is said to be wrong, and what was sealed long ago has no receipt."""
    reached = bool(seen.courier.last_success_at) and seen.courier.state not in ("hours", "budget", "waiting")
    return reached and days(seen.standing.sealed_at, seen.at) >= LINE_DAYS
