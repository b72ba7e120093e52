"""A ticket is one device's; a ticket for a lost device leads back to the same place."""

from __future__ import annotations

from collections.abc import Awaitable
from contextlib import suppress

import aiohttp
import pytest

from appliance.audit import rows as audit
from appliance.clinic import Clinic
from appliance.clock import now_seconds, now_text
from appliance.faults import Fault
from appliance.identity.rules import PACES
from appliance.ids import token_hash
from appliance.policy import BOX
from appliance.portal.logins import DEVICE, VISIT
from appliance.tickets import actions as tickets
from appliance.tickets import rows
from appliance.tickets.actions import Issued
from appliance.tickets.rules import MAX_FAILURES, MAX_VISITS, REJOIN_SECONDS
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, lead, show_ticket, sign_in, wait_at_the_door, walk_in
from tests.fakes.visitor import Shown, Visitor

FREE = PACES["ticket_address"].free


async def code_of(work: Awaitable[object]) -> str:
    with pytest.raises(Fault) as caught:
        await work
    return caught.value.code


async def rejoin(box: OpenBox, number: int = 0) -> Issued:
    issued = await box.clinic.act(box.desk(), "rejoin", box.session, box.members[number])
    assert issued is not None
    return issued


async def show(visitor: Visitor, issued: Issued, **fields: str) -> Shown:
    await visitor.get("/join")
    return await visitor.post("/join", code=issued.code, pin=issued.pin, **fields)


