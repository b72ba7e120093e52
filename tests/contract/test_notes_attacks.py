"""What somebody with the open store, or with too little of a role, does not get; and what nobody may lose."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import pytest

from appliance.audit import rows as audit
from appliance.care import actions as care
from appliance.clock import now_text
from appliance.faults import Fault
from appliance.identity import actions as identity
from appliance.identity.rules import PACES
from appliance.notebook import Reader
from appliance.notes import rows
from appliance.notes.access import actions, record
from appliance.notes.access import rows as access
from appliance.notes.access.rules import RECOVERY
from appliance.notes.actions import opened_with
from appliance.notes.sealing import GroupKey, PrivateKey, key_hash, opened_share
from appliance.notes.search import Reach
from appliance.policy import BOX, Actor, Facts, decide
from appliance.store.database import Transaction
from tests.fakes.box import PASSWORD, OpenBox
from tests.fakes.notes import Notes, notes_of

OTHER_PASSWORD = "another-made-up-password"


@pytest.fixture
async def notes(box: OpenBox) -> Notes:
    return await notes_of(box)


# -- one who may write to the store ------------------------------------------------------------------------------------


def _hand(tx: Transaction, notes: Notes, who: Reader, epoch: int) -> None:
    """A group key that a stranger made up, sealed to a clinician as a colleague would: public keys are in the store."""
    person = who.actor.person
    public = access.own_keys(tx, person)[0].public
    forged = GroupKey(notes.group, epoch, bytes(32))
    mark = forged.grant(person, key_hash(public))
    given = access.Sealed(epoch, person, key_hash(public), mark, forged.sealed_for(person, public))
    tx.execute(
        "INSERT OR IGNORE INTO care_group_epochs VALUES (?, ?, zeroblob(32), ?, '')", (notes.group, epoch, person)
    )
    access.put_key(tx, decide(BOX, "change_care_group", Facts()), notes.group, given)


def _in_place_of_the_first(tx: Transaction, notes: Notes, who: Reader) -> None:
    _hand(tx, notes, who, 1)


def _after_a_gap(tx: Transaction, notes: Notes, who: Reader) -> None:
    _hand(tx, notes, who, 3)


def _with_the_older_ones_gone(tx: Transaction, notes: Notes, who: Reader) -> None:
    tx.execute("DELETE FROM care_group_keys")
    _hand(tx, notes, who, 2)


def _with_all_notes_gone(tx: Transaction, notes: Notes, who: Reader) -> None:
    for trigger in ("delete", "update"):
        tx.execute(f"DROP TRIGGER note_versions_are_append_only_{trigger}")
    tx.execute("DELETE FROM note_versions")
    tx.execute("DELETE FROM notes")
    tx.execute("DELETE FROM care_group_keys")
    _hand(tx, notes, who, 1)


def _from_the_very_beginning(tx: Transaction, notes: Notes, who: Reader) -> None:
    """The group as if no note had ever been written, and a key pair of the thief's in it."""
    _with_all_notes_gone(tx, notes, who)
    tx.execute("DELETE FROM care_group_keys")
    tx.execute("DELETE FROM care_group_epochs")


@pytest.mark.parametrize(
    "plant",
    [
        _in_place_of_the_first,
        _after_a_gap,
        _with_the_older_ones_gone,
        _with_all_notes_gone,
        _from_the_very_beginning,
    ],
)
async def test_nothing_is_written_under_a_group_key_that_was_planted_in_the_store(
    notes: Notes, plant: Callable[[Transaction, Notes, Reader], None]
) -> None:
    mara = await notes.staff("mara")
    await notes.write(mara, "a note")
    await notes.box.clinic.db.write(lambda tx: plant(tx, notes, mara))
    with pytest.raises(Fault, match="note_damaged"):
        await notes.write(mara, "would be readable by who planted the key")


# -- a clinical lead ---------------------------------------------------------------------------------------------------


