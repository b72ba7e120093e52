"""Break the glass: a clinical lead reads notes of a care group that is not theirs, through the clinic's recovery key.

It needs a reason, lasts half an hour, is in the audit, and every clinician of the care group is told what was opened
by whom, when and why, until each has put the notice away. Access given again through the same key is told too.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.care import rows as care
from appliance.faults import Fault
from appliance.ids import new_id
from appliance.notes import rows, rules
from appliance.notes.access import actions as access
from appliance.notes.access import rows as keys_of
from appliance.notes.access.rules import RECOVERY
from appliance.notes.actions import Entry, Opened, _opened, entry, opened_with
from appliance.notes.sealing import GroupKey, PrivateKey
from appliance.policy import Actor, Facts, decide
from appliance.store.database import Transaction

NOTICES = 20  # shown at once


@dataclass(frozen=True, slots=True)
class Notice:
    """What a clinician is told. `reason`: None without the key, or if damaged; `read`: (note, version, time)."""

    glass: rows.Glass
    reason: str | None
    read: list[tuple[str, int, str]]


@dataclass(frozen=True, slots=True)
class Behind:
    """A care group as the glass shows it: no words, only that there are notes. `notes`: (subject, name, how many, when
    last)."""

    group: care.CareGroup
    clinicians: list[str]
    notes: list[tuple[str, str, int, str]]


def behind(tx: Transaction, actor: Actor, at: str) -> list[Behind]:
    """Every care group that `actor` is no clinician of and that has notes; an entry of the audit for each subject."""
    decide(actor, "break_glass", Facts())
    shown = []
    for group in care.groups(tx):
        counted = rows.counts(tx, group.id)
        if actor.person in group.clinicians or not counted:
            continue
        for subject in sorted(counted):
            audit.append(tx, decide(actor, "see_notes", care.facts(tx, group.id, person=subject)), at)
        names = [c.name for c in care.clinicians(tx, group.id)]
        subjects = [(s, rows.person_name(tx, s), count, last) for s, (count, last) in counted.items()]
        shown.append(Behind(group, names, sorted(subjects, key=lambda s: s[1])))
    return shown


def break_glass(
    tx: Transaction, actor: Actor, key: PrivateKey, group_id: str, subject: str, reason: str, at: str, now: int
) -> str:
    """Open the notes about one person of a care group ("": about the group as a whole) for half an hour; its id.

    Faults: refused, not_found, reason_short, wrong_state (a clinician of the group reads as one), notes_closed.
    """
    group = care.group(tx, group_id)
    permit = decide(actor, "break_glass", care.facts(tx, group_id, person=subject))
    if actor.person in group.clinicians:
        raise Fault("wrong_state", "a clinician of the group")
    if subject not in rows.counts(tx, group_id):
        raise Fault("not_found", "no notes")
    words = rules.reason(reason)
    keys = access.group_keys(tx, group_id, RECOVERY, access.recovery_key(tx, actor.person, key))
    if not keys:
        raise Fault("notes_closed", "not sealed to the recovery key")
    made = _glass("opened", group, subject, actor, words, keys[max(keys)], at, now + rules.GLASS_SECONDS)
    rows.add_glass(tx, permit, made, _to_tell(tx, group, actor))
    return made.id


def recover(tx: Transaction, actor: Actor, key: PrivateKey, group_id: str, person: str, at: str) -> None:
    """Give a clinician of a care group all its keys again through the recovery key; the others are told."""
    newest = access.recover(tx, actor, key, group_id, person, at)
    if newest is None:
        return
    group = care.group(tx, group_id)
    permit = decide(actor, "recover_notes", care.facts(tx, group_id, person=person))
    rows.add_glass(tx, permit, _glass("recovered", group, person, actor, "", newest, at, 0), _to_tell(tx, group, actor))


def seen_through(
    tx: Transaction, actor: Actor, key: PrivateKey, glass_id: str, before: int, at: str, now: int
) -> tuple[rows.Glass, list[Entry]]:
    """A page of the notes that were opened and one more, newest first. Faults: not_found, refused, glass_over."""
    glass = _own(tx, actor, glass_id, now)
    permit = decide(actor, "break_glass", care.facts(tx, glass.group, person=glass.subject))
    keys = access.group_keys(tx, glass.group, RECOVERY, access.recovery_key(tx, actor.person, key))
    found = rows.newest(tx, [glass.group], subject=glass.subject, before=before, limit=rules.PAGE + 1)
    audit.append(tx, permit, at)
    return glass, [entry(version, keys) for version in found]


def read_through(
    tx: Transaction, actor: Actor, key: PrivateKey, glass_id: str, note: str, at: str, now: int, version: int = 0
) -> tuple[rows.Glass, Opened]:
    """One version of a note that was opened, the newest for 0; noted for the clinicians. Faults: as `seen_through`."""
    glass = _own(tx, actor, glass_id, now)
    found = rows.version(tx, note, version)
    if found.group != glass.group or found.header.subject != glass.subject:
        raise Fault("not_found", "another one's note")
    permit = decide(
        actor,
        "break_glass",
        care.facts(tx, glass.group, person=glass.subject, thing=note, session=found.header.session),
    )
    keys = access.group_keys(tx, glass.group, RECOVERY, access.recovery_key(tx, actor.person, key))
    words = opened_with(keys, found)
    rows.add_glass_read(tx, permit, glass, found, at)
    return glass, _opened(tx, found, words)


def notices(tx: Transaction, actor: Actor, key: PrivateKey) -> list[Notice]:
    """What `actor` is told of and has not put away."""
    shown = []
    for glass in rows.notices(tx, actor.person, NOTICES):
        held = access.group_keys(tx, glass.group, actor.person, key).get(glass.epoch)
        shown.append(Notice(glass, _reason(held, glass), rows.glass_reads(tx, glass.number)))
    return shown


def _reason(key: GroupKey | None, glass: rows.Glass) -> str | None:
    """Damage must not hide that the glass was broken."""
    try:
        return key.open("reason", _reason_header(glass), glass.nonce, glass.reason).decode() if key else None
    except (Fault, UnicodeDecodeError):
        return None


def put_away(tx: Transaction, actor: Actor, glass_id: str, at: str) -> None:
    """`actor` has seen the notice. Faults: not_found, refused."""
    glass = rows.glass(tx, glass_id)
    facts = Facts(leaders=rows.told(tx, glass), person=glass.subject, thing=glass.group)
    rows.put_away(tx, decide(actor, "see_notes", facts), glass, at)


def _to_tell(tx: Transaction, group: care.CareGroup, actor: Actor) -> list[str]:
    """The clinicians of the group, and who was of it when its last note was written: nobody is let out to see less."""
    return sorted({*group.clinicians, *keys_of.given_the_newest(tx, group.id)} - {actor.person})


def _own(tx: Transaction, actor: Actor, glass_id: str, now: int) -> rows.Glass:
    glass = rows.glass(tx, glass_id)
    decide(actor, "break_glass", care.facts(tx, glass.group, person=glass.subject))
    if glass.person != actor.person or glass.kind != "opened":
        raise Fault("not_found", "another one's glass")
    if glass.until <= now:
        raise Fault("glass_over")
    return glass


def _glass(
    kind: str, group: care.CareGroup, subject: str, actor: Actor, reason: str, key: GroupKey, at: str, until: int
) -> rows.Glass:
    glass_id = new_id()
    header = rules.reason_header(glass_id, actor.person, subject, at)
    nonce, sealed = key.seal("reason", header, reason.encode())
    return rows.Glass(
        number=0,
        id=glass_id,
        kind="opened" if kind == "opened" else "recovered",
        group=group.id,
        group_name=group.name,
        subject=subject,
        subject_name="",
        person=actor.person,
        person_name="",
        at=at,
        until=until,
        epoch=key.epoch,
        nonce=nonce,
        reason=sealed,
    )


def _reason_header(glass: rows.Glass) -> bytes:
    return rules.reason_header(glass.id, glass.person, glass.subject, glass.at)
