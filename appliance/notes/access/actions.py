"""Open, make and hand on the keys of care groups. Each runs on the writer thread in one transaction.

A clinician's private key comes in as an argument from the ring: nothing in the store opens anything by itself.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from appliance.audit import rows as audit
from appliance.care import rows as care
from appliance.faults import Fault
from appliance.notes.access import known, record, rows
from appliance.notes.access.rows import OwnKey, Recovery, Sealed
from appliance.notes.access.rules import HQ, RECOVERY, HqShare, Waiting, must_renew, only_theirs, open_epochs, waiting
from appliance.notes.sealing import GroupKey, PrivateKey, key_hash, opened_share, share
from appliance.outbox import rows as outbox
from appliance.policy import Actor, Facts, Permit, decide
from appliance.store.database import Transaction

Keys = Mapping[int, GroupKey]  # by epoch

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Access:
    """Who lacks keys of one care group. `mine`: how many epochs the asker opens, of `epochs`."""

    group: care.CareGroup
    epochs: int
    mine: int
    waiting: list[Waiting]


# -- opening -----------------------------------------------------------------------------------------------------------


def group_keys(tx: Transaction, group: str, holder: str, key: PrivateKey) -> dict[int, GroupKey]:
    """The keys of that care group that `key` opens; without those that were changed or planted, which hide no other.

    A clinician's key remembers them (known.py), so this needs a transaction that writes.
    """
    found = list(_opened(rows.sealed_keys(tx, group, holder), group, key))
    if holder == RECOVERY or not found:
        return {one.epoch: one for one in found}
    own, book = _book(tx, holder, key)
    keys = known.sound(book, found, rows.epochs(tx, group))
    if len(keys) < len(found):
        log.error("notes: a care group's key is another one than before")
    if known.added(book, keys.values()):
        rows.write_book(tx, holder, own.number, known.sealed(book, holder, key))
    return keys


def _opened(sealed: Iterable[Sealed], group: str, key: PrivateKey) -> Iterator[GroupKey]:
    for found in sealed:
        if found.sealed is None or found.key_hash != key.hash:
            continue
        try:
            yield GroupKey.opened(group, found.epoch, found.holder, key, found.sealed)
        except Fault as fault:  # others still open
            log.error("notes: a care group's key is damaged: %s", fault.detail)


def _book(tx: Transaction, person: str, key: PrivateKey) -> tuple[OwnKey, known.Book]:
    """That clinician's own key as the store has it, and what it remembers. Fault("note_damaged")."""
    for own in rows.own_keys(tx, person):
        if own.hash == key.hash:
            return own, known.opened(own.known, person, key)
    raise Fault("note_damaged", "the clinician's own key is gone")


def key_for_writing(tx: Transaction, permit: Permit, group: str, key: PrivateKey, at: str) -> GroupKey:
    """The key that the next note is sealed under: a new one after somebody has left.

    Faults: notes_closed; note_damaged where the group's key is not the one that the writer knows.
    """
    clinicians, writer = _clinicians(tx, group), permit.actor.person
    if writer not in clinicians:
        raise Fault("notes_closed", "not a clinician of the group")
    epochs = rows.epochs(tx, group)
    if not epochs:
        if group in _book(tx, writer, key)[1]:
            raise Fault("note_damaged", "the group had keys before")
        return _found(tx, permit, group, clinicians, key, at)
    newest = group_keys(tx, group, writer, key).get(epochs[-1][0])
    if newest is None:
        mine = open_epochs(rows.holders(tx, group), writer, key.hash)
        raise Fault("note_damaged" if epochs[-1][0] in mine else "notes_closed", "no key of the newest epoch")
    if must_renew([h for h in rows.holders(tx, group) if h.epoch == newest.epoch], clinicians):
        return _renew(tx, permit, newest, clinicians, at)
    return newest


def _found(
    tx: Transaction, permit: Permit, group: str, clinicians: Mapping[str, bytes], key: PrivateKey, at: str
) -> GroupKey:
    """The first key, for all who have a key of their own by now, and for the recovery key; its maker remembers it."""
    made = GroupKey.new(group, 1)
    rows.add_epoch(tx, permit, group, 1, bytes(32), at)
    for holder, public in _publics(tx, clinicians).items():
        _hand(tx, permit, made, holder, public)
    group_keys(tx, group, permit.actor.person, key)
    return made


