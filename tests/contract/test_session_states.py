"""The hour's states on a real store: the door, the pause, holding, taking over, sending out; relay and pages follow."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta

import pytest

from appliance.audit import rows as audit
from appliance.clock import moment, now_seconds, now_text
from appliance.faults import Fault
from appliance.live import Live
from appliance.policy import BOX, Actor
from appliance.sessions import actions as sessions
from appliance.sessions import plan, rows
from appliance.sessions.given import Given
from appliance.sessions.planning import Plan
from tests.contract.test_live import OpenPage
from tests.fakes.box import OpenBox

HALL = "Thursday circle"


async def code_of(work: Awaitable[object]) -> str:
    with pytest.raises(Fault) as caught:
        await work
    return caught.value.code


async def act(box: OpenBox, action: str, number: int | None = None, given: Given | None = None) -> None:
    """An action of the one who leads, on the session or on a patient."""
    member = "" if number is None else box.members[number]
    await box.clinic.act(box.leader(), action, box.session, member, given=given or Given())


async def session_of(box: OpenBox) -> rows.Session:
    return await box.clinic.db.read(lambda tx: rows.session(tx, box.session))


async def page_of(box: OpenBox, member: str, *, staff: bool = False) -> OpenPage:
    page = OpenPage(box.session, member, staff=staff)
    await box.clinic.live.arrive(page)
    return page


async def started_anew(box: OpenBox) -> Live:
    """What a restart of the appliance leaves: the store, and nothing in memory."""
    await box.clinic.live.close()
    box.clinic.live = Live(box.clinic.db, box.published.append)
    box.clinic.live.relay = box.relay
    box.relay.rooms.clear()
    box.relay.quiet.clear()
    return box.clinic.live


async def last_entries(box: OpenBox, count: int) -> list[tuple[str, str]]:
    return [(entry.role, entry.action) for entry in (await box.clinic.db.read(audit.entries))[-count:]]


# -- the door --------------------------------------------------------------------------------------------------------


async def test_the_door_locks_itself_behind_the_last_who_was_expected(box: OpenBox) -> None:
    await act(box, "open")
    page = await page_of(box, await box.place_of("mara"), staff=True)
    for number in (0, 1):
        await box.let_in(number)
        assert not (await session_of(box)).place.locked
    await box.let_in(2)
    assert ((await session_of(box)).state, (await session_of(box)).locked_why) == ("locked", "complete")
    assert page.last("session")["byItself"] and page.last("session")["locked"]
    assert await last_entries(box, 2) == [("facilitator", "admit"), ("box", "lock")]


async def test_a_door_that_was_unlocked_by_hand_stays_open_until_the_roster_is_complete_again(box: OpenBox) -> None:
    await act(box, "open")
    for number in range(3):
        await box.let_in(number)
    await act(box, "unlock")
    await box.clinic.live.changed(box.session)
    assert (await session_of(box)).state == "open"
    actor = Actor((await box.member(2)).person, "patient", "portal", box.members[2])
    await box.clinic.db.write(lambda tx: sessions.leave(tx, actor, now_text()))
    await box.let_in(2)
    assert (await session_of(box)).state == "locked"


async def test_a_door_that_was_locked_by_hand_did_not_lock_itself(box: OpenBox) -> None:
    await act(box, "open")
    page = await page_of(box, await box.place_of("mara"), staff=True)
    await act(box, "lock")
    assert (page.last("session")["locked"], page.last("session")["byItself"]) == (True, False)


async def test_one_person_comes_through_the_locked_door_which_stays_locked(box: OpenBox) -> None:
    await act(box, "open")
    await box.wait_at_the_door(0)
    await act(box, "lock")
    await act(box, "let_through", 0)
    assert ((await box.member(0)).standing, (await session_of(box)).state) == ("admitted", "locked")
    await box.wait_at_the_door(1)
    assert await code_of(box.clinic.act(box.leader(), "admit", box.session, box.members[1])) == "session_locked"


async def test_who_lost_the_line_comes_back_through_the_locked_door_by_a_rejoin_ticket(box: OpenBox) -> None:
    await act(box, "open")
    await box.let_in(0)
    await act(box, "lock")
    ticket = await box.clinic.act(box.desk(), "rejoin", box.session, box.members[0])
    assert ticket is not None
    await box.clinic.present(ticket.code, ticket.pin, "127.0.0.1", device="a new phone")
    assert ((await box.member(0)).standing, (await session_of(box)).state) == ("admitted", "locked")
    assert box.members[0] in box.relay.rooms[box.session] - box.relay.quiet


# -- pause and hold ----------------------------------------------------------------------------------------------------


async def test_in_a_pause_the_relay_carries_nobody_and_afterwards_everybody(box: OpenBox) -> None:
    await act(box, "open")
    await box.let_in(0)
    page, mara = await page_of(box, box.members[0]), await box.place_of("mara")
    await act(box, "pause")
    assert box.relay.quiet == {box.members[0], mara}
    assert {(box.session, box.members[0]), (box.session, mara)} <= set(box.relay.left)
    assert page.last("media") == {"ready": False, "held": "paused"}
    assert await code_of(box.clinic.live.request(page, "join", {})) == "wrong_state"
    await act(box, "resume")
    assert box.relay.quiet == set()
    assert page.last("media") == {"ready": True, "held": ""}
    assert (await session_of(box)).phase == "open"


async def test_who_is_held_is_apart_alone_and_a_release_brings_them_back(box: OpenBox) -> None:
    await act(box, "open")
    for number in (0, 1):
        await box.let_in(number)
    held, other = await page_of(box, box.members[0]), await page_of(box, box.members[1])
    await act(box, "hold", 0)
    assert box.relay.quiet == {box.members[0]}
    assert held.last("media") == {"ready": False, "held": "held"}
    assert other.last("media") == {"ready": True, "held": ""}
    assert [one["held"] for one in other.last("roster")["members"] if one["member"] == box.members[0]] == [True]
    box.clinic.live.relay_event(box.session, box.members[0], "trackAdded", {"track": "t"})
    assert held.last("trackAdded") == {}
    await act(box, "release", 0)
    assert box.relay.quiet == set()


@pytest.mark.parametrize("word", ["pause", "hold"])
async def test_neither_a_new_relay_nor_a_restart_lets_anybody_hear_who_is_apart(box: OpenBox, word: str) -> None:
    await act(box, "open")
    await box.let_in(0)
    await act(box, word, 0 if word == "hold" else None)
    for live in (box.clinic.live, await started_anew(box)):
        truth = (await live.admitted())[box.session][box.members[0]]
        assert (truth.send, truth.receive) == ((), False)
        page = OpenPage(box.session, box.members[0])
        await live.arrive(page)
        assert page.last("media")["held"] == ("held" if word == "hold" else "paused")
        assert box.members[0] not in box.relay.rooms.get(box.session, set()) - box.relay.quiet
    await started_anew(box)
    await page_of(box, box.members[0])
    assert box.members[0] in box.relay.quiet


async def test_attendance_goes_on_in_a_pause(box: OpenBox) -> None:
    await act(box, "open")
    await box.let_in(0)
    await page_of(box, box.members[0])
    await act(box, "pause")
    found = await box.clinic.db.read(lambda tx: rows.attendances(tx, box.members[0], "still there"))
    assert [left for _, left in found] == ["still there"]


async def test_somebody_who_comes_in_during_a_pause_is_held_apart_like_all(box: OpenBox) -> None:
    await act(box, "open")
    await act(box, "pause")
    await box.let_in(0)
    assert box.members[0] in box.relay.quiet


async def test_who_leads_is_never_held(box: OpenBox) -> None:
    await act(box, "open")
    work = box.clinic.act(box.leader(), "hold", box.session, await box.place_of("mara"))
    assert await code_of(work) == "wrong_state"


async def test_two_who_press_the_same_mark_hear_no_fault_and_one_entry_is_kept(box: OpenBox) -> None:
    await act(box, "open")
    await box.let_in(0)
    page = await page_of(box, await box.place_of("mara"), staff=True)
    patient = await page_of(box, box.members[0])
    for _ in range(2):
        await act(box, "flag", 0)
    flagged = [one["flagged"] for one in page.last("roster")["members"] if one["member"] == box.members[0]]
    assert flagged == [True]
    assert not any("flagged" in one for one in patient.last("roster")["members"])
    assert [action for _, action in await last_entries(box, 2)].count("flag") == 1


async def test_marks_go_with_who_leaves_and_with_the_end(box: OpenBox) -> None:
    await act(box, "open")
    actor = await box.let_in(0)
    await box.let_in(1)
    for number in (0, 1):
        await act(box, "hold", number)
        await act(box, "flag", number)
    await box.clinic.db.write(lambda tx: sessions.leave(tx, actor, now_text()))
    assert not (await box.member(0)).held and not (await box.member(0)).flagged
    await act(box, "end")
    assert not (await box.member(1)).held and not (await box.member(1)).flagged


# -- who leads ---------------------------------------------------------------------------------------------------------


async def test_who_takes_over_is_shown_to_everybody(box: OpenBox) -> None:
    await act(box, "open")
    ines = await box.lead_together()
    await box.let_in(0)
    page = await page_of(box, box.members[0])
    for username in ("mara", "ines"):
        await page_of(box, await box.place_of(username), staff=True)
    assert page.last("session")["leader"]["name"] == "Mara"
    await box.clinic.act(ines, "take_over", box.session)
    assert page.last("session")["leader"] == {"member": await box.place_of("ines"), "name": "Ines", "here": True}
    assert await code_of(box.clinic.act(ines, "take_over", box.session)) == "wrong_state"


async def test_only_who_leads_it_together_takes_a_session_over(box: OpenBox) -> None:
    await act(box, "open")
    for actor in (box.other_leader(), box.desk()):
        assert await code_of(box.clinic.act(actor, "take_over", box.session)) == "refused"


# -- sending out -------------------------------------------------------------------------------------------------------


async def test_a_removal_keeps_the_word_of_its_reason_outside_of_the_audit(box: OpenBox) -> None:
    await act(box, "open")
    await box.let_in(0)
    await act(box, "remove", 0, Given(why="recording"))
    assert (await box.member(0)).removed_why == "recording"
    assert not (await box.member(0)).blocked
    assert not any("recording" in repr(entry) for entry in await box.clinic.db.read(audit.entries))


async def test_who_is_blocked_gets_no_invitation_and_no_place_until_it_is_lifted(box: OpenBox) -> None:
    group = (await session_of(box)).care_group
    person = (await box.member(0)).person
    leader = (box.staff["mara"], "Mara")
    _, (later,) = await box.clinic.db.write(
        lambda tx: sessions.schedule(tx, BOX, HALL, leader, [person], now_text(), now_text(), care_group=group)
    )
    await act(box, "open")
    await box.let_in(0)
    await act(box, "remove", 0, Given(why="disruption", block=True))
    assert await code_of(box.clinic.act(box.desk(), "reissue", box.session, box.members[0])) == "blocked"
    assert (await box.clinic.db.read(lambda tx: rows.member(tx, later))).blocked
    await act(box, "unblock", 0)
    assert await code_of(box.clinic.act(box.leader(), "unblock", box.session, box.members[0])) == "wrong_state"
    box.issued[0] = await box.reissue(0)
    await box.let_in(0)


async def test_a_block_stops_invitations_that_are_out_for_other_hours_of_the_group(box: OpenBox) -> None:
    group, person = (await session_of(box)).care_group, (await box.member(0)).person
    leader = (box.staff["mara"], "Mara")
    other, _ = await box.clinic.db.write(
        lambda tx: sessions.schedule(tx, BOX, HALL, leader, [person], now_text(), now_text(), care_group=group)
    )
    (ticket,) = await box.clinic.db.write(lambda tx: plan.invite(tx, BOX, other, now_text(), now_seconds(), anew=True))
    await act(box, "open")
    await box.let_in(0)
    await act(box, "remove", 0, Given(why="other", block=True))
    assert await code_of(box.clinic.present(ticket.code, ticket.pin, "127.0.0.1")) == "ticket_stopped"
    again = await box.clinic.db.write(lambda tx: plan.invite(tx, BOX, other, now_text(), now_seconds(), anew=True))
    assert again == []


async def test_who_is_blocked_is_planned_into_no_session_of_the_group(box: OpenBox) -> None:
    await act(box, "open")
    await box.let_in(0)
    await act(box, "remove", 0, Given(block=True))
    group, person = (await session_of(box)).care_group, (await box.member(0)).person
    starts = (moment() + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    wanted = Plan(HALL, [starts], group, [(box.staff["mara"], "Mara")], [person])
    with pytest.raises(Fault) as caught:
        await box.clinic.db.write(lambda tx: plan.make(tx, BOX, wanted, now_text()))
    assert caught.value.detail == "blocked"


async def test_a_removal_without_a_block_leaves_the_way_back_open(box: OpenBox) -> None:
    await act(box, "open")
    await box.let_in(0)
    await act(box, "remove", 0, Given(why="not_alone"))
    box.issued[0] = await box.reissue(0)
    await box.let_in(0)
    assert (await box.member(0)).removed_why == ""


# -- licences ------------------------------------------------------------------------------------------------------


async def test_who_has_no_licence_any_more_neither_opens_nor_takes_over(
    box: OpenBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    ines = await box.lead_together()
    monkeypatch.setattr("appliance.licences.rows.expired", lambda tx, person, at: person == ines.person)
    assert await code_of(box.clinic.act(ines, "open", box.session)) == "licence_expired"
    await act(box, "open")
    assert await code_of(box.clinic.act(ines, "take_over", box.session)) == "licence_expired"
    await box.clinic.act(ines, "pause", box.session)  # who is in it may always calm it down
