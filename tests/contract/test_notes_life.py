"""Notes from the first sign-in to the last: who writes, who opens, who waits, who comes back in, and how."""

from __future__ import annotations

import functools

import pytest

from appliance.audit import rows as audit
from appliance.clock import now_text
from appliance.faults import Fault
from appliance.identity import actions as identity
from appliance.notes.access import rows as access
from appliance.notes.actions import Place
from appliance.notes.sealing import GroupKey, key_hash
from appliance.policy import BOX, Facts, decide
from appliance.store.database import IntegrityError, Transaction
from tests.fakes.box import PASSWORD, OpenBox
from tests.fakes.notes import Notes, notes_of

OTHER_PASSWORD = "another-made-up-password"


@pytest.fixture
async def notes(box: OpenBox) -> Notes:
    return await notes_of(box)


async def test_a_note_opens_for_a_clinician_of_the_group_and_for_nobody_else(notes: Notes) -> None:
    book = notes.box.clinic.notebook
    mara, paul = await notes.staff("mara"), await notes.staff("paul")
    note = await notes.write(mara, "slept badly", "Tuesday", await notes.patient())
    opened = await book.read(mara, note)
    assert (opened.words.title, opened.words.text, opened.subject_name) == ("Tuesday", "slept badly", "Ada Brook")
    with pytest.raises(Fault, match="refused"):
        await book.read(paul, note)
    entries = await notes.box.clinic.db.read(audit.entries)
    read, refused = entries[-2:]
    assert (read.action, read.thing, read.person, read.outcome) == ("read_note", note, await notes.patient(), "done")
    assert (refused.action, refused.outcome) == ("read_note", "refused")


async def test_a_new_clinician_waits_until_one_who_has_access_gives_it(notes: Notes) -> None:
    book = notes.box.clinic.notebook
    mara = await notes.staff("mara")
    note = await notes.write(mara, "before Ines came")
    await notes.let_in("ines")
    ines = await notes.staff("ines")
    for closed in (book.read(ines, note), book.write(ines, Place(notes.group), "", "too early")):
        with pytest.raises(Fault, match="notes_closed"):
            await closed
    assert await notes.give_all(ines) == []
    assert await notes.give_all(mara) == [notes.box.staff["ines"]]
    assert (await book.read(ines, note)).words.text == "before Ines came"
    assert (await book.read(mara, await notes.write(ines, "from Ines"))).words.text == "from Ines"


async def test_access_is_not_given_to_a_key_that_became_another_one(notes: Notes) -> None:
    mara = await notes.staff("mara")
    await notes.write(mara, "a note")
    await notes.let_in("ines")
    await notes.staff("ines")
    (waiter,) = await notes.box.clinic.notebook.waiters(mara)
    await notes.arrive(notes.box.staff["ines"], password=OTHER_PASSWORD)
    with pytest.raises(Fault, match="wrong_state"):
        await notes.box.clinic.notebook.give(mara, waiter.group, waiter.holder, waiter.key_hash)


async def test_who_left_opens_nothing_and_what_comes_later_has_another_key(notes: Notes) -> None:
    book, db = notes.box.clinic.notebook, notes.box.clinic.db
    await notes.let_in("ines")
    mara, ines = await notes.staff("mara"), await notes.staff("ines")
    note = await notes.write(mara, "while Ines was here")
    before = (await book.read(ines, note)).epoch
    await notes.let_out("ines")
    with pytest.raises(Fault, match="refused"):
        await book.read(ines, note)
    assert (await book.read(mara, await notes.write(mara, "after"))).epoch == before + 1
    sealed = await db.read(lambda tx: access.sealed_keys(tx, notes.group, notes.box.staff["ines"]))
    assert [key.sealed for key in sealed] == [None]


async def test_a_retired_clinician_leaves_no_key_behind(notes: Notes) -> None:
    clinic = notes.box.clinic
    await notes.let_in("ines")
    mara, ines = await notes.staff("mara"), await notes.staff("ines")
    note = await notes.write(mara, "a note")
    person = notes.box.staff["ines"]
    lead = await notes.lead()
    await clinic.db.write(lambda tx: identity.retire(tx, lead.actor, person, now_text()))
    await clinic.end_logins_of(person)
    with pytest.raises(Fault, match="keys_missing"):
        await clinic.notebook.read(ines, note)
    assert await clinic.db.read(lambda tx: access.own_keys(tx, person)) == []
    assert (await clinic.notebook.read(mara, await notes.write(mara, "later"))).epoch == 2


async def test_the_ring_is_empty_after_everybody_has_gone(notes: Notes) -> None:
    ring = notes.box.clinic.ring
    mara, lead = await notes.staff("mara"), await notes.lead()
    again = await notes.staff("mara")
    assert len(ring) == 3
    ring.move(mara.login, b"rotated")
    ring.drop(b"rotated")
    assert len(ring) == 2
    await notes.box.clinic.end_logins_of(again.actor.person)
    await notes.box.clinic.end_login(lead.login)
    ring.drop(lead.login)
    assert len(ring) == 0


