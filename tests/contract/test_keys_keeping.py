"""The keeper of an open store: who may do what with its key slots, what the audit says of it, what a rekey leaves."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from appliance.faults import Fault
from appliance.keeping import Keeper
from appliance.policy import ROLES, TABLE, Actor, Role
from appliance.store import birth, keyslots, ledger, rekey, slotfile, slotpair, slots
from appliance.store.database import Database, Row, Transaction, store_path
from appliance.store.slotfile import Slots
from appliance.store.slots import Numbered
from sync import suite
from tests.fakes.stores import CHEAP, PASSPHRASE

RUTH = Actor("p-ruth", "administrator", "console", address="console")
AT = "2031-03-04T14:00:00Z"
SECOND = "the second passphrase"


@pytest.fixture
async def keeper(tmp_path: Path) -> AsyncIterator[Keeper]:
    folder = tmp_path / "store"
    db = await birth.give_birth(folder, PASSPHRASE, CHEAP)
    made = Keeper(folder, db, db.key, cost=CHEAP)
    await made.reconcile(AT)
    yield made
    await db.close()


def file_of(keeper: Keeper) -> Slots:
    file = slotpair.load(keeper.store)
    assert isinstance(file, Slots)
    return file


async def first(keeper: Keeper) -> str:
    return (await keeper.list(RUTH, AT))[0].slot.id


async def states(keeper: Keeper) -> list[tuple[str, str, bool]]:
    return [(seen.slot.kind, seen.state, seen.removable) for seen in await keeper.list(RUTH, AT)]


async def noted(keeper: Keeper, action: str) -> list[Row]:
    return await keeper.db.read(lambda tx: tx.all("SELECT * FROM audit WHERE action = ? ORDER BY sequence", (action,)))


def opens(keeper: Keeper, secret: str) -> bool:
    try:
        return keyslots.unlock(keeper.store, secret) == keeper.key
    except Fault:
        return False


# ── adding, trying, removing


async def test_a_second_passphrase_opens_the_box_and_the_first_can_then_go(keeper: Keeper) -> None:
    old = await first(keeper)
    await keeper.add_passphrase(RUTH, SECOND, "night shift", AT)
    assert await states(keeper) == [("passphrase", "works", True), ("passphrase", "works", True)]
    await keeper.remove(RUTH, old, AT)
    assert (opens(keeper, PASSPHRASE), opens(keeper, SECOND)) == (False, True)
    assert await states(keeper) == [("passphrase", "works", False)]


async def test_a_sheet_counts_only_once_its_words_were_typed_back(keeper: Keeper) -> None:
    old = await first(keeper)
    made = await keeper.add_sheet(RUTH, "es", "safe", AT)
    assert await states(keeper) == [("passphrase", "works", False), ("sheet", "untried", True)]
    with pytest.raises(Fault, match="last_slot"):
        await keeper.remove(RUTH, old, AT)
    for wrong in ("", "abandon " * 11 + "about", PASSPHRASE, "x" * 9999):
        with pytest.raises(Fault, match="wrong_sheet"):
            await keeper.try_out(RUTH, made.slot, wrong, AT)
    await keeper.try_out(RUTH, made.slot, " ".join(made.words).upper(), AT)
    await keeper.remove(RUTH, old, AT)
    assert await states(keeper) == [("sheet", "works", False)]
    assert opens(keeper, " ".join(made.words))


async def test_an_untried_sheet_is_dropped_by_the_next_one(keeper: Keeper) -> None:
    old = await keeper.add_sheet(RUTH, "en", "", AT)
    new = await keeper.add_sheet(RUTH, "en", "", AT)
    await keeper.try_out(RUTH, new.slot, " ".join(new.words), AT)
    third = await keeper.add_sheet(RUTH, "en", "", AT)
    assert {seen.slot.id for seen in await keeper.list(RUTH, AT)} == {await first(keeper), new.slot, third.slot}
    assert not opens(keeper, " ".join(old.words))


@pytest.mark.parametrize("kind", ["hq", "machine"])
async def test_a_key_held_elsewhere_is_never_the_last_way_in(keeper: Keeper, kind: slotfile.Kind) -> None:
    await keeper.add_public(RUTH, kind, suite.RecordKey(os.urandom(32)).public, "", AT)
    with pytest.raises(Fault, match="last_slot"):
        await keeper.remove(RUTH, await first(keeper), AT)


async def test_hq_has_one_slot_and_the_same_key_makes_no_other(keeper: Keeper) -> None:
    public = suite.RecordKey(os.urandom(32)).public
    made = await keeper.add_public(RUTH, "hq", public, "", AT)
    assert await keeper.add_public(RUTH, "hq", public, "", AT) == made
    other = await keeper.add_public(RUTH, "hq", suite.RecordKey(os.urandom(32)).public, "", AT)
    assert [slot.id for slot in file_of(keeper).slots if slot.kind == "hq"] == [other]


async def test_a_passphrase_is_changed_in_one_step(keeper: Keeper) -> None:
    identifier = await first(keeper)
    await keeper.rotate(RUTH, identifier, SECOND, AT)
    assert (opens(keeper, PASSPHRASE), opens(keeper, SECOND)) == (False, True)
    assert await first(keeper) == identifier
    assert await states(keeper) == [("passphrase", "works", False)]


async def test_only_a_passphrase_is_changed(keeper: Keeper) -> None:
    made = await keeper.add_sheet(RUTH, "en", "", AT)
    with pytest.raises(Fault, match="wrong_state"):
        await keeper.rotate(RUTH, made.slot, SECOND, AT)


@pytest.mark.parametrize(
    ("passphrase", "label", "code"),
    [("short", "", "weak_passphrase"), ("x" * 2000, "", "bad_request"), (SECOND, "x" * 41, "bad_request")],
)
async def test_a_slot_beyond_the_rules_is_not_made(keeper: Keeper, passphrase: str, label: str, code: str) -> None:
    with pytest.raises(Fault, match=code):
        await keeper.add_passphrase(RUTH, passphrase, label, AT)
    assert len(file_of(keeper).slots) == 1


async def test_there_are_sixteen_slots_at_most(keeper: Keeper) -> None:
    for _ in range(slotfile.MAX_SLOTS - 1):
        await keeper.add_passphrase(RUTH, SECOND, "", AT)
    with pytest.raises(Fault, match="too_many_slots"):
        await keeper.add_passphrase(RUTH, SECOND, "", AT)


async def test_what_is_not_there_is_not_found(keeper: Keeper) -> None:
    for act in (
        keeper.remove(RUTH, "00" * 8, AT),
        keeper.rotate(RUTH, "00" * 8, SECOND, AT),
        keeper.try_out(RUTH, "00" * 8, SECOND, AT),
    ):
        with pytest.raises(Fault, match="not_found"):
            await act


# ── who, and what stays of it


@pytest.mark.parametrize("role", ROLES)
async def test_only_whom_the_table_names_touches_the_slots(keeper: Keeper, role: Role) -> None:
    who = Actor("p-1", role, "console")
    asked = {
        "list_keys": lambda: keeper.list(who, AT),
        "add_key": lambda: keeper.add_sheet(who, "en", "", AT),
        "remove_key": lambda: keeper.remove(who, "00" * 8, AT),
        "rekey": lambda: keeper.rekey(who, AT),
    }
    for action, ask in asked.items():
        if role in TABLE[action]:  # type: ignore[index]  # words of the table
            continue
        before = file_of(keeper)
        with pytest.raises(Fault, match="refused"):
            await ask()  # type: ignore[no-untyped-call]
        assert file_of(keeper) == before
        assert (await noted(keeper, action))[-1]["outcome"] == "refused"


async def test_every_change_is_in_the_audit_by_its_slot_and_without_a_secret(keeper: Keeper) -> None:
    made = await keeper.add_passphrase(RUTH, SECOND, "desk", AT)
    await keeper.rotate(RUTH, made, "a third passphrase", AT)
    await keeper.remove(RUTH, made, AT)
    await keeper.rekey(RUTH, AT)
    for action, times in (("add_key", 2), ("remove_key", 1), ("rekey", 1)):
        rows = await noted(keeper, action)
        assert [(row["actor"], row["outcome"]) for row in rows] == [("p-ruth", "done")] * times


async def test_the_slot_that_opened_the_box_is_noted(keeper: Keeper) -> None:
    opened = keyslots.open_with(keeper.store, PASSPHRASE)
    await keeper.reconcile(AT, opened.slot)
    (row,) = await noted(keeper, "unlock_box")
    assert (row["role"], row["outcome"]) == ("box", "done")


# ── the file lies open to whoever holds the card


async def test_a_slot_that_somebody_put_into_the_file_gets_no_new_key(keeper: Keeper) -> None:
    """They took the card, added a slot with a public key of theirs, and put it back to wait for the next rekey."""
    stranger = os.urandom(32)
    planted = slots.of_public("machine", suite.RecordKey(stranger).public, "", AT, (Numbered(1, keeper.key),))
    file = file_of(keeper)
    slotpair.save(keeper.store, msgspec.structs.replace(file, slots=(*file.slots, planted)))
    assert ("machine", "foreign", True) in await states(keeper)
    await keeper.rekey(RUTH, AT)
    assert [slot.id for slot in file_of(keeper).slots] == [slot.id for slot in file.slots]
    assert keyslots.open_with_seed(keeper.store, "machine", stranger) is None


async def test_a_slot_whose_public_key_was_exchanged_gets_no_new_key(keeper: Keeper) -> None:
    made = await keeper.add_public(RUTH, "hq", suite.RecordKey(os.urandom(32)).public, "", AT)
    file = file_of(keeper)
    theirs = suite.RecordKey(os.urandom(32)).public
    changed = tuple(msgspec.structs.replace(s, public=theirs) if s.id == made else s for s in file.slots)
    slotpair.save(keeper.store, msgspec.structs.replace(file, slots=changed))
    await keeper.rekey(RUTH, AT)
    assert made not in [slot.id for slot in file_of(keeper).slots]


async def test_a_removed_slot_that_comes_back_with_an_old_file_opens_nothing(keeper: Keeper) -> None:
    await keeper.add_passphrase(RUTH, SECOND, "", AT)
    old = file_of(keeper)
    gone = await first(keeper)
    await keeper.remove(RUTH, gone, AT)
    slotpair.save(keeper.store, old)
    opened = keyslots.open_with(keeper.store, PASSPHRASE)
    with pytest.raises(Fault, match="wrong_passphrase"):
        await keeper.reconcile(AT, opened.slot)
    assert gone not in [slot.id for slot in file_of(keeper).slots]
    assert (await noted(keeper, "unlock_box"))[-1]["outcome"] == "wrong_passphrase"


async def test_trying_a_foreign_slot_makes_it_ours(keeper: Keeper) -> None:
    """A slots' file of another day, put back with its store: whoever has the words shows that it is no stranger's."""
    foreign = slots.of_passphrase(SECOND, "", AT, (Numbered(1, keeper.key),), CHEAP)
    file = file_of(keeper)
    slotpair.save(keeper.store, msgspec.structs.replace(file, slots=(*file.slots, foreign)))
    await keeper.try_out(RUTH, foreign.id, SECOND, AT)
    await keeper.rekey(RUTH, AT)
    assert opens(keeper, SECOND)


async def test_both_copies_lost_while_the_box_runs_are_written_anew(keeper: Keeper) -> None:
    await keeper.list(RUTH, AT)
    for path in slotpair.copies(keeper.store):
        path.unlink()
    await keeper.list(RUTH, AT)
    assert opens(keeper, PASSPHRASE)


@pytest.mark.parametrize("act", ["add", "rekey"])
async def test_a_disk_that_refuses_leaves_slots_and_ledger_as_they_were(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    before = file_of(keeper)

    def refuse(*_: object) -> Slots:
        raise Fault("store_failed")

    with monkeypatch.context() as patch:
        patch.setattr(slotpair, "save", refuse)
        with pytest.raises(Fault, match="store_failed"):
            await (keeper.rekey(RUTH, AT) if act == "rekey" else keeper.add_passphrase(RUTH, SECOND, "", AT))
    assert file_of(keeper) == before
    assert await states(keeper) == [("passphrase", "works", False)]
    assert [row["outcome"] for row in await noted(keeper, "rekey" if act == "rekey" else "add_key")] == [
        "done",
        "store_failed",
    ]
    assert opens(keeper, PASSPHRASE)


# ── rekey


async def test_a_rekey_changes_the_key_for_every_slot_and_needs_nobodys_secret(keeper: Keeper) -> None:
    hq = os.urandom(32)
    sheet = await keeper.add_sheet(RUTH, "en", "", AT)
    await keeper.add_public(RUTH, "hq", suite.RecordKey(hq).public, "", AT)
    old = keeper.key
    await keeper.rekey(RUTH, AT)
    assert keeper.key != old
    assert keeper.key == keeper.db.key
    assert file_of(keeper).keys() == (2,)
    assert opens(keeper, PASSPHRASE)
    assert opens(keeper, " ".join(sheet.words))
    opened = keyslots.open_with_seed(keeper.store, "hq", hq)
    assert opened is not None
    assert opened.key == keeper.key
    assert not rekey.fits(store_path(keeper.store), old)


async def test_works_that_come_during_a_rekey_wait_and_are_done(keeper: Keeper) -> None:
    async def write(number: int) -> None:
        name = f"row-{number}"
        await keeper.db.write(lambda tx: tx.execute("INSERT INTO box_secrets VALUES (?, x'00')", (name,)))

    def count(tx: Transaction) -> int:
        row = tx.one("SELECT count(*) FROM box_secrets WHERE name LIKE 'row-%'")
        return int(row[0]) if row else 0

    changing = asyncio.ensure_future(keeper.rekey(RUTH, AT))
    for number in range(200):
        await asyncio.gather(write(number), keeper.db.read(count))
    await changing
    assert await keeper.db.read(count) == 200
    assert await keeper.db.damaged_pages() == []


async def test_after_a_rekey_the_store_opens_again_with_the_new_key_only(keeper: Keeper) -> None:
    old = keeper.key
    await keeper.rekey(RUTH, AT)
    await keeper.db.close()
    with pytest.raises(Fault, match="store_foreign"):
        await Database.open(keeper.store, old)
    again = await Database.open(keeper.store, keyslots.unlock(keeper.store, PASSPHRASE))
    assert await again.read(ledger.read) is not None
    await again.close()


async def test_a_rekey_without_room_does_not_begin(keeper: Keeper, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rekey, "_SPARE", 2**62)
    old = keeper.key
    with pytest.raises(Fault, match="disk_full"):
        await keeper.rekey(RUTH, AT)
    assert keeper.key == old == keeper.db.key
    assert file_of(keeper).keys() == (1,)
    await keeper.add_passphrase(RUTH, SECOND, "", AT)
    assert opens(keeper, SECOND)


async def test_a_rekey_that_the_library_did_not_do_is_told_and_the_store_goes_on(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rekey, "change", lambda *_: (_ for _ in ()).throw(Fault("store_failed", "rekey")))
    with pytest.raises(Fault, match="store_failed"):
        await keeper.rekey(RUTH, AT)
    assert file_of(keeper).keys() == (1,)
    assert await states(keeper) == [("passphrase", "works", False)]
    assert opens(keeper, PASSPHRASE)


@pytest.mark.parametrize("stands", ["old", "new"])
async def test_whichever_key_opens_the_store_is_the_one_that_stays(keeper: Keeper, stands: str) -> None:
    """A power cut between two steps of a rekey: the slots hold both keys, the store has one of them."""
    new = Numbered(2, keyslots.StoreKey(os.urandom(32)))
    both = tuple(slots.resealed(slot, (Numbered(1, keeper.key), new)) for slot in file_of(keeper).slots)
    slotpair.save(keeper.store, Slots(generation=0, slots=both))
    if stands == "new":
        await keeper.db.rekey(new.key)
    key = keeper.db.key
    await keeper.db.close()
    opened = keyslots.open_with(keeper.store, PASSPHRASE)
    assert (opened.key, opened.number) == (key, 2 if stands == "new" else 1)
    assert file_of(keeper).keys() == (opened.number,)