def _renew(tx: Transaction, permit: Permit, old: GroupKey, clinicians: Mapping[str, bytes], at: str) -> GroupKey:
    """The next key, for those alone who were given the old one by somebody who had it."""
    made = GroupKey.new(old.group, old.epoch + 1)
    rows.add_epoch(tx, permit, old.group, made.epoch, old.link(made), at)
    publics = _publics(tx, clinicians)
    for had in rows.sealed_keys(tx, old.group):
        holder = had.holder
        if had.epoch != old.epoch or had.sealed is None or holder not in publics:
            continue
        if old.granted(holder, had.key_hash, had.grant) and key_hash(publics[holder]) == had.key_hash:
            _hand(tx, permit, made, holder, publics[holder])
    return made


# -- handing on --------------------------------------------------------------------------------------------------------


def access(tx: Transaction, actor: Actor, key: PrivateKey) -> list[Access]:
    """For each care group of `actor`: who lacks keys. A care group without a note has none to lack."""
    found = []
    for group in care.groups(tx, actor.person):
        if actor.person not in group.clinicians:
            continue
        decide(actor, "see_notes", care.facts(tx, group.id))
        epochs, holders = [epoch for epoch, _ in rows.epochs(tx, group.id)], rows.holders(tx, group.id)
        mine = sum(h.holder == actor.person and h.there and h.key_hash == key.hash for h in holders)
        found.append(Access(group, len(epochs), mine, waiting(epochs, holders, _everybody(tx, group.id))))
    return found


def give(tx: Transaction, actor: Actor, key: PrivateKey, group: str, holder: str, seen: str, at: str) -> int:
    """Hand on to `holder` every key of the group that `actor` has and they lack; how many those were.

    `seen`: the hash of the receiver's key as the page showed it, in hex; another one by now is Fault("wrong_state").
    Faults: refused, bad_request, notes_closed.
    """
    person = "" if holder == RECOVERY else holder
    permit = decide(actor, "give_access", care.facts(tx, group, person=person))
    keys = group_keys(tx, group, actor.person, key)
    if not keys:
        raise Fault("notes_closed")
    public = _publics(tx, _clinicians(tx, group)).get(holder)
    if public is None:
        raise Fault("bad_request", "nobody to hand keys to")
    if key_hash(public).hex() != seen:
        raise Fault("wrong_state", "another key by now")
    return _hand_all(tx, permit, group, keys, holder, public, at)


def _hand_all(tx: Transaction, permit: Permit, group: str, keys: Keys, holder: str, public: bytes, at: str) -> int:
    lacking = waiting(list(keys), rows.holders(tx, group), {holder: key_hash(public)})
    epochs = lacking[0].epochs if lacking else ()
    for epoch in epochs:
        _hand(tx, permit, keys[epoch], holder, public)
    audit.append(tx, permit, at)
    return len(epochs)


def _hand(tx: Transaction, permit: Permit, key: GroupKey, holder: str, public: bytes) -> None:
    digest = key_hash(public)
    given = Sealed(key.epoch, holder, digest, key.grant(holder, digest), key.sealed_for(holder, public))
    rows.put_key(tx, permit, key.group, given)


def take_away(tx: Transaction, permit: Permit, group: str, person: str) -> None:
    """A clinician has left a care group: what is sealed to them goes, but for what nobody else could open."""
    others = _everybody(tx, group)
    if not set(usable_by(tx)) - {person}:
        others.pop(RECOVERY, None)
    kept = only_theirs(rows.holders(tx, group), person, others)
    rows.take_away(tx, permit, group, person, kept)


def unopened(tx: Transaction, group: str) -> bool:
    """Whether there are notes in that care group that nobody who can sign in opens, not by the recovery key either."""
    everybody, holders = _everybody(tx, group), rows.holders(tx, group)
    if not usable_by(tx):
        everybody.pop(RECOVERY, None)
    opened = [open_epochs(holders, holder, digest) for holder, digest in everybody.items()]
    return bool({epoch for epoch, _ in rows.epochs(tx, group)}.difference(*opened))