async def test_a_role_without_notes_gets_no_key(notes: Notes) -> None:
    await notes.staff("jonas")
    await notes.staff("ruth")
    assert len(notes.box.clinic.ring) == 0
    assert await notes.box.clinic.db.read(lambda tx: access.own_keys(tx, notes.box.staff["ruth"])) == []


async def test_a_new_password_opens_what_the_old_one_did(notes: Notes) -> None:
    ring, db = notes.box.clinic.ring, notes.box.clinic.db
    mara = await notes.staff("mara")
    note = await notes.write(mara, "kept")
    rewrap = await ring.changing(mara.actor.person, PASSWORD, OTHER_PASSWORD)
    await db.write(rewrap)
    ring.drop(mara.login)
    mara = await notes.arrive(mara.actor.person, password=OTHER_PASSWORD)
    assert (await notes.box.clinic.notebook.read(mara, note)).words.text == "kept"


async def test_a_forgotten_password_closes_notes_until_a_lead_recovers_them(notes: Notes) -> None:
    book = notes.box.clinic.notebook
    mara, lead = await notes.staff("mara"), await notes.lead()
    note = await notes.write(mara, "not to be lost")
    mara = await notes.arrive(mara.actor.person, password=OTHER_PASSWORD)
    with pytest.raises(Fault, match="notes_closed"):
        await book.read(mara, note)
    usable, lacking, _ = await book.recovering(lead)
    assert usable and [(w.group, w.holder) for w in lacking] == [(notes.group, mara.actor.person)]
    await book.recover(lead, notes.group, mara.actor.person)
    assert (await book.read(mara, note)).words.text == "not to be lost"
    (notice,) = (await book.desk(mara)).notices
    assert (notice.glass.kind, notice.glass.person) == ("recovered", lead.actor.person)


async def test_the_old_password_brings_notes_back_without_a_lead(notes: Notes) -> None:
    book = notes.box.clinic.notebook
    mara = await notes.staff("mara")
    note = await notes.write(mara, "not to be lost")
    mara = await notes.arrive(mara.actor.person, password=OTHER_PASSWORD)
    assert (await book.desk(mara)).old_key
    door = notes.box.clinic.door
    with pytest.raises(Fault, match="wrong_password"):
        await door.reopen_notes(mara.actor, mara.login, "not the one it was")
    await door.reopen_notes(mara.actor, mara.login, PASSWORD)
    assert (await book.read(mara, note)).words.text == "not to be lost"
    assert not (await book.desk(mara)).old_key


async def test_a_recovery_key_made_later_covers_only_what_a_clinician_gives_it(notes: Notes) -> None:
    book = notes.box.clinic.notebook
    mara = await notes.staff("mara")
    await notes.write(mara, "before there was a lead")
    lead = await notes.lead()
    with pytest.raises(Fault, match="notes_closed"):
        await book.break_glass(lead, notes.group, "", "she does not answer the phone")
    await notes.cover(mara)
    assert await book.break_glass(lead, notes.group, "", "she does not answer the phone")


async def test_broken_glass_needs_a_reason_and_tells_the_clinicians_until_each_has_seen_it(notes: Notes) -> None:
    book = notes.box.clinic.notebook
    await notes.let_in("ines")
    mara, ines, lead = await notes.staff("mara"), await notes.staff("ines"), await notes.lead()
    ada = await notes.patient()
    note = await notes.write(mara, "takes two kinds of pills", subject=ada)
    with pytest.raises(Fault, match="refused"):
        await book.read(lead, note)
    with pytest.raises(Fault, match="reason_short"):
        await book.break_glass(lead, notes.group, ada, "   why   not   ")
    glass = await book.break_glass(lead, notes.group, ada, "unconscious, the hospital asks")
    _, opened = await book.read_through(lead, glass, note)
    assert opened.words.text == "takes two kinds of pills"
    for clinician in (mara, ines):
        (notice,) = (await book.desk(clinician)).notices
        assert (notice.reason, notice.glass.person) == ("unconscious, the hospital asks", lead.actor.person)
        assert [read[0] for read in notice.read] == [note]
    await book.put_away(mara, glass)
    assert (await book.desk(mara)).notices == []
    await book.amend(mara, note, 1, "", "takes three")
    await book.read_through(lead, glass, note)
    assert len((await book.desk(mara)).notices) == 1, "what was read after one had looked is shown again"
    await book.put_away(mara, glass)
    assert len((await book.desk(ines)).notices) == 1
    entries = await notes.box.clinic.db.read(audit.entries)
    assert [e.thing for e in entries if e.action == "break_glass" and e.outcome == "done"] == [notes.group, note, note]


