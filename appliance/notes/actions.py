"""Write, read, list and find notes. Each runs on the writer thread in one transaction: reading is audited too.

A clinician's private key comes in from the ring; nothing here opens a note without one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.care import rows as care
from appliance.faults import Fault
from appliance.ids import new_id
from appliance.notes import rows, rules
from appliance.notes.access import actions as access
from appliance.notes.rules import Header, Term, Words
from appliance.notes.sealing import PrivateKey
from appliance.policy import Actor, Facts, allows, decide
from appliance.store.database import Transaction

VERSIONS = 50  # shown at once
_EVERYTHING = 2**62


@dataclass(frozen=True, slots=True)
class Entry:
    """A note in a list. `title` is None where the asker lacks the key, or it is `damaged`; `found`: a snippet."""

    id: str
    number: int
    group: str
    subject: str
    subject_name: str
    author_name: str
    at: str
    versions: int
    title: str | None
    found: tuple[tuple[str, bool], ...] = ()
    damaged: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """One version of a note, read. `older`: (version, time, author) of the others, newest first."""

    id: str
    number: int
    version: int
    versions: int
    epoch: int
    group: care.CareGroup
    session: str
    subject: str
    subject_name: str
    author_name: str
    at: str
    words: Words
    history: list[tuple[int, str, str]]


@dataclass(frozen=True, slots=True)
class Written:
    """What was written, as the search's index needs it."""

    id: str
    number: int
    group: str
    epoch: int
    words: Words


@dataclass(frozen=True, slots=True)
class Place:
    """What a note is about: a person of a care group, or the group as a whole."""

    group: str
    session: str = ""
    subject: str = ""


def place(tx: Transaction, actor: Actor, wanted: Place) -> tuple[care.CareGroup, str]:
    """The care group and the subject's name, for the form of a new note. Faults: not_found, refused."""
    group, name = _checked(tx, wanted)
    decide(actor, "write_note", care.facts(tx, group.id, person=wanted.subject, session=wanted.session))
    return group, name


def write(tx: Transaction, actor: Actor, key: PrivateKey, where: Place, words: Words, at: str) -> Written:
    """A new note. Faults: not_found, refused, notes_closed."""
    group, _ = _checked(tx, where)
    note = new_id()
    permit = decide(
        actor, "write_note", care.facts(tx, group.id, person=where.subject, thing=note, session=where.session)
    )
    header = Header(note, 1, actor.person, where.subject, where.session, at)
    sealing = access.key_for_writing(tx, permit, group.id, key, at)
    sealed = sealing.seal("note", header.bytes(), rules.packed(words))
    number = rows.add_note(tx, permit, group.id, header, (sealing.epoch, *sealed))
    return Written(note, number, group.id, sealing.epoch, words)


def amend(tx: Transaction, actor: Actor, key: PrivateKey, note: str, base: int, words: Words, at: str) -> Written:
    """A new version of a note whose newest version the writer saw as `base`. Fault("note_changed") if it is not."""
    old = rows.version(tx, note)
    about = old.header
    permit = decide(
        actor, "write_note", care.facts(tx, old.group, person=about.subject, thing=note, session=about.session)
    )
    if base != old.versions:
        raise Fault("note_changed")
    header = Header(note, base + 1, actor.person, about.subject, about.session, at)
    sealing = access.key_for_writing(tx, permit, old.group, key, at)
    sealed = sealing.seal("note", header.bytes(), rules.packed(words))
    rows.add_version(tx, permit, old.number, header, (sealing.epoch, *sealed))
    return Written(note, old.number, old.group, sealing.epoch, words)


def read(tx: Transaction, actor: Actor, key: PrivateKey, note: str, at: str, version: int = 0) -> Opened:
    """One version of a note, the newest for 0. Faults: not_found, refused, notes_closed, note_damaged."""
    found = rows.version(tx, note, version)
    about = found.header
    permit = decide(
        actor, "read_note", care.facts(tx, found.group, person=about.subject, thing=note, session=about.session)
    )
    opened = opened_with(access.group_keys(tx, found.group, actor.person, key), found)
    audit.append(tx, permit, at)
    return _opened(tx, found, opened)