def forget(tx: Transaction, permit: Permit, person: str, at: str) -> None:
    """A clinician leaves the clinic: out of every care group. What nobody else could open stays sealed to them.

    They cannot sign in. If they come back, their old password brings it back.
    """
    care.forget_clinician(tx, permit, person, at)
    last = last_with_recovery(tx, person)
    for group in rows.groups_with_keys_for(tx, person):
        take_away(tx, permit, group, person)
    if not last:
        rows.drop_shares(tx, permit, person)
    rows.drop_keys_without_use(tx, permit, person)


def last_with_recovery(tx: Transaction, person: str) -> bool:
    """Whether that clinical lead has a share of the recovery key, and nobody else can use it."""
    current = rows.recovery(tx)
    return current is not None and person in rows.shares(tx, current.number) and not set(usable_by(tx)) - {person}


# -- the recovery key --------------------------------------------------------------------------------------------------


def recovery_key(tx: Transaction, person: str, key: PrivateKey) -> PrivateKey:
    """The clinic's recovery key, through that clinical lead's share of it. Fault("notes_closed") without one."""
    current = rows.recovery(tx)
    held = rows.shares(tx, current.number).get(person) if current else None
    if current is None or held is None or held[0] != key.hash:
        raise Fault("notes_closed", "no share of the recovery key")
    return opened_share(current.public, person, key, held[1])


def make_recovery(tx: Transaction, person: str, public: bytes, made: PrivateKey, at: str) -> None:
    """The recovery key `made`, with a share for the clinical lead who makes it."""
    number = rows.add_recovery(tx, person, made.public, at)
    rows.put_share(tx, number, person, key_hash(public), share(made, person, public))


def renew_recovery(tx: Transaction, actor: Actor, key: PrivateKey, made: PrivateKey, at: str) -> None:
    """Another recovery key, where nobody can use the old one any more. Fault("wrong_state") while somebody can.

    It opens nothing until clinicians hand it their keys, which they are asked for by name of who made it.
    """
    permit = decide(actor, "recover_notes", Facts())
    if usable_by(tx):
        raise Fault("wrong_state", "the recovery key is in use")
    make_recovery(tx, actor.person, key.public, made, at)
    audit.append(tx, permit, at)


def usable_by(tx: Transaction) -> list[str]:
    """The clinical leads who can use the recovery key that counts, once signed in."""
    current = rows.recovery(tx)
    held = rows.shares(tx, current.number) if current else {}
    hashes = rows.key_hashes(tx, [person for person, _ in rows.leads(tx)])
    return [person for person, digest in hashes.items() if digest and held.get(person, (b"",))[0] == digest]


def share_recovery(tx: Transaction, actor: Actor, key: PrivateKey, holder: str, seen: str, at: str) -> None:
    """Let another clinical lead use the recovery key. Faults: as `give`."""
    permit = decide(actor, "recover_notes", Facts(person=holder))
    recovery, current = recovery_key(tx, actor.person, key), _current(tx)
    keys = rows.own_keys(tx, holder)
    if holder not in {person for person, _ in rows.leads(tx)} or not keys:
        raise Fault("bad_request", "nobody to hand the recovery key to")
    if keys[0].hash.hex() != seen:
        raise Fault("wrong_state", "another key by now")
    rows.put_share(tx, current.number, holder, keys[0].hash, share(recovery, holder, keys[0].public))
    audit.append(tx, permit, at)


def share_with_hq(tx: Transaction, actor: Actor, key: PrivateKey, record_key: bytes, at: str) -> None:
    """A share sealed to HQ's record key, kept here and sent to HQ. Faults: refused, notes_closed."""
    permit = decide(actor, "recover_notes", Facts(thing=HQ))
    recovery, current = recovery_key(tx, actor.person, key), _current(tx)
    sealed = share(recovery, HQ, record_key)
    rows.put_share(tx, current.number, HQ, key_hash(record_key), sealed)
    outbox.add(tx, record.RECORD_CLASS, record.encode(current.public, sealed), at)
    audit.append(tx, permit, at)


