"""Nobody who leads is here: after a grace the door locks itself and nobody comes in; those inside go on talking."""

from __future__ import annotations

import pytest

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.live import Live
from appliance.policy import Actor
from appliance.sessions import rows
from appliance.sessions.given import Given
from tests.contract.test_live import OpenPage
from tests.contract.test_session_states import act, code_of, page_of, session_of, started_anew
from tests.fakes.box import OpenBox
from tests.fakes.waiting import until


async def lost(box: OpenBox, live: Live | None = None) -> None:
    """Wait until the box has given the leader up and everything was told."""
    live = live or box.clinic.live
    await until(lambda: live.present.leader_lost(box.session))
    await live.changed(box.session)


async def begun(box: OpenBox) -> tuple[OpenPage, OpenPage]:
    """A session that goes on, with a leader's page and a patient's."""
    box.clinic.live.leader_grace_seconds = 0.0
    mara = await page_of(box, await box.place_of("mara"), staff=True)
    await act(box, "open")
    await box.let_in(0)
    return mara, await page_of(box, box.members[0])


async def test_the_door_locks_itself_when_nobody_who_leads_is_left(box: OpenBox) -> None:
    mara, ada = await begun(box)
    await box.clinic.live.depart(mara)
    await lost(box)
    assert ((await session_of(box)).state, (await session_of(box)).locked_why) == ("locked", "leader")
    fact = ada.last("session")
    assert (fact["locked"], fact["byItself"], fact["leader"]["here"]) == (True, False, False)
    last = (await box.clinic.db.read(audit.entries))[-1]
    assert (last.role, last.action) == ("box", "lock")


async def test_members_go_on_talking_without_a_leader(box: OpenBox) -> None:
    mara, ada = await begun(box)
    await box.clinic.live.depart(mara)
    await lost(box)
    assert ada.last("media") == {"ready": True, "held": ""}
    assert box.members[0] in box.relay.rooms[box.session] - box.relay.quiet


@pytest.mark.parametrize("word", ["admit", "let_through"])
async def test_nobody_comes_in_while_nobody_could_give_them_keys(box: OpenBox, word: str) -> None:
    """Also not by a clinical lead at the console: only a page of who leads adds somebody to the group of keys."""
    mara, _ = await begun(box)
    await box.wait_at_the_door(1)
    await box.clinic.live.depart(mara)
    await lost(box)
    lead = Actor(box.staff["ruth"], "clinical_lead", "console")
    await box.clinic.act(lead, "unlock", box.session)
    assert await code_of(box.clinic.act(lead, word, box.session, box.members[1])) == "leader_away"
    assert (await box.member(1)).standing == "waiting"
    assert await code_of(box.clinic.act(box.desk(), word, box.session, box.members[1])) == "refused"


async def test_the_door_stays_locked_when_they_are_back_until_it_is_unlocked(box: OpenBox) -> None:
    mara, ada = await begun(box)
    await box.clinic.live.depart(mara)
    await lost(box)
    await page_of(box, await box.place_of("mara"), staff=True)
    assert not box.clinic.live.present.leader_lost(box.session)
    assert (ada.last("session")["locked"], ada.last("session")["leader"]["here"]) == (True, True)
    await box.wait_at_the_door(1)
    assert await code_of(box.clinic.act(box.leader(), "admit", box.session, box.members[1])) == "session_locked"
    await act(box, "unlock")
    await act(box, "admit", 1)


async def test_a_leader_who_is_back_within_the_grace_finds_everything_as_it_was(box: OpenBox) -> None:
    mara, ada = await begun(box)
    live = box.clinic.live
    live.leader_grace_seconds = 3600.0
    await live.depart(mara)
    assert ada.last("session")["leader"]["here"]
    absence = live.present.leaders.away[box.session]
    await page_of(box, await box.place_of("mara"), staff=True)
    assert not live.present.leaders.give_up(box.session, absence)  # the grace that was running counts no more
    assert (await session_of(box)).state == "open"


async def test_one_of_two_who_lead_is_enough(box: OpenBox) -> None:
    mara, ada = await begun(box)
    await box.lead_together()
    await page_of(box, await box.place_of("ines"), staff=True)
    await box.clinic.live.depart(mara)
    assert box.session not in box.clinic.live.present.leaders.away
    assert ada.last("session")["leader"] == {"member": await box.place_of("ines"), "name": "Ines", "here": True}


async def test_a_box_that_starts_anew_waits_for_a_leader_no_longer_than_the_grace(box: OpenBox) -> None:
    await begun(box)
    live = await started_anew(box)
    live.leader_grace_seconds = 0.0
    await live.begin()
    await lost(box, live)
    assert (await session_of(box)).state == "locked"


async def test_a_lock_that_the_store_did_not_take_is_tried_again_and_nobody_comes_in_meanwhile(
    box: OpenBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mara, _ = await begun(box)
    await box.wait_at_the_door(1)
    box.clinic.live.catch_up_seconds = 0.0
    real, refused = rows.set_place, []

    def fail_first(*arguments: object, **more: object) -> None:
        refused.append(1)
        if len(refused) == 1:
            raise Fault("disk_full")
        real(*arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(rows, "set_place", fail_first)
    await box.clinic.live.depart(mara)
    await until(lambda: refused)
    assert await code_of(box.clinic.act(box.leader(), "admit", box.session, box.members[1])) in (
        "leader_away",
        "session_locked",
    )
    await until(lambda: len(refused) > 1)
    await box.clinic.live.changed(box.session)
    assert (await session_of(box)).state == "locked"


async def test_a_door_that_was_locked_already_is_locked_once(box: OpenBox) -> None:
    mara, _ = await begun(box)
    await act(box, "lock")
    await box.clinic.live.depart(mara)
    await lost(box)
    assert (await session_of(box)).locked_why == ""


async def test_a_door_that_was_opened_ahead_of_who_leads_stays_open_for_them_and_lets_nobody_in(box: OpenBox) -> None:
    box.clinic.live.leader_grace_seconds = 0.0
    await act(box, "open")
    await box.wait_at_the_door(0)
    await lost(box)
    assert (await session_of(box)).state == "open"
    assert await code_of(box.clinic.act(box.leader(), "admit", box.session, box.members[0])) == "leader_away"
    await page_of(box, await box.place_of("mara"), staff=True)
    await act(box, "admit", 0)


async def test_nobody_is_missed_before_the_hour_and_after_it(box: OpenBox) -> None:
    box.clinic.live.leader_grace_seconds = 0.0
    await page_of(box, await box.place_of("mara"), staff=True)
    await box.clinic.live.changed(box.session)
    assert box.session not in box.clinic.live.present.leaders.away
    await act(box, "open")
    await act(box, "end")
    assert box.session not in box.clinic.live.present.leaders.away


async def test_in_a_private_room_nobody_is_missed(box: OpenBox) -> None:
    mara, _ = await begun(box)
    await act(box, "aside", 0, Given(leader=box.staff["mara"]))
    member = await box.member(0)
    there = OpenPage(member.aside, member.aside_place)
    await box.clinic.live.arrive(there)
    assert member.aside not in box.clinic.live.present.leaders.away
    await box.clinic.live.depart(mara)
    await lost(box)
    own = await box.clinic.db.read(lambda tx: rows.session(tx, member.aside))
    assert own.state == "open"