async def test_broken_glass_shows_one_person_alone_and_closes_by_itself(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = notes.box.clinic.notebook
    mara, lead = await notes.staff("mara"), await notes.lead()
    about_ada = await notes.write(mara, "Ada", subject=await notes.patient(0))
    about_tomas = await notes.write(mara, "Tomás", subject=await notes.patient(1))
    glass = await book.break_glass(lead, notes.group, await notes.patient(0), "an emergency at night")
    with pytest.raises(Fault, match="not_found"):
        await book.read_through(lead, glass, about_tomas)
    monkeypatch.setattr("appliance.notebook.now_seconds", lambda: 2**40)
    with pytest.raises(Fault, match="glass_over"):
        await book.read_through(lead, glass, about_ada)


async def test_another_lead_gets_the_recovery_key_from_one_who_has_it(notes: Notes) -> None:
    book = notes.box.clinic.notebook
    vera, nils = await notes.lead("vera"), await notes.lead("nils")
    await notes.write(await notes.staff("mara"), "a note")
    with pytest.raises(Fault, match="notes_closed"):
        await book.break_glass(nils, notes.group, "", "an emergency at night")
    _, _, (waiting,) = await book.recovering(vera)
    await book.share_recovery(vera, waiting.holder, waiting.key_hash)
    assert await book.break_glass(nils, notes.group, "", "an emergency at night")
    with pytest.raises(Fault, match="wrong_state"):
        await book.renew_recovery(nils)


async def test_a_recovery_key_that_nobody_can_use_is_made_anew_and_opens_nothing_by_itself(notes: Notes) -> None:
    book = notes.box.clinic.notebook
    mara, lead = await notes.staff("mara"), await notes.lead()
    await notes.write(mara, "a note")
    lead = await notes.arrive(lead.actor.person, "clinical_lead", OTHER_PASSWORD)
    await book.renew_recovery(lead)
    with pytest.raises(Fault, match="notes_closed"):
        await book.break_glass(lead, notes.group, "", "an emergency at night")
    await notes.cover(mara)
    assert await book.break_glass(lead, notes.group, "", "an emergency at night")


async def test_editing_makes_a_version_and_keeps_the_old_one(notes: Notes) -> None:
    book, db = notes.box.clinic.notebook, notes.box.clinic.db
    mara = await notes.staff("mara")
    note = await notes.write(mara, "first")
    await book.amend(mara, note, 1, "", "second")
    with pytest.raises(Fault, match="note_changed"):
        await book.amend(mara, note, 1, "", "third over the first")
    assert [(await book.read(mara, note, n)).words.text for n in (1, 2, 0)] == ["first", "second", "second"]
    assert [number for number, _, _ in (await book.read(mara, note)).history] == [2, 1]
    for sql in ("DELETE FROM note_versions", "UPDATE note_versions SET epoch = 2"):
        with pytest.raises(IntegrityError):
            await db.write(functools.partial(Transaction.execute, sql=sql))


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE notes SET subject = (SELECT person FROM members WHERE facilitator = 0 LIMIT 1)",
        "UPDATE notes SET id = 'another'",
    ],
)
async def test_a_note_moved_to_another_person_or_name_does_not_open(notes: Notes, change: str) -> None:
    mara = await notes.staff("mara")
    note = await notes.write(mara, "about the group")
    await notes.box.clinic.db.write(lambda tx: tx.execute(change))
    with pytest.raises(Fault, match="note_damaged"):
        await notes.box.clinic.notebook.read(mara, "another" if "another" in change else note)


async def test_an_epoch_that_somebody_slipped_into_the_store_is_not_written_under(notes: Notes) -> None:
    db, mara = notes.box.clinic.db, await notes.staff("mara")
    await notes.write(mara, "a note")
    forged = GroupKey(notes.group, 2, bytes(32))
    person = mara.actor.person

    def slip_in(tx: Transaction) -> None:
        public = access.own_keys(tx, person)[0].public
        given = access.Sealed(2, person, key_hash(public), bytes(32), forged.sealed_for(person, public))
        tx.execute("INSERT INTO care_group_epochs VALUES (?, 2, zeroblob(32), ?, '')", (notes.group, person))
        access.put_key(tx, decide(BOX, "change_care_group", Facts()), notes.group, given)

    await db.write(slip_in)
    with pytest.raises(Fault, match="note_damaged"):
        await notes.write(mara, "would be readable by who forged the key")


async def test_a_clinician_slipped_into_the_keys_gets_nothing_of_the_next_epoch(notes: Notes) -> None:
    """Whoever writes to the store can add a row, but not the mark of one who had the key."""
    db = notes.box.clinic.db
    mara = await notes.staff("mara")
    await notes.write(mara, "a note")
    await notes.let_in("ines")
    await notes.let_in("paul")
    await notes.staff("ines")
    await notes.staff("paul")
    await notes.give_all(mara)
    ines = notes.box.staff["ines"]
    await db.write(
        lambda tx: tx.execute("UPDATE care_group_keys SET grant_mac = zeroblob(32) WHERE holder = ?", (ines,))
    )
    await notes.let_out("paul")
    await notes.write(mara, "after Paul left")
    sealed = await db.read(lambda tx: access.sealed_keys(tx, notes.group, ines))
    assert [key.epoch for key in sealed] == [1]