async def test_a_lead_who_first_lets_the_clinicians_out_is_seen_by_them_all_the_same(notes: Notes) -> None:
    book = notes.box.clinic.notebook
    mara, lead = await notes.staff("mara"), await notes.lead()
    await notes.write(mara, "a note")
    await notes.let_out("mara")
    await book.break_glass(lead, notes.group, "", "an emergency at night")
    await notes.let_in("vera")
    await book.recover(lead, notes.group, lead.actor.person)
    assert [notice.glass.kind for notice in (await book.desk(mara)).notices] == ["recovered", "opened"]


async def test_who_has_notes_behind_the_glass_is_not_shown_without_an_entry_for_each(notes: Notes) -> None:
    mara, lead, patient = await notes.staff("mara"), await notes.lead(), await notes.patient()
    await notes.write(mara, "a note", "", patient)
    await notes.write(mara, "a note about the group")
    before = len(await notes.box.clinic.db.read(audit.entries))
    await notes.box.clinic.notebook.behind(lead)
    shown = (await notes.box.clinic.db.read(audit.entries))[before:]
    assert [(e.action, e.person, e.thing) for e in shown] == [
        ("see_notes", "", notes.group),
        ("see_notes", patient, notes.group),
    ]


async def test_who_belongs_to_a_group_is_not_shown_without_an_entry_for_it_once_for_a_while(notes: Notes) -> None:
    book, mara, lead = notes.box.clinic.notebook, await notes.staff("mara"), await notes.lead()
    before = len(await notes.box.clinic.db.read(audit.entries))
    for _ in range(2):
        await book.see_care_groups(lead.actor)
        await book.see_care_group(lead.actor, notes.group)
        await book.desk(mara)
    shown = (await notes.box.clinic.db.read(audit.entries))[before:]
    assert [(e.actor, e.action, e.thing) for e in shown] == [
        (who.actor.person, "see_care_groups", notes.group) for who in (lead, mara)
    ]


# -- damage ------------------------------------------------------------------------------------------------------------


async def test_a_damaged_note_hides_no_other_one(notes: Notes) -> None:
    book = notes.box.clinic.notebook
    mara = await notes.staff("mara")
    whole, broken = await notes.write(mara, "one walrus", "whole"), await notes.write(mara, "two walruses", "broken")
    assert len((await book.search(mara, "walrus")).entries) == 2
    await notes.box.clinic.db.write(
        lambda tx: tx.execute(
            "UPDATE notes SET session = NULL, subject = ("
            "SELECT person FROM members WHERE facilitator = 0 LIMIT 1) WHERE id = ?",
            (broken,),
        )
    )
    entries = await book.listed(mara, "", None, 0)
    assert [(entry.id, entry.title, entry.damaged) for entry in entries] == [
        (broken, None, True),
        (whole, "whole", False),
    ]
    assert [(e.id, e.damaged) for e in (await book.search(mara, "walrus")).entries] == [(broken, True), (whole, False)]


async def test_a_damaged_notice_or_key_closes_no_page(notes: Notes) -> None:
    book, db = notes.box.clinic.notebook, notes.box.clinic.db
    mara, lead = await notes.staff("mara"), await notes.lead()
    await notes.write(mara, "a note")
    await book.break_glass(lead, notes.group, "", "an emergency at night")
    await db.write(lambda tx: tx.execute("DROP TRIGGER glass_breaks_are_append_only_update"))
    await db.write(lambda tx: tx.execute("UPDATE glass_breaks SET reason = zeroblob(300)"))
    assert [notice.reason for notice in (await book.desk(mara)).notices] == [None]
    await db.write(lambda tx: tx.execute("UPDATE care_group_keys SET sealed = zeroblob(1168)"))
    assert (await book.desk(mara)).notices
    assert [entry.title for entry in await book.listed(mara, "", None, 0)] == [None]