def listed(
    tx: Transaction, actor: Actor, key: PrivateKey, groups: Sequence[str], subject: str | None, before: int, at: str
) -> list[Entry]:
    """A page of notes and one more, newest first, of those care groups. Each person on it is an entry of the audit."""
    found = rows.newest(tx, groups, subject=subject, before=before, limit=rules.PAGE + 1) if groups else []
    for group, person in sorted({(f.group, f.header.subject) for f in found[: rules.PAGE]}):
        audit.append(tx, decide(actor, "see_notes", care.facts(tx, group, person=person)), at)
    opening = {group: access.group_keys(tx, group, actor.person, key) for group in {f.group for f in found}}
    return [entry(version, opening[version.group]) for version in found]


def own_groups(tx: Transaction, actor: Actor) -> list[care.CareGroup]:
    """The care groups whose notes `actor` may ask for."""
    return [
        group
        for group in care.groups(tx, actor.person)
        if allows(actor, "read_note", care.facts(tx, group.id)) and actor.person in group.clinicians
    ]


def searchable(tx: Transaction, actor: Actor, key: PrivateKey) -> dict[str, access.Keys]:
    """For each care group of `actor` the keys that they have. Fault("refused") for who may search nowhere."""
    groups = own_groups(tx, actor)
    for group in groups:
        decide(actor, "search_notes", care.facts(tx, group.id))
    return {group.id: access.group_keys(tx, group.id, actor.person, key) for group in groups}


def found(
    tx: Transaction, actor: Actor, key: PrivateKey, numbers: Sequence[int], terms: Sequence[Term], at: str
) -> list[Entry]:
    """What the index found, opened for its snippets: only what `actor` may and can open. Each is in the audit."""
    entries = []
    opening: dict[str, access.Keys] = {}
    groups: dict[str, care.CareGroup] = {}
    for version in rows.of_numbers(tx, numbers) if numbers else []:
        about = version.header
        if version.group not in groups:
            groups[version.group] = care.group(tx, version.group)
        leaders = groups[version.group].clinicians
        facts = Facts(session=about.session, leaders=leaders, person=about.subject, thing=about.note)
        if not allows(actor, "search_notes", facts):
            continue
        if version.group not in opening:
            opening[version.group] = access.group_keys(tx, version.group, actor.person, key)
        if version.epoch not in opening[version.group]:
            continue
        audit.append(tx, decide(actor, "search_notes", facts), at)
        entries.append(entry(version, opening[version.group], terms))
    return entries


def note_search(tx: Transaction, actor: Actor, groups: Sequence[str], at: str) -> None:
    """That somebody searched in those care groups; not for what."""
    for group in groups:
        audit.append(tx, decide(actor, "search_notes", care.facts(tx, group)), at)


def opened_with(group_keys: access.Keys, version: rows.Version) -> Words:
    """The words of a version. Faults: notes_closed without its epoch's key, note_damaged."""
    key = group_keys.get(version.epoch)
    if key is None:
        raise Fault("notes_closed", "no key of that epoch")
    return rules.unpacked(key.open("note", version.header.bytes(), version.nonce, version.sealed))


def _checked(tx: Transaction, where: Place) -> tuple[care.CareGroup, str]:
    """Session and subject must be of that care group: a note must not be put where its subject is unknown."""
    group = care.group(tx, where.group)
    if where.session and care.of_session(tx, where.session) != group.id:
        raise Fault("not_found", "session of another care group")
    names = dict(care.people(tx, group.id))
    if where.subject and where.subject not in names:
        raise Fault("not_found", "nobody of that care group")
    return group, names.get(where.subject, "")


def entry(version: rows.Version, keys: access.Keys, terms: Sequence[Term] = ()) -> Entry:
    """A note for a list, as far as those keys open it; one that is damaged says so and hides no other."""
    title, pieces, damaged = None, (), False  # type: tuple[str | None, tuple[tuple[str, bool], ...], bool]
    if version.epoch in keys:
        try:
            words = opened_with(keys, version)
            title, pieces = words.title, tuple(rules.snippet(words.text, terms)) if terms else ()
        except Fault:
            damaged = True
    return Entry(
        version.header.note,
        version.number,
        version.group,
        version.header.subject,
        version.subject_name,
        version.author_name,
        version.header.at,
        version.versions,
        title,
        pieces,
        damaged,
    )


def _opened(tx: Transaction, found: rows.Version, words: Words) -> Opened:
    return Opened(
        found.header.note,
        found.number,
        found.header.version,
        found.versions,
        found.epoch,
        care.group(tx, found.group),
        found.header.session,
        found.header.subject,
        found.subject_name,
        found.author_name,
        found.header.at,
        words,
        rows.versions(tx, found.number, _EVERYTHING, VERSIONS),
    )