async def test_the_first_browser_is_the_tickets_device_and_a_second_is_told_whom_to_call(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ada, thief = newcomer(), newcomer()
    assert (await show_ticket(ada, box)).path == "/join/name"
    shown = await show_ticket(thief, box)
    assert (shown.status, thief.cookie(VISIT)) == (403, "")
    assert "already in use on another device" in shown.text
    assert "555 0142" in shown.text
    assert (await ada.get("/join/next")).path == "/join/name"


async def test_who_has_the_pin_wrong_learns_nothing_of_a_device(box: OpenBox) -> None:
    ticket = box.issued[0]
    wrong = "000000" if ticket.pin != "000000" else "111111"
    before = await code_of(box.clinic.present(ticket.code, wrong, "10.0.0.9"))
    await box.patient(0)
    assert await code_of(box.clinic.present(ticket.code, wrong, "10.0.0.9")) == before == "wrong_ticket"


async def test_the_same_browser_comes_back_with_code_and_pin_after_it_was_closed(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ada = newcomer()
    await show_ticket(ada, box)
    ada.forget(VISIT)
    assert (await ada.get("/join/next")).path == "/join"
    assert (await show_ticket(ada, box)).path == "/join/name"


async def test_staff_see_that_another_device_has_code_and_pin_until_there_is_a_new_ticket(box: OpenBox) -> None:
    await box.patient(0)
    ticket = box.issued[0]
    assert not (await box.member(0)).ticket_other_device
    assert await code_of(box.clinic.present(ticket.code, ticket.pin, "10.0.0.9")) == "ticket_other_device"
    assert (await box.member(0)).ticket_other_device
    last = (await box.clinic.db.read(audit.entries))[-1]
    assert (last.action, last.outcome, last.subject) == ("present", "ticket_other_device", box.members[0])
    await box.reissue(0)
    assert not (await box.member(0)).ticket_other_device


async def test_who_has_code_and_pin_fills_no_disk_with_them(box: OpenBox) -> None:
    """Neither with the ticket's own device, which comes back as often as somebody may need, nor with another one."""
    ticket, own = box.issued[0], []
    for _ in range(12):
        with suppress(Fault):
            await box.clinic.present(ticket.code, ticket.pin, "127.0.0.1", device="phone")
            own.append("in")
        assert await code_of(box.clinic.present(ticket.code, ticket.pin, "10.0.0.9")) == "ticket_other_device"
    kept = await box.clinic.db.read(lambda tx: tx.all("SELECT rowid FROM visits"))
    assert len(kept) <= MAX_VISITS <= len(own) == 1 + PACES["ticket"].free
    noted = [e.outcome for e in await box.clinic.db.read(audit.entries) if e.action == "present"]
    assert noted.count("ticket_other_device") == 1
    assert noted.count("done") <= len(own) + 1  # the first changes a standing too


async def test_two_windows_of_one_browser_both_go_on(box: OpenBox) -> None:
    ticket = box.issued[0]
    shown = [await box.clinic.present(ticket.code, ticket.pin, "127.0.0.1", device="phone") for _ in range(2)]
    digests, now = [token_hash(one.token) for one in shown], now_seconds()
    assert all(await box.clinic.db.read(lambda tx: [rows.visit(tx, one, now) for one in digests]))


async def test_a_reissue_frees_the_place_for_another_device(box: OpenBox, newcomer: Newcomer) -> None:
    old, new = newcomer(), newcomer()
    await show_ticket(old, box)
    issued = await box.reissue(0)
    assert (await show(new, issued)).path == "/join/name"
    assert (await old.get("/join/next")).path == "/join"
    assert (await show(old, issued)).status == 403


async def test_two_people_may_use_one_device_one_after_the_other(box: OpenBox, newcomer: Newcomer) -> None:
    shared = newcomer()
    await show_ticket(shared, box, 0)
    assert (await show_ticket(shared, box, 1)).path == "/join/name"
    hashes = await box.clinic.db.read(lambda tx: tx.all("SELECT device_hash FROM tickets WHERE device_hash NOT NULL"))
    assert len({bytes(row["device_hash"]) for row in hashes}) == 2  # the store does not tell that it was one device


async def test_a_guesser_in_the_waiting_area_keeps_nobody_else_out(box: OpenBox) -> None:
    guesses = [box.clinic.present(f"ZZZZZZ{n:02}", "123456", "10.0.0.9") for n in range(FREE + 1)]
    codes = [await code_of(guess) for guess in guesses]
    assert codes[-1] == "too_many_tries"
    found = await box.clinic.present(box.issued[0].code, box.issued[0].pin, "10.0.0.9")
    assert found.session == box.session


async def test_an_address_without_tries_left_cannot_tell_a_known_code_from_an_unknown_one(box: OpenBox) -> None:
    for n in range(FREE):
        await code_of(box.clinic.present(f"ZZZZZZ{n:02}", "123456", "10.0.0.9"))
    ticket = box.issued[0]
    wrong = "000000" if ticket.pin != "000000" else "111111"
    codes = [await code_of(box.clinic.present(ticket.code, wrong, "10.0.0.9")) for _ in range(MAX_FAILURES + 1)]
    assert set(codes) == {"too_many_tries"}
    assert (await box.member(0)).ticket_stopped  # each of them counted all the same


async def test_an_address_waits_on_after_a_restart(box: OpenBox) -> None:
    for n in range(FREE):
        await code_of(box.clinic.present(f"ZZZZZZ{n:02}", "123456", "10.0.0.9"))
    again = Clinic(box.clinic.db, box.clinic.live, second_factor="optional")
    assert await code_of(again.present("ZZZZZZZZ", "123456", "10.0.0.9")) == "too_many_tries"


# -- for one who lost device or line


async def test_a_lost_device_is_replaced_through_a_locked_door_and_the_place_is_kept(
    box: OpenBox, newcomer: Newcomer
) -> None:
    lost, new, mara = newcomer(), newcomer(), newcomer()
    await wait_at_the_door(lost, box)
    await sign_in(mara)
    await lead(mara, box, "open")
    await lead(mara, box, "admit", 0)
    await lead(mara, box, "lock")
    await lead(mara, box, "rejoin", 0)
    assert (await lost.get("/join/wait")).path == "/join/wait"  # it was only asked
    shown = await mara.post(mara.last.path, sure="yes")
    assert "30 minutes" in shown.text
    issued = Issued("", "", secret(shown, 1), secret(shown, 2))
    assert (await show(new, issued)).path == "/join/wait"
    assert 'data-mode="room"' in new.last.text
    member = await box.member(0)
    assert (member.standing, member.display_name) == ("admitted", "Ada")
    assert (await lost.get("/join/wait")).path == "/join"


def secret(shown: Shown, number: int) -> str:
    return shown.text.split('<code class="secret">')[number + 1].split("<")[0]


async def test_the_lost_devices_page_is_closed_at_once(box: OpenBox, newcomer: Newcomer) -> None:
    lost = newcomer()
    await wait_at_the_door(lost, box)
    await box.clinic.act(box.leader(), "open", box.session)
    await box.clinic.act(box.leader(), "admit", box.session, box.members[0])
    async with lost.socket("/join/ws") as socket:
        await rejoin(box)
        while (message := await socket.receive()).type != aiohttp.WSMsgType.CLOSE:
            pass
        assert message.data == 4002


async def test_who_waits_keeps_the_place_in_the_queue_but_the_identity_is_checked_again(box: OpenBox) -> None:
    await box.wait_at_the_door(0)
    await box.clinic.act(box.desk(), "vouch", box.session, box.members[0])
    before = await box.member(0)
    issued = await rejoin(box)
    await box.clinic.present(issued.code, issued.pin, "10.0.0.2", device="new")
    after = await box.member(0)
    assert (after.standing, after.waiting_order, after.display_name) == ("waiting", before.waiting_order, "Ada")
    assert (before.vouched, after.vouched) == (True, False)


async def test_a_way_back_must_be_used_within_half_an_hour_and_lasts_once_it_was(box: OpenBox) -> None:
    await box.wait_at_the_door(0)
    issued = await rejoin(box)
    late = now_seconds() + REJOIN_SECONDS

    async def present(at: int) -> str:
        work = lambda tx: tickets.present(tx, issued.code, issued.pin, now_text(), at, device="new")  # noqa: E731
        return (await box.clinic.db.write(work)).fault

    assert await present(late) == "ticket_expired"
    assert await present(late - 5) == ""
    assert await present(late + 5) == ""


@pytest.mark.parametrize("standing", ["expected", "denied", "removed"])
async def test_only_who_is_on_the_way_or_inside_gets_a_way_back(box: OpenBox, standing: str) -> None:
    if standing != "expected":
        await box.clinic.act(box.leader(), "open", box.session)
        await box.wait_at_the_door(0)
        action = {"denied": "deny", "removed": "remove"}[standing]
        await box.clinic.act(box.leader(), action, box.session, box.members[0])
    assert await code_of(box.clinic.act(box.desk(), "rejoin", box.session, box.members[0])) == "wrong_state"


async def test_who_leads_needs_no_ticket(box: OpenBox) -> None:
    place = await box.place_of("mara")
    assert await code_of(box.clinic.act(box.desk(), "rejoin", box.session, place)) == "wrong_state"


# -- a device that others use


async def test_on_a_device_that_others_use_nothing_stays_when_one_leaves(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await show(ada, box.issued[0], shared="yes")
    await walk_in(ada, "Ada", "Ada Brook")
    token = ada.cookie(VISIT)
    shown = await ada.post("/join/leave")
    assert shown.path == "/join/gone"
    assert "nothing of you stays on this device" in shown.text
    assert ada.cookie(VISIT) == ""
    ada.keep(VISIT, token)  # also for one who noted it down
    assert (await ada.get("/join/wait")).path == "/join"
    assert (await show(ada, box.issued[0])).path == "/join/over"  # the invitation still opens here


async def test_the_goodbye_page_empties_a_device_that_others_use(box: OpenBox, newcomer: Newcomer) -> None:
    ada = newcomer()
    await show(ada, box.issued[0], shared="yes")
    await box.clinic.act(box.leader(), "end", box.session)
    shown = await ada.get("/join/over")
    assert "storage" in shown.headers["Clear-Site-Data"]
    assert ada.cookie(VISIT) == ""
    assert (await ada.get("/join/over")).path == "/join"


async def test_a_device_that_others_use_keeps_its_word_only_until_the_browser_is_closed(
    box: OpenBox, newcomer: Newcomer
) -> None:
    own, shared = newcomer(), newcomer()
    await show(own, box.issued[0])
    await show(shared, box.issued[1], shared="yes")
    assert own.lasts(DEVICE) and not shared.lasts(DEVICE)
    assert not own.lasts(VISIT) and not shared.lasts(VISIT)


async def test_visits_end_soon_after_their_session(box: OpenBox) -> None:
    await box.patient(0)
    await box.clinic.present(box.issued[1].code, box.issued[1].pin, "10.0.0.3", shared=True)
    await box.clinic.act(box.leader(), "end", box.session)
    found = await box.clinic.db.read(lambda tx: tx.all("SELECT shared, expires_at FROM visits ORDER BY shared"))
    left = [row["expires_at"] - now_seconds() for row in found]
    assert left[0] <= 2 * 3600
    assert left[1] <= 15 * 60


async def test_the_demos_tickets_may_be_tried_on_any_device_but_on_one_at_a_time(
    box: OpenBox, newcomer: Newcomer
) -> None:
    first, second = newcomer(), newcomer()
    await show_ticket(first, box)

    await box.clinic.db.write(
        lambda tx: tickets.release(tx, BOX, box.session, box.members[0], now_text(), now_seconds())
    )
    assert (await first.get("/join/next")).path == "/join/name"
    assert (await show_ticket(second, box)).path == "/join/name"
    assert (await first.get("/join/next")).path == "/join"