# -- keys in memory ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["login", "person"])
async def test_a_login_that_ends_while_its_key_is_being_opened_leaves_none(
    notes: Notes, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    ring, person = notes.box.clinic.ring, notes.box.staff["mara"]
    await notes.staff("mara")
    await notes.box.clinic.end_logins_of(person)
    inside, on = asyncio.Event(), asyncio.Event()
    slow = ring._unwrapped

    async def halfway(kept: access.OwnKey, password: str) -> PrivateKey | None:
        inside.set()
        await on.wait()
        return await slow(kept, password)

    monkeypatch.setattr(ring, "_unwrapped", halfway)
    opening = asyncio.create_task(ring.unlock(b"a login", person, PASSWORD))
    await inside.wait()
    if how == "login":
        await notes.box.clinic.end_login(b"a login")
    else:
        await notes.box.clinic.end_logins_of(person)
    on.set()
    await opening
    assert len(ring) == 0


async def test_a_login_that_ends_while_it_searches_leaves_no_index(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    book, mara = notes.box.clinic.notebook, await notes.staff("mara")
    await notes.write(mara, "a note")
    reach = book.indexes.reach

    async def late(login: bytes, groups: Mapping[str, actions.Keys]) -> Reach:
        await notes.box.clinic.end_login(mara.login)
        return await reach(login, groups)

    monkeypatch.setattr(book.indexes, "reach", late)
    await book.search(mara, "note")
    assert len(book.indexes) == 0


# -- what nobody may lose ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["let out", "retired"])
async def test_what_nobody_else_opens_stays_sealed_to_who_left_and_comes_back_with_them(notes: Notes, how: str) -> None:
    clinic, book = notes.box.clinic, notes.box.clinic.notebook
    mara = await notes.staff("mara")
    note = await notes.write(mara, "only Mara has the key")
    lead = await notes.lead()
    if how == "let out":
        await notes.let_out("mara")
        await notes.let_in("mara")
    else:
        person = mara.actor.person
        await clinic.db.write(lambda tx: identity.retire(tx, lead.actor, person, now_text()))
        await clinic.end_logins_of(person)
        await clinic.db.write(lambda tx: identity.reset_sign_in(tx, lead.actor, person, "phc", now_text()))
        await notes.let_in("mara")
        mara = await notes.arrive(person, password=OTHER_PASSWORD)
        await clinic.door.reopen_notes(mara.actor, mara.login, PASSWORD)
    assert (await book.read(mara, note)).words.text == "only Mara has the key"


async def test_a_group_tells_when_nobody_opens_its_notes_any_more(notes: Notes) -> None:
    db, mara = notes.box.clinic.db, await notes.staff("mara")

    async def unopened() -> bool:
        lead = await notes.lead()
        return (await db.read(lambda tx: care.see(tx, lead.actor, notes.group))).unopened

    assert not await unopened()
    await notes.write(mara, "a note")
    await notes.let_out("mara")
    assert not await unopened()  # the recovery key does
    await db.write(lambda tx: tx.execute("DELETE FROM recovery_shares"))
    assert await unopened()


async def test_the_last_share_of_the_recovery_key_outlives_the_retirement_of_its_lead(notes: Notes) -> None:
    clinic, book = notes.box.clinic, notes.box.clinic.notebook
    mara, lead = await notes.staff("mara"), await notes.lead()
    person, administrator = lead.actor.person, Actor("an administrator", "administrator", "portal")
    note = await notes.write(mara, "a note")
    await notes.lead("paula")  # appointed after the key was made: has no share
    await clinic.db.write(lambda tx: identity.retire(tx, administrator, person, now_text()))
    await clinic.db.write(lambda tx: identity.reset_sign_in(tx, administrator, person, "phc", now_text()))
    lead = await notes.arrive(person, "clinical_lead", OTHER_PASSWORD)
    with pytest.raises(Fault, match="notes_closed"):
        await book.break_glass(lead, notes.group, "", "an emergency at night")
    await clinic.door.reopen_notes(lead.actor, lead.login, PASSWORD)
    glass = await book.break_glass(lead, notes.group, "", "an emergency at night")
    assert (await book.read_through(lead, glass, note))[1].words.text == "a note"


# -- guesses -----------------------------------------------------------------------------------------------------------


async def test_the_old_password_is_guessed_a_few_times_and_no_more_and_each_guess_is_noted(notes: Notes) -> None:
    """Who was given somebody's sign-in anew must not try out what the old password was."""
    door = notes.box.clinic.door
    await notes.write(await notes.staff("mara"), "a note")
    mara = await notes.arrive(notes.box.staff["mara"], password=OTHER_PASSWORD)
    codes = []
    for number in range(PACES["again"].free + 2):
        with pytest.raises(Fault) as fault:
            await door.reopen_notes(mara.actor, mara.login, f"guess {number}")
        codes.append(fault.value.code)
    assert codes[0] == "wrong_password" and codes[-1] == "too_many_tries"
    with pytest.raises(Fault, match="too_many_tries"):
        await door.reopen_notes(mara.actor, mara.login, PASSWORD)
    noted = (await notes.box.clinic.db.read(audit.entries))[-1]
    assert (noted.action, noted.outcome, noted.person) == ("change_password", "wrong_password", mara.actor.person)


# -- headquarters ------------------------------------------------------------------------------------------------------


async def test_headquarters_gets_a_share_of_the_recovery_key_when_a_lead_says_so_and_opens_it(notes: Notes) -> None:
    book, db, hq = notes.box.clinic.notebook, notes.box.clinic.db, PrivateKey.new()
    mara, lead = await notes.staff("mara"), await notes.lead()
    with pytest.raises(Fault, match="not_enrolled"):
        await book.share_with_hq(lead)
    assert await book.hq_share(lead) == ""
    book._record_key = lambda: hq.public
    with pytest.raises(Fault, match="refused"):
        await book.share_with_hq(mara)
    assert await book.hq_share(lead) == "none"
    await book.share_with_hq(lead)
    assert await book.hq_share(lead) == "there"
    (row,) = await db.read(lambda tx: tx.all("SELECT body FROM outbox WHERE record_class = ?", (record.RECORD_CLASS,)))
    public, sealed = record.decode(row["body"])
    recovery = opened_share(public, "hq", hq, sealed)
    note = await notes.write(mara, "for a bad day")
    await db.read(lambda tx: _opens(tx, notes.group, recovery, note))
    book._record_key = lambda: PrivateKey.new().public
    assert await book.hq_share(lead) == "other"


def _opens(tx: Transaction, group: str, recovery: PrivateKey, note: str) -> None:
    keys = actions.group_keys(tx, group, RECOVERY, recovery)
    assert opened_with(keys, rows.version(tx, note)).text == "for a bad day"


# -- the audit ---------------------------------------------------------------------------------------------------------


async def test_a_refused_look_at_a_note_names_it_and_whose_it_is_and_a_flood_of_them_is_counted(notes: Notes) -> None:
    book, patient = notes.box.clinic.notebook, await notes.patient()
    mara, paul = await notes.staff("mara"), await notes.staff("paul")
    note = await notes.write(mara, "a note", "", patient)
    before = len(await notes.box.clinic.db.read(audit.entries))
    for _ in range(20):
        with pytest.raises(Fault, match="refused"):
            await book.read(paul, note)
    with pytest.raises(Fault, match="refused"):
        await book.listed(paul, notes.group, patient, 0)
    read, listed = (await notes.box.clinic.db.read(audit.entries))[before:]
    assert (read.action, read.outcome, read.thing, read.person) == ("read_note", "refused", note, patient)
    assert (listed.action, listed.outcome, listed.thing, listed.person) == (
        "see_notes",
        "refused",
        notes.group,
        patient,
    )
