"""What the console knows: a snapshot, then one feed entry after the other folded into it. Pure.

Every entry replaces a whole object, so nothing is merged. Entries are numbered without gaps: one that is missing, or
that says `gap`, stops the folding until the next snapshot. What needs a person now comes first: `needs`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from appliance.control.types import (
    Box,
    Concern,
    Copies,
    FeedEntry,
    Health,
    Login,
    Member,
    Phase,
    Session,
    Snapshot,
    Sync,
)

Place = Literal["away", "setup", "unlock", "sign_in", "inside"]
NeedKind = Literal[
    "concern",  # somebody raised one, and nobody looks after it yet
    "waiting",
    "no_facilitator",
    "ticket_stopped",
    "clock_wrong",
    "clock_unsure",
    "relay_away",
    "disk_full",  # it takes no more
    "disk_low",
    "home_read_only",
    "store_failed",
    "store_damaged",
    "audit_broken",
    "set_back",
    "hot",
    "card_failing",
    "card_worn",
    "memory_full",
    "restored",
    "backup_failed",
    "no_backup",
    "old_backup",
    "hq_unreachable",
    "pack_refused",  # what HQ sent cannot be applied
    "hq_silent",
    "update_failed",
    "update_installed",
    "update_ready",
    "name_ends",  # the certificate of the box's name
    "certificate_ends",  # the box's own, which it could not renew
    "authority_ends",  # what the clinic's devices trust
]

DISK_LOW = 0.05  # of the disk free, or DISK_LEAST bytes: time to make room before the box takes no more
DISK_LEAST = 500 * 1024**2
# What can ail the store, as `Health.store` tells it: nothing can be kept, or something cannot be read.
STORE_TROUBLES: tuple[NeedKind, ...] = (
    "disk_full",
    "home_read_only",
    "store_failed",
    "store_damaged",
    "audit_broken",
)
SET_BACK = frozenset(
    {"set_back", "fork", "receipt_other_bytes"}
)  # HQ holds more than this box remembers, or something else
MEMORY_FULL = 0.92  # of the memory used: the kernel soon ends a process
HOT = 80.0  # °C, where a Pi slows itself down
AUTHORITY_ENDS_SOON = 182  # days: a new one must be installed on every device of the clinic
NAME_ENDS_SOON = 28  # days: weeks ahead, the next one may have to come on a stick
STRAINED = 0.95  # of what the box carries: the next person hardly fits
BUSY = 1.5  # load for each core: picture and sound begin to stutter


@dataclass(frozen=True, slots=True)
class Known:
    """What the console knows. `reached`: the line to the box is up, so the facts are of now, not of `lost_at`."""

    reached: bool = False
    lost_at: str = ""
    trouble: str = ""  # code of the fault that cut the line
    gap: bool = False  # entries were missed: nothing is folded until the next snapshot
    sequence: int = 0
    box: Box | None = None
    login: Login | None = None
    sessions: tuple[Session, ...] = ()
    health: Health | None = None
    sync: Sync | None = None
    copies: Copies | None = None


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that wants a person. `session` and `member` are ids or ""; `count` is how many people it concerns."""

    kind: NeedKind
    session: str = ""
    member: str = ""
    count: int = 1


def from_snapshot(snapshot: Snapshot) -> Known:
    """Everything anew; nothing of what was known before survives. Without a login there are no sessions."""
    return Known(
        reached=True,
        sequence=snapshot.sequence,
        box=snapshot.box,
        login=snapshot.login,
        sessions=snapshot.sessions if snapshot.login else (),
        health=snapshot.health,
        sync=snapshot.sync,
        copies=snapshot.copies,
    )


def fold(known: Known, entry: FeedEntry) -> Known:
    """`known` after one more entry. Old entries and those without a snapshot before them change nothing."""
    if known.box is None or known.gap:
        return known
    if entry.gap:  # whatever its number: a box that was started anew counts from elsewhere
        return replace(known, gap=True)
    if entry.sequence <= known.sequence:
        return known
    if entry.sequence != known.sequence + 1:
        return replace(known, gap=True)
    known = replace(
        known,
        sequence=entry.sequence,
        box=entry.box or known.box,
        health=entry.health or known.health,
        sync=entry.sync or known.sync,
        copies=entry.copies or known.copies,
    )
    if entry.session is not None and known.login is not None:
        known = replace(known, sessions=_with(known.sessions, entry.session))
    if known.box is not None and known.box.state != "unlocked":
        known = signed_out(known)
    return known


