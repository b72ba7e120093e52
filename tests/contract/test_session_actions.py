"""What staff and patients do to a session, on a real store."""

from __future__ import annotations

import json
from collections.abc import Awaitable

import pytest

from appliance.audit import rows as audit
from appliance.clock import now_seconds, now_text
from appliance.consent import actions as consent
from appliance.consent.rows import Agreement
from appliance.faults import Fault
from appliance.orientation import actions as orientation
from appliance.policy import BOX
from appliance.sessions import actions as sessions
from appliance.sessions import rows
from appliance.store.database import Transaction
from appliance.tickets import actions as tickets
from appliance.tickets.rules import MAX_FAILURES, VALID_SECONDS
from tests.fakes.box import PEOPLE, OpenBox, sign


async def code_of(work: Awaitable[object]) -> str:
    with pytest.raises(Fault) as caught:
        await work
    return caught.value.code


async def test_a_whole_session_from_ticket_to_end(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.let_in(0)
    assert (await box.member(0)).standing == "admitted"
    await box.clinic.act(box.leader(), "end", box.session)
    assert box.session not in box.relay.rooms


async def test_nobody_reaches_the_waiting_room_without_signing(box: OpenBox) -> None:
    actor = await box.patient(0)

    def work(tx: Transaction) -> None:
        sessions.choose_name(tx, actor, "Ada", now_text())
        sessions.try_devices(tx, actor, now_text())
        sessions.ask(tx, actor, now_text())

    assert await code_of(box.clinic.db.write(work)) == "wrong_state"


async def test_a_new_version_of_the_agreement_asks_for_a_new_signature(box: OpenBox) -> None:
    actor = await box.wait_at_the_door(0)
    await box.clinic.db.write(lambda tx: sessions.leave(tx, actor, now_text()))
    newer = Agreement(version=2, language="en", title="New", body="Text")
    await box.clinic.db.write(lambda tx: consent.publish(tx, BOX, [newer], now_text()))
    assert await code_of(box.clinic.db.write(lambda tx: sessions.ask(tx, actor, now_text()))) == "wrong_state"


async def test_a_locked_session_admits_nobody_until_unlocked(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.wait_at_the_door(0)
    await box.clinic.act(box.leader(), "lock", box.session)
    assert await code_of(box.clinic.act(box.leader(), "admit", box.session, box.members[0])) == "session_locked"
    await box.clinic.act(box.leader(), "unlock", box.session)
    await box.clinic.act(box.leader(), "admit", box.session, box.members[0])


async def test_another_facilitator_may_neither_see_nor_end_the_session(box: OpenBox) -> None:
    other = box.other_leader()
    assert await code_of(box.clinic.db.read(lambda tx: sessions.look(tx, other, box.session))) == "refused"
    assert await code_of(box.clinic.act(other, "end", box.session)) == "refused"
    assert await box.clinic.db.read(lambda tx: rows.current(tx, other, "")) == []


async def test_a_refusal_is_in_the_audit(box: OpenBox) -> None:
    await code_of(box.clinic.act(box.other_leader(), "end", box.session))
    last = (await box.clinic.db.read(audit.entries))[-1]
    assert (last.actor, last.action, last.outcome) == (box.staff["paul"], "end", "refused")


async def test_every_action_is_in_an_unbroken_audit_without_names(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.let_in(0)
    await box.clinic.act(box.leader(), "remove", box.session, box.members[0])
    entries = await box.clinic.db.read(audit.entries)
    assert await box.clinic.db.read(audit.verify) == []
    assert {"present", "name", "sign", "try_devices", "ask", "admit", "remove"} <= {e.action for e in entries}
    assert not any(name in repr(e) for e in entries for name in (*PEOPLE, "Ada", "Mara"))


@pytest.mark.parametrize("statement", ["UPDATE audit SET outcome = 'x'", "DELETE FROM audit"])
async def test_the_audit_cannot_be_rewritten(box: OpenBox, statement: str) -> None:
    with pytest.raises(Exception, match="append-only"):
        await box.clinic.db.write(lambda tx: tx.execute(statement))


async def test_removal_reaches_the_relay_and_stops_the_ticket(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.let_in(0)
    assert box.members[0] in box.relay.rooms[box.session]
    await box.clinic.act(box.leader(), "remove", box.session, box.members[0])
    assert box.members[0] not in box.relay.rooms[box.session]
    ticket = box.issued[0]
    assert await code_of(box.clinic.present(ticket.code, ticket.pin, "127.0.0.1")) == "ticket_stopped"


async def test_the_relay_hears_of_nobody_before_admission(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.wait_at_the_door(0)
    assert box.members[0] not in box.relay.rooms.get(box.session, set())


async def test_a_relay_that_comes_back_gets_the_whole_truth(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.let_in(0)
    truth = await box.clinic.live.admitted()
    leader = await box.clinic.db.read(lambda tx: rows.facilitator_member(tx, box.session))
    assert set(truth[box.session]) == {leader.id, box.members[0]}


async def test_removal_holds_although_the_relay_was_away(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.let_in(0)
    box.relay.connected = False
    await box.clinic.act(box.leader(), "remove", box.session, box.members[0])
    assert box.members[0] not in (await box.clinic.live.admitted())[box.session]


async def test_five_wrong_pins_stop_the_ticket_until_staff_reissue_it(box: OpenBox) -> None:
    ticket = box.issued[0]
    wrong = "000000" if ticket.pin != "000000" else "111111"
    codes = [await code_of(box.clinic.present(ticket.code, wrong, f"10.0.0.{n}")) for n in range(MAX_FAILURES)]
    assert codes == ["wrong_ticket"] * (MAX_FAILURES - 1) + ["ticket_stopped"]
    assert await code_of(box.clinic.present(ticket.code, ticket.pin, "10.0.1.1")) == "ticket_stopped"
    issued = await box.clinic.act(box.desk(), "reissue", box.session, box.members[0])
    assert issued is not None
    await box.clinic.present(issued.code, issued.pin, "10.0.1.1")
    assert await code_of(box.clinic.present(ticket.code, ticket.pin, "10.0.1.1")) == "wrong_ticket"


async def test_a_right_pin_forgives_the_wrong_ones_before_it(box: OpenBox) -> None:
    ticket = box.issued[0]
    wrong = "000000" if ticket.pin != "000000" else "111111"
    for round_number in range(2):
        for _ in range(MAX_FAILURES - 1):
            await code_of(box.clinic.present(ticket.code, wrong, f"10.0.{round_number}.1"))
        await box.clinic.present(ticket.code, ticket.pin, f"10.0.{round_number}.1", device="one device")


async def test_unknown_codes_are_throttled_by_address(box: OpenBox) -> None:
    codes = [await code_of(box.clinic.present("ZZZZZZZZ", "123456", "10.0.0.9")) for _ in range(21)]
    assert codes[0] == "wrong_ticket"
    assert codes[-1] == "too_many_tries"


async def test_a_ticket_of_an_ended_session_opens_nothing(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "end", box.session)
    ticket = box.issued[0]
    assert await code_of(box.clinic.present(ticket.code, ticket.pin, "127.0.0.1")) == "session_over"


async def test_a_ticket_opens_nothing_after_its_last_day(box: OpenBox) -> None:
    ticket, after = box.issued[0], now_seconds() + VALID_SECONDS
    late = await box.clinic.db.write(lambda tx: tickets.present(tx, ticket.code, ticket.pin, now_text(), after))
    assert (late.fault, late.token) == ("ticket_expired", "")


async def test_a_reissue_starts_the_person_anew(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.wait_at_the_door(0)
    await box.clinic.act(box.leader(), "deny", box.session, box.members[0])
    await box.clinic.act(box.leader(), "reissue", box.session, box.members[0])
    member = await box.member(0)
    assert (member.standing, member.display_name, member.vouched) == ("expected", "", False)


async def test_the_waiting_room_keeps_its_order(box: OpenBox) -> None:
    for number in (2, 0, 1):
        await box.wait_at_the_door(number)
    found = await box.clinic.db.read(lambda tx: rows.members(tx, box.session))
    assert [m.id for m in found if m.standing == "waiting"] == [box.members[n] for n in (2, 0, 1)]


async def test_nothing_is_signed_named_or_vouched_for_after_the_session(box: OpenBox) -> None:
    actor = await box.wait_at_the_door(0)
    await box.clinic.act(box.leader(), "end", box.session)
    assert await code_of(box.clinic.act(box.desk(), "vouch", box.session, box.members[0])) == "wrong_state"
    for work in (
        lambda tx: sessions.choose_name(tx, actor, "Ada", now_text()),
        lambda tx: sessions.try_devices(tx, actor, now_text()),
        lambda tx: sign(tx, actor, "Ada Brook", now_text()),
        lambda tx: orientation.orient(tx, actor, now_text()),
        lambda tx: orientation.ask(tx, actor, "Who leads?", now_text()),
        lambda tx: sessions.check_space(tx, actor, now_text()),
    ):
        assert await code_of(box.clinic.db.write(work)) == "wrong_state"


async def test_the_group_keeps_the_name_that_it_knows(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    actor = await box.let_in(0)
    work = box.clinic.db.write(lambda tx: sessions.choose_name(tx, actor, "Eve", now_text()))
    assert await code_of(work) == "wrong_state"


async def test_the_front_desk_vouches_and_may_not_admit(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.wait_at_the_door(0)
    await box.clinic.act(box.desk(), "vouch", box.session, box.members[0])
    assert (await box.member(0)).vouched
    assert await code_of(box.clinic.act(box.desk(), "admit", box.session, box.members[0])) == "refused"


async def test_the_one_who_leads_can_be_neither_removed_nor_denied(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    leader = await box.clinic.db.read(lambda tx: rows.facilitator_member(tx, box.session))
    assert await code_of(box.clinic.act(box.leader(), "remove", box.session, leader.id)) == "wrong_state"


async def test_a_member_of_another_session_is_not_found(box: OpenBox) -> None:
    leader = (box.staff["paul"], "Paul")
    other, _ = await box.clinic.db.write(
        lambda tx: sessions.schedule(tx, BOX, "Other", leader, [], now_text(), now_text())
    )
    await box.clinic.act(box.other_leader(), "open", other)
    assert await code_of(box.clinic.act(box.other_leader(), "admit", other, box.members[0])) == "not_found"


async def test_ending_writes_one_record_without_names(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    await box.let_in(0)
    await box.clinic.act(box.leader(), "end", box.session)
    found = await box.clinic.db.read(lambda tx: tx.all("SELECT record_class, body FROM outbox"))
    assert [row["record_class"] for row in found] == ["session_ended"]
    text = bytes(found[0]["body"]).decode()
    record = json.loads(text)
    assert record["expected"] == 3
    ids = {box.session, *box.members, *box.staff.values(), (await box.member(0)).person}
    assert not any(word in text for word in (*PEOPLE, "Ada", "Mara", "Thursday", *ids))


async def test_ending_twice_writes_one_record(box: OpenBox) -> None:
    await box.clinic.act(box.leader(), "end", box.session)
    assert await code_of(box.clinic.act(box.leader(), "end", box.session)) == "wrong_state"
    assert len(await box.clinic.db.read(lambda tx: tx.all("SELECT 1 FROM outbox"))) == 1


async def test_wrong_passwords_are_throttled_and_noted(box: OpenBox) -> None:
    codes = [await code_of(box.clinic.sign_in("mara", "wrong", "portal", "10.0.0.3")) for _ in range(11)]
    assert codes[0] == "wrong_sign_in"
    assert codes[-1] == "too_many_tries"
    noted = [entry for entry in await box.clinic.db.read(audit.entries) if entry.action == "sign_in"]
    assert [entry.outcome for entry in noted] == ["wrong_sign_in", "too_many_tries"]


async def test_an_unknown_account_gets_the_same_answer_as_a_wrong_password(box: OpenBox) -> None:
    assert await code_of(box.clinic.sign_in("nobody", "wrong", "portal", "10.0.0.4")) == "wrong_sign_in"
