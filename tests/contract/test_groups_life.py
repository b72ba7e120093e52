"""A group from its founding to the session's end: its order, who is told what, and what is left of it."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path

import pytest

from appliance.audit import rows as audit
from appliance.clinic import Clinic
from appliance.groups import rules
from appliance.live import Live
from appliance.store import keyslots
from appliance.store.database import Database, Transaction
from tests.fakes.box import PASSPHRASE, OpenBox
from tests.fakes.group import (
    GROUP,
    OTHER_GROUP,
    committing,
    founding,
    group_info,
    key_package,
    line,
    message,
    saying,
    stored,
)
from tests.fakes.group_room import Room
from tests.fakes.portal import Behind, sign_in
from tests.fakes.waiting import until

EVENTS_OF_THE_GROUP = {"group", "offers", "welcome", "groupSaid"}


# -- the order -------------------------------------------------------------------------------------------------------


async def test_of_two_commits_at_once_one_wins_and_the_other_hears_that_it_is_stale(room: Room) -> None:
    ines = await room.staff("ines")
    for epoch in range(1, 21):
        codes = await asyncio.gather(
            room.mara.refused("groupCommit", committing(epoch, b"mara")),
            ines.refused("groupCommit", committing(epoch, b"ines")),
        )
        assert sorted(codes) == ["", "stale_epoch"]
        mark = b"mara" if codes[0] == "" else b"ines"
        winner = committing(epoch, mark)["commit"]
        await room.mara.shows("group", epoch=epoch + 1, commit=winner)
        await ines.shows("group", epoch=epoch + 1, commit=winner)
        looked = await ines.done("groupLook", {})
        assert looked["groupInfo"] == group_info(b"group info %d " % (epoch + 1) + mark)


async def test_a_commit_whose_answer_was_lost_may_be_asked_again(room: Room) -> None:
    before = await stored(room.box.clinic.db)
    assert await room.mara.done("groupCommit", committing(0)) == {}
    assert await room.mara.refused("groupCommit", committing(0, b"another")) == "stale_epoch"
    ines = await room.staff("ines")
    assert await ines.refused("groupCommit", committing(0)) == "stale_epoch"  # hers it was not
    assert await stored(room.box.clinic.db) == before


async def test_a_commit_of_an_epoch_to_come_or_of_another_group_is_stale(room: Room) -> None:
    assert await room.mara.refused("groupCommit", committing(2)) == "stale_epoch"
    assert await room.mara.refused("groupCommit", committing(1, group=OTHER_GROUP)) == "stale_epoch"


async def test_one_group_stands_and_another_only_instead_of_that_one(room: Room) -> None:
    ines = await room.staff("ines")
    assert await ines.refused("groupFound", founding(OTHER_GROUP)) == "stale_epoch"
    assert await ines.refused("groupFound", founding(OTHER_GROUP, instead="2d" * 16)) == "stale_epoch"
    assert await ines.done("groupFound", founding(OTHER_GROUP, instead=GROUP)) == {}
    assert await ines.done("groupFound", founding(OTHER_GROUP, instead=GROUP)) == {}  # the answer was lost
    assert await room.mara.refused("groupFound", founding(OTHER_GROUP, instead=GROUP)) == "stale_epoch"
    await room.mara.shows("group", group=OTHER_GROUP, epoch=0, commit=None)
    kept = await stored(room.box.clinic.db)
    assert kept["group_commits"] == kept["welcomes"] == []


async def test_commits_come_in_order_and_without_gaps_in_as_many_answers_as_it_takes(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_ANSWERED", 30)  # two of these commits
    for epoch in range(1, 6):
        await room.mara.done("groupCommit", committing(epoch))
    seen: list[tuple[int, str]] = []
    while len(seen) < 6:
        answer = await room.mara.done("groupCommits", {"group": GROUP, "after": len(seen)})
        assert 1 <= len(answer["commits"]) <= 2
        seen += [(one["epoch"], one["commit"]) for one in answer["commits"]]
    assert seen == [(epoch, committing(epoch)["commit"]) for epoch in range(6)]
    assert await room.mara.done("groupCommits", {"group": GROUP, "after": 6}) == {"commits": []}


async def test_a_page_too_far_behind_is_told_instead_of_given_a_gap(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "KEPT_COMMITS", 2)
    for epoch in range(1, 4):
        await room.mara.done("groupCommit", committing(epoch))
    kept = await room.mara.done("groupCommits", {"group": GROUP, "after": 2})
    assert [one["epoch"] for one in kept["commits"]] == [2, 3]
    assert await room.mara.refused("groupCommits", {"group": GROUP, "after": 1}) == "stale_epoch"


async def test_the_order_outlives_a_restart_in_the_middle_of_a_session(
    room: Room, behind: Behind, tmp_path: Path
) -> None:
    key = await room.mara.done("groupCredential", {"key": rules.b64url(bytes(32))})
    await room.patient(0)
    await room.mara.done("groupCommit", committing(1, added=(room.box.members[0],)))
    before = await stored(room.box.clinic.db)
    room.box.clinic.live.end()
    await room.box.clinic.db.close()
    db = await Database.open(tmp_path / "store", keyslots.unlock(tmp_path / "store", PASSPHRASE))
    try:
        behind._clinic = room.box.clinic = Clinic(db, Live(db, lambda session: None), "optional")
        assert await stored(db) == before
        visitor = room.newcomer()
        await sign_in(visitor)
        async with line(visitor, f"/staff/sessions/{room.box.session}/ws") as mara:
            await mara.shows("group", group=GROUP, epoch=2, commit=committing(1)["commit"])
            assert await mara.done("groupCommit", committing(1, added=(room.box.members[0],))) == {}
            assert await mara.refused("groupCommit", committing(1, b"late")) == "stale_epoch"
            assert await mara.done("groupCommit", committing(2)) == {}
            assert await mara.done("groupCredential", {"key": rules.b64url(bytes(32))}) == key
    finally:
        await room.box.clinic.live.close()
        await db.close()


# -- who is told what ------------------------------------------------------------------------------------------------


async def test_who_waits_is_shown_nothing_of_the_group(room: Room) -> None:
    ada, tomas = await room.patient(0), await room.patient(1, admitted=True)
    desk = await room.staff("jonas")
    await ada.done("groupOffer", {"keyPackage": key_package()})
    await room.mara.done("groupCommit", committing(1, added=(room.box.members[0],)))
    await room.mara.done("groupSay", saying())
    await tomas.shows("groupSaid", **saying())
    await ada.ask("groupLook", {})  # what came before it has been shown
    await desk.ask("groupLook", {})
    assert not EVENTS_OF_THE_GROUP & {event for event, _ in [*ada.seen, *desk.seen]}


async def test_an_offer_is_shown_to_those_who_lead_and_the_welcome_to_its_member(room: Room) -> None:
    ada, tomas, ines = await room.patient(0), await room.patient(1, admitted=True), await room.staff("ines")
    await ada.done("groupOffer", {"keyPackage": key_package(b"older")})
    await ada.done("groupOffer", {"keyPackage": key_package()})
    offers = [{"member": room.box.members[0], "keyPackage": key_package()}]
    await room.mara.shows("offers", offers=offers)
    await ines.shows("offers", offers=offers)
    await room.act("admit", 0)
    await room.mara.done("groupCommit", committing(1, added=(room.box.members[0],)))
    await ada.shows("welcome", group=GROUP, epoch=2, welcome=message(3, b"welcome 2 "))
    await ada.shows("group", group=GROUP, epoch=2, commit=committing(1)["commit"], compared=None)
    await room.mara.shows("offers", offers=[])
    await tomas.shows("group", epoch=2)
    assert not {"welcome", "offers"} & {event for event, _ in tomas.seen}
    assert "offers" not in {event for event, _ in ada.seen}


@pytest.mark.parametrize("action", ["remove", "deny", "leave"])
async def test_offer_and_welcome_of_one_who_goes_out_are_gone(room: Room, action: str) -> None:
    ada = await room.patient(0)
    await room.mara.done("groupCommit", committing(1, added=(room.box.members[0],)))
    await ada.done("groupOffer", {"keyPackage": key_package()})
    kept = await stored(room.box.clinic.db)
    assert len(kept["welcomes"]) == len(kept["key_packages"]) == 1
    if action == "leave":
        await room.leave(ada)
    else:
        await room.act(action, 0)
    await room.mara.shows("offers", offers=[])
    kept = await stored(room.box.clinic.db)
    assert kept["welcomes"] == kept["key_packages"] == []


async def test_nobody_is_welcomed_who_went_out_while_the_commit_was_made(room: Room) -> None:
    await room.patient(0, admitted=True)
    await room.act("remove", 0)
    before = await stored(room.box.clinic.db)
    refused = await room.mara.refused("groupCommit", committing(1, added=(room.box.members[0],)))
    assert refused == "wrong_state"
    assert await stored(room.box.clinic.db) == before


async def test_the_same_fact_is_not_told_twice(room: Room) -> None:
    ada = await room.patient(0, admitted=True)
    await ada.done("groupOffer", {"keyPackage": key_package()})
    await room.mara.done("groupCommit", committing(1, added=(room.box.members[0],)))
    await ada.shows("welcome", epoch=2)
    before = len(ada.seen), len(room.mara.seen)
    for _ in range(3):
        await room.box.clinic.live.changed(room.box.session)
    await ada.ask("groupLook", {})
    await room.mara.ask("groupLook", {})
    assert (len(ada.seen), len(room.mara.seen)) == before


# -- what is said ----------------------------------------------------------------------------------------------------


async def test_what_is_said_reaches_the_others_once_and_is_kept_nowhere(
    room: Room, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ada, ines = await room.patient(0, admitted=True), await room.staff("ines")
    before = await stored(room.box.clinic.db), len(await room.box.clinic.db.read(audit.entries))
    for number in range(10):
        await ada.done("groupSay", saying(b"said %d" % number))
    for page in (room.mara, ines):
        await until(lambda page=page: len(page.all("groupSaid")) == 10)  # type: ignore[misc]
        assert page.all("groupSaid") == [saying(b"said %d" % number) for number in range(10)]
    assert ada.all("groupSaid") == []
    assert (await stored(room.box.clinic.db), len(await room.box.clinic.db.read(audit.entries))) == before
    assert not any(str(saying(b"said %d" % number)["message"]) in caplog.text for number in range(10))


async def test_a_flood_of_says_is_stopped_and_its_rest_reaches_nobody(room: Room) -> None:
    ada = await room.patient(0, admitted=True)
    codes = [await ada.refused("groupSay", saying(b"%d" % number)) for number in range(60)]
    assert codes[: int(rules.SAYS_AT_ONCE)] == [""] * int(rules.SAYS_AT_ONCE)
    assert "too_many_tries" in codes
    await until(lambda: len(room.mara.all("groupSaid")) == codes.count(""))
    assert await ada.refused("groupCommits", {"group": GROUP, "after": 0}) == ""  # it costs the page only its voice


async def test_nothing_is_said_in_a_group_that_does_not_stand(room: Room) -> None:
    assert await room.mara.refused("groupSay", saying(group=OTHER_GROUP)) == "wrong_state"


# -- the words were compared -----------------------------------------------------------------------------------------


async def test_a_comparison_is_shown_noted_and_told_to_hq(room: Room) -> None:
    ada = await room.patient(0, admitted=True)
    assert await room.mara.refused("groupCompared", {"group": GROUP, "epoch": 0}) == "stale_epoch"
    assert await room.mara.refused("groupCompared", {"group": OTHER_GROUP, "epoch": 1}) == "stale_epoch"
    await room.mara.done("groupCompared", {"group": GROUP, "epoch": 1})
    await until(lambda: ada.last("group").get("compared"))
    compared = ada.last("group")["compared"]
    assert compared["epoch"] == 1
    await room.mara.done("groupCommit", committing(1))
    await ada.shows("group", epoch=2, compared=compared)
    await room.act("end")
    row = await room.box.clinic.db.read(lambda tx: tx.one("SELECT body FROM outbox"))
    assert row is not None
    assert json.loads(row["body"])["compared_at"] == [compared["at"]]
    entries = await room.box.clinic.db.read(audit.entries)
    mine = [(e.action, e.actor, e.subject) for e in entries if e.action in ("found_group", "commit_keys", "compare")]
    mara = (room.box.staff["mara"], await room.box.place_of("mara"))
    assert mine == [(action, *mara) for action in ("found_group", "commit_keys", "compare", "commit_keys")]


async def test_a_comparison_says_nothing_of_the_group_that_came_after(room: Room) -> None:
    """Its epochs count from 0 again, so its words would look compared although nobody has read them."""
    await room.mara.done("groupCompared", {"group": GROUP, "epoch": 1})
    await room.mara.done("groupFound", founding(OTHER_GROUP, instead=GROUP))
    await room.mara.done("groupCommit", committing(0, group=OTHER_GROUP))
    assert (await room.mara.shows("group", group=OTHER_GROUP, epoch=1))["compared"] is None


# -- what is left ----------------------------------------------------------------------------------------------------


async def test_an_ended_session_leaves_no_byte_of_its_group(room: Room) -> None:
    await room.patient(0)
    await (await room.patient(1)).done("groupOffer", {"keyPackage": key_package()})
    await room.mara.done("groupCommit", committing(1, added=(room.box.members[0],)))
    await room.mara.done("groupCompared", {"group": GROUP, "epoch": 2})
    kept = await stored(room.box.clinic.db)
    assert all(kept[table] for table in kept)
    await room.act("end")
    kept = await stored(room.box.clinic.db)
    assert [table for table in kept if kept[table]] == ["comparisons"]
    everything = await whole_store(room.box)
    for mark in (b"commit 1", b"welcome 2", b"group info", b"key package"):
        assert mark not in everything
    assert GROUP.encode() in everything  # of the comparison: the look does find what is there


async def whole_store(box: OpenBox) -> bytes:
    """Every value of every table, one after the other."""

    def read(tx: Transaction) -> bytes:
        tables = [row["name"] for row in tx.all("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        rows = [row for table in tables for row in tx.all(f'SELECT * FROM "{table}"')]  # noqa: S608
        values = [row[column] for row in rows for column in row.keys()]  # noqa: SIM118
        return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)

    return await box.clinic.db.read(read)