def lost(known: Known, code: str, at: str) -> Known:
    """The line is down: the last facts stay, marked as old. `at` is shown; the first loss counts."""
    first = known.reached or not known.lost_at
    return replace(known, reached=False, trouble=code, lost_at=at if first else known.lost_at)


def signed_out(known: Known) -> Known:
    """Nobody is signed in here any more: no session and no name stays."""
    return replace(known, login=None, sessions=())


def place(known: Known) -> Place:
    """Which page a person belongs on."""
    if known.box is None:
        return "away"
    if known.box.state == "new":
        return "setup"
    if known.box.state == "locked":
        return "unlock"
    return "inside" if known.login else "sign_in"


def session(known: Known, session_id: str) -> Session | None:
    """A session by id."""
    return next((found for found in known.sessions if found.id == session_id), None)


def member(known: Known, session_id: str, member_id: str) -> Member | None:
    """A member by the session's id and their own."""
    found = session(known, session_id)
    return next((one for one in found.members if one.id == member_id), None) if found else None


def phase(of: Session) -> Phase:
    """How far a session is; of one that goes on, that it is open where nothing closer was told."""
    if of.state != "open":
        return of.state
    return of.phase if of.phase not in ("scheduled", "ended") else "open"


def waiting(of: Session) -> tuple[Member, ...]:
    """The waiting room, in the box's order; empty once the session has ended."""
    return tuple(one for one in of.members if one.standing == "waiting") if of.state != "ended" else ()


def present(of: Session) -> tuple[Member, ...]:
    """The roster: those who were admitted."""
    return tuple(one for one in of.members if one.standing == "admitted")


def absent(of: Session) -> tuple[Member, ...]:
    """Everybody else who was expected: not here yet, on the way, denied or removed."""
    here = {one.id for one in (*waiting(of), *present(of))}
    return tuple(one for one in of.members if one.id not in here)


def arrivals(before: Known, after: Known) -> tuple[tuple[str, str], ...]:
    """(session, member) of those who wait now and did not before. The first look after a sign-in announces nobody."""
    if before.login is None or after.login is None:
        return ()
    known_before = set(_waiting_ids(before))
    return tuple(ids for ids in _waiting_ids(after) if ids not in known_before)


def raised(before: Known, after: Known) -> tuple[tuple[str, Concern], ...]:
    """(session, concern) of those that nobody had raised before. Those of before a sign-in are in the list."""
    if before.login is None or after.login is None:
        return ()
    told = {one.id for of in before.sessions for one in of.concerns}
    return tuple((of.id, one) for of in after.sessions for one in of.concerns if one.id not in told)


def needs(known: Known) -> tuple[Need, ...]:
    """What needs a person now, the most pressing first: people, then the box, then the line to HQ."""
    found = [
        *(
            Need("concern", one.id, one.concerns[0].member, count=len(one.concerns))
            for one in known.sessions
            if one.concerns
        ),
        *(Need("waiting", one.id, count=len(waiting(one))) for one in known.sessions if waiting(one)),
        *(
            Need("no_facilitator", one.id)
            for one in known.sessions
            if one.state == "open" and not one.facilitator_connected
        ),
        *(
            Need("ticket_stopped", one.id, person.id)
            for one in known.sessions
            if one.state != "ended"
            for person in absent(one)
            if person.ticket == "stopped"
        ),
    ]
    if known.box is not None and known.box.state == "unlocked":
        found.extend(Need(kind) for kind in _of_the_box(known.box))
    found.extend(ending(known.box))
    found.extend(Need(kind) for kind in ill(known.health))
    found.extend(Need(kind) for kind in unsaved(known.copies))
    if known.sync is not None and SET_BACK & {known.sync.fault, known.sync.trouble}:
        found.append(Need("set_back"))
    if known.sync is not None and known.sync.state == "hq_unreachable" and known.sync.queued:
        found.append(Need("hq_unreachable", count=known.sync.queued))
    found.extend(from_hq(known.sync))
    found.extend(Need(kind) for kind in release(known))
    return tuple(found)