def hq_share(tx: Transaction, actor: Actor, record_key: bytes) -> HqShare:
    """Whether HQ has a share of the recovery key that counts, sealed to its key of now. Fault("refused")."""
    decide(actor, "recover_notes", Facts(thing=HQ))
    current = rows.recovery(tx)
    held = rows.shares(tx, current.number).get(HQ) if current else None
    if held is None:
        return "none"
    return "there" if held[0] == key_hash(record_key) else "other"


def lacking(tx: Transaction, actor: Actor) -> list[tuple[care.CareGroup, str]]:
    """Of every care group the clinicians with a key of their own who lack keys that the recovery key opens."""
    decide(actor, "recover_notes", Facts())
    current, found = rows.recovery(tx), []
    for group in care.groups(tx) if current else []:
        holders = rows.holders(tx, group.id)
        openable = open_epochs(holders, RECOVERY, current.hash) if current else frozenset()
        for one in waiting(openable, holders, _clinicians(tx, group.id)):
            if one.has_key:
                found.append((group, one.holder))
    return found


def recover(tx: Transaction, actor: Actor, key: PrivateKey, group: str, person: str, at: str) -> GroupKey | None:
    """Through the recovery key: give a clinician of that group all its keys again. The newest of them, None if none.

    Faults: refused, bad_request (not of the group, or without a key yet), notes_closed.
    """
    permit = decide(actor, "recover_notes", care.facts(tx, group, person=person))
    recovery = recovery_key(tx, actor.person, key)
    public = _publics(tx, _clinicians(tx, group)).get(person)
    if public is None or person == RECOVERY:
        raise Fault("bad_request", "nobody to hand keys to")
    keys = group_keys(tx, group, RECOVERY, recovery)
    if not _hand_all(tx, permit, group, keys, person, public, at):
        return None
    return keys[max(keys)]


def reopen(tx: Transaction, actor: Actor, old: PrivateKey, new: PrivateKey, at: str) -> int:
    """What is sealed to a clinician's old key is sealed to the new one; how many group keys. Then the old key goes."""
    permit = decide(actor, "change_password", Facts(leaders=(actor.person,), person=actor.person))
    count = 0
    for group in rows.groups_with_keys_for(tx, actor.person):
        for key in group_keys(tx, group, actor.person, old).values():
            _hand(tx, permit, key, actor.person, new.public)
            count += 1
        group_keys(tx, group, actor.person, new)
    _reopen_share(tx, actor.person, old, new)
    for kept in rows.own_keys(tx, actor.person)[1:]:
        if kept.hash == old.hash:
            rows.drop_key(tx, actor.person, kept.number)
    audit.append(tx, permit, at)
    return count


def _reopen_share(tx: Transaction, person: str, old: PrivateKey, new: PrivateKey) -> None:
    current = rows.recovery(tx)
    held = rows.shares(tx, current.number).get(person) if current else None
    if current is not None and held is not None and held[0] == old.hash:
        recovery = opened_share(current.public, person, old, held[1])
        rows.put_share(tx, current.number, person, new.hash, share(recovery, person, new.public))


def _current(tx: Transaction) -> Recovery:
    current = rows.recovery(tx)
    if current is None:
        raise Fault("notes_closed", "no recovery key")
    return current


def _clinicians(tx: Transaction, group: str) -> dict[str, bytes]:
    """The clinicians of that group, each with the hash of their key."""
    return rows.key_hashes(tx, care.group(tx, group).clinicians)


def _everybody(tx: Transaction, group: str) -> dict[str, bytes]:
    """The same, with the recovery key where there is one."""
    current = rows.recovery(tx)
    return {**_clinicians(tx, group), **({RECOVERY: current.hash} if current else {})}


def _publics(tx: Transaction, clinicians: Mapping[str, bytes]) -> dict[str, bytes]:
    """The public keys of those who have one, and the recovery key's."""
    current = rows.recovery(tx)
    found = {person: rows.own_keys(tx, person)[0].public for person, digest in clinicians.items() if digest}
    return {**found, **({RECOVERY: current.public} if current else {})}