def release(known: Known) -> tuple[NeedKind, ...]:
    """A release that waits for somebody who may do something about it."""
    if known.box is None or known.login is None or "install_update" not in known.login.may:
        return ()
    table: dict[str, NeedKind] = {
        "failed": "update_failed",
        "installed": "update_installed",
        "ready": "update_ready",
    }
    return (table[known.box.update],) if known.box.update in table else ()


def from_hq(sync: Sync | None) -> tuple[Need, ...]:
    """What of headquarters' side needs somebody: a pack that holds the others up, silence, a certificate that ends."""
    if sync is None or sync.state == "not_enrolled":
        return ()
    found = [Need("pack_refused")] if sync.pack_fault else []
    if sync.silent_days:
        found.append(Need("hq_silent", count=sync.silent_days))
    days = sync.portal_certificate_days
    if days is not None and days < NAME_ENDS_SOON:
        found.append(Need("name_ends", count=max(0, days)))
    return tuple(found)


def ending(box: Box | None) -> tuple[Need, ...]:
    """The box's own certificates that end soon, also of a locked box: only who opens it can have it renew them."""
    if box is None:
        return ()
    rows: tuple[tuple[NeedKind, int | None, int], ...] = (
        ("certificate_ends", box.certificate_days, NAME_ENDS_SOON),
        ("authority_ends", box.authority_days, AUTHORITY_ENDS_SOON),
    )
    return tuple(Need(kind, count=days) for kind, days, soon in rows if days is not None and days < soon)


def ill(health: Health | None) -> tuple[NeedKind, ...]:
    """What is wrong with the box itself."""
    if health is None:
        return ()
    found: list[NeedKind] = [kind for kind in STORE_TROUBLES if kind == health.store]
    if health.store != "disk_full" and disk_low(health):
        found.append("disk_low")
    if (health.temperature is not None and health.temperature >= HOT) or health.throttled == "now":
        found.append("hot")
    if health.card:
        found.append("card_failing" if health.card == "failing" else "card_worn")
    if share(health.memory_used, health.memory_total) >= MEMORY_FULL:
        found.append("memory_full")
    return tuple(found)


def unsaved(copies: Copies | None) -> tuple[NeedKind, ...]:
    """What is wrong with the backups. While one is made its last failure says nothing any more."""
    if copies is None:
        return ()
    found: list[NeedKind] = ["restored"] if copies.restored_from else []
    if copies.fault and not copies.step:
        found.append("backup_failed")
    elif copies.state in ("none", "old") and not copies.step:
        found.append("no_backup" if copies.state == "none" else "old_backup")
    return tuple(found)


def disk_low(health: Health) -> bool:
    """Whether the disk is nearly full. An unknown disk is not."""
    free = health.disk_total - health.disk_used if health.disk_free is None else health.disk_free
    return health.disk_total > 0 and free < max(DISK_LOW * health.disk_total, DISK_LEAST)


def busy(health: Health) -> bool:
    """Whether the processor has more to do than it can."""
    return health.load >= BUSY * max(1, health.cores)


def strained(health: Health) -> bool:
    """Whether picture and sound take nearly all that the box and its network carry."""
    return health.carried is not None and health.carried >= STRAINED


def share(used: int, total: int) -> float:
    """Used part of a total, 0 to 1; an unknown total is 0."""
    return min(1.0, max(0.0, used / total)) if total > 0 else 0.0


def clock_wrong(box: Box | None) -> bool:
    """Whether the box goes by a stop-gap, since its machine's clock cannot be believed."""
    return box is not None and box.clock not in ("", "unsure")


def _of_the_box(box: Box) -> list[NeedKind]:
    found: list[NeedKind] = ["clock_wrong"] if clock_wrong(box) else []
    if box.clock == "unsure":
        found.append("clock_unsure")
    if not box.relay_connected:
        found.append("relay_away")
    return found


def _waiting_ids(known: Known) -> list[tuple[str, str]]:
    return [(one.id, person.id) for one in known.sessions for person in waiting(one)]


def _with(sessions: tuple[Session, ...], changed: Session) -> tuple[Session, ...]:
    if all(one.id != changed.id for one in sessions):
        return (*sessions, changed)
    return tuple(changed if one.id == changed.id else one for one in sessions)
