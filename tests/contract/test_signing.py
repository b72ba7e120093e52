"""The agreement at the portal, on a real store: what is asked, when it is asked again, and what is kept of it."""

from __future__ import annotations

import pytest

from appliance.care import rows as care
from appliance.clock import now_seconds, now_text
from appliance.consent import actions as consent
from appliance.consent import rows
from appliance.consent.rows import Agreement
from appliance.consent.rules import sections
from appliance.policy import BOX, Actor, Permit, decide
from appliance.sessions import actions as sessions
from appliance.sessions import rows as session_rows
from appliance.store.database import Transaction
from appliance.tickets import actions as tickets
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, lead, show_ticket, sign, sign_in, walk_in
from tests.fakes.visitor import Visitor


async def at_the_agreement(visitor: Visitor, box: OpenBox) -> Visitor:
    await show_ticket(visitor, box)
    await visitor.post("/join/name", display_name="Ada")
    return visitor


async def group_of(box: OpenBox) -> str:
    return (await box.clinic.db.read(lambda tx: session_rows.session(tx, box.session))).care_group


async def next_week(box: OpenBox, number: int = 0) -> str:
    """One more session of the same group for one person; the address's code and PIN are in `box.issued[number]`."""
    group, person = await group_of(box), (await box.member(number)).person

    def work(tx: Transaction) -> None:
        at = now_text()
        leader = (box.staff["mara"], "Mara")
        box.session, (member,) = sessions.schedule(tx, BOX, "Thursday", leader, [person], at, at, care_group=group)
        box.members[number] = member
        box.issued[number] = tickets.reissue(tx, BOX, box.session, member, at, now_seconds())

    await box.clinic.db.write(work)
    return group


async def publish(box: OpenBox, version: int, body: str = "Be kind.") -> None:
    text = Agreement(version, "en", "New words", body)
    await box.clinic.db.write(lambda tx: consent.publish(tx, BOX, [text], now_text()))


@pytest.mark.parametrize("missing", ["limits", "risks", "agree"])
async def test_each_box_is_ticked_by_itself_or_nothing_is_signed(
    box: OpenBox, newcomer: Newcomer, missing: str
) -> None:
    ada = await at_the_agreement(newcomer(), box)
    shown = await sign(ada, "Ada Brook", **{missing: ""})
    assert (shown.status, shown.path) == (400, "/join/agreement")
    assert f'id="{missing}-fault"' in shown.text
    assert 'value="Ada Brook"' in shown.text  # what was typed is not lost
    assert (await ada.get("/join/next")).path == "/join/agreement"
    assert (await sign(ada, "Ada Brook")).path == "/join/orientation"


async def test_what_is_kept_is_the_very_text_that_was_shown_with_each_part_apart(
    box: OpenBox, newcomer: Newcomer
) -> None:
    ada = await at_the_agreement(newcomer("es"), box)
    await sign(ada, "Ada Brook")
    person, group = (await box.member(0)).person, await group_of(box)
    (given,) = await box.clinic.db.read(lambda tx: rows.signatures(tx, person, group))
    agreement, parts, _ = await box.clinic.db.read(lambda tx: consent.shown(tx, "es"))
    assert (given.language, given.digest, given.typed, given.cycle) == ("es", agreement.digest, "Ada Brook", 1)
    kept = await box.clinic.db.read(lambda tx: rows.acknowledged(tx, given.sequence))
    assert {(one.part, one.digest) for one in kept} == {(one.part, one.digest) for one in parts}
    assert all(one.at for one in kept) and {one.language for one in kept} == {"es"}
    copy = await ada.get("/join/signed")
    assert "Signed" not in copy.text and "Ada Brook" in copy.text
    assert all(section.heading in copy.text for section in sections(agreement.body))
    assert all(one.title in copy.text for one in parts)


async def test_a_text_that_changed_while_it_was_read_is_shown_again(box: OpenBox, newcomer: Newcomer) -> None:
    ada = await at_the_agreement(newcomer(), box)
    await publish(box, 2)
    shown = await sign(ada, "Ada Brook")
    assert (shown.status, shown.path) == (403, "/join/agreement")
    assert "The text has changed while you were reading" in shown.text and "Be kind." in shown.text
    assert (await sign(ada, "Ada Brook")).path == "/join/orientation"


async def test_an_agreement_of_title_and_body_alone_is_asked_with_the_boxes_own_parts(
    box: OpenBox, newcomer: Newcomer
) -> None:
    await publish(box, 2, "First.\n\nSecond.")
    ada = await at_the_agreement(newcomer(), box)
    assert "<p>First.</p>" in ada.last.text and 'id="limits"' in ada.last.text and 'id="risks"' in ada.last.text
    assert (await sign(ada, "Ada Brook")).path == "/join/orientation"


async def test_who_signed_and_read_goes_past_it_the_next_time_and_keeps_the_name_of_the_last_time(
    box: OpenBox, newcomer: Newcomer
) -> None:
    await show_ticket(ada := newcomer(), box)
    assert (await walk_in(ada, "Dove", "Ada Brook")).path == "/join/wait"
    await next_week(box)
    again = newcomer()
    named = await show_ticket(again, box)
    assert 'value="Dove"' in named.text and "Step 1 of 4" in named.text
    assert (await box.member(0)).display_name == ""  # it counts once it is confirmed
    assert (await again.post("/join/name", display_name="Dove")).path == "/join/devices"
    assert "Step 2 of 4" in again.last.text


async def test_the_name_of_another_group_is_not_told_in_this_one(box: OpenBox, newcomer: Newcomer) -> None:
    await show_ticket(ada := newcomer(), box)
    await walk_in(ada, "Dove", "Ada Brook")
    person = (await box.member(0)).person

    def elsewhere(tx: Transaction) -> str:
        at, leader = now_text(), (box.staff["paul"], "Paul")
        session, (member,) = sessions.schedule(tx, BOX, "Friday circle", leader, [person], at, at)
        assert session_rows.session(tx, session).care_group
        box.issued[0] = tickets.reissue(tx, BOX, session, member, at, now_seconds())
        return member

    await box.clinic.db.write(elsewhere)
    assert "Dove" not in (await show_ticket(other := newcomer(), box)).text
    assert (await other.post("/join/name", display_name="Wren")).path == "/join/agreement"  # each group's own promise


async def test_a_new_round_asks_everybody_again_and_says_why(box: OpenBox, newcomer: Newcomer) -> None:
    await show_ticket(ada := newcomer(), box)
    await walk_in(ada, "Ada", "Ada Brook")
    group = await next_week(box)
    mara = newcomer()
    await sign_in(mara)
    page = await mara.get(f"/staff/groups/{group}")
    assert "1 of 3 people have signed" in page.text and "3 people are asked" in page.text
    assert (await mara.post(f"/staff/groups/{group}/cycle")).status == 400  # not without having said that one is sure
    await mara.get(f"/staff/groups/{group}")
    assert "0 of 3 people have signed" in (await mara.post(f"/staff/groups/{group}/cycle", sure="yes")).text
    await show_ticket(again := newcomer(), box)
    shown = await again.post("/join/name", display_name="Ada")
    assert shown.path == "/join/agreement" and "Your group begins a new round" in shown.text
    assert "Step 2 of 5" in shown.text
    assert (await sign(again, "Ada Brook")).path == "/join/devices"
    assert "1 of 3 people have signed" in (await mara.get(f"/staff/groups/{group}")).text


async def test_who_waits_as_a_new_round_begins_signs_before_they_come_in(box: OpenBox, newcomer: Newcomer) -> None:
    ada, mara = newcomer(), newcomer()
    await show_ticket(ada, box)
    await walk_in(ada, "Ada", "Ada Brook")
    await sign_in(mara)
    await lead(mara, box, "open")
    group = await group_of(box)
    await mara.get(f"/staff/groups/{group}")
    await mara.post(f"/staff/groups/{group}/cycle", sure="yes")
    await lead(mara, box, "admit", 0)
    assert (await box.member(0)).standing == "joining"
    assert (await ada.get("/join/wait")).path == "/join/agreement"
    assert (await sign(ada, "Ada Brook")).path == "/join/wait"  # and waits again by that
    assert (await box.member(0)).standing == "waiting"


async def test_who_waits_as_a_new_version_comes_signs_before_they_come_in(box: OpenBox, newcomer: Newcomer) -> None:
    await show_ticket(ada := newcomer(), box)
    await walk_in(ada, "Ada", "Ada Brook")
    await publish(box, 2)
    assert (await box.member(0)).standing == "joining"
    assert "There is a new version of this text" in (await ada.get("/join/wait")).text
    assert (await sign(ada, "Ada Brook")).path == "/join/wait"


async def test_who_is_in_the_room_stays_in_when_a_new_version_comes(box: OpenBox, newcomer: Newcomer) -> None:
    await box.clinic.act(box.leader(), "open", box.session)
    ada, mara = newcomer(), newcomer()
    await show_ticket(ada, box)
    await walk_in(ada, "Ada", "Ada Brook")
    await sign_in(mara)
    await lead(mara, box, "admit", 0)
    await publish(box, 2)
    assert (await ada.get("/join/next")).path == "/join/wait" and 'data-mode="room"' in ada.last.text


async def test_a_signature_from_before_the_parts_counts_and_only_the_parts_are_asked_once(
    box: OpenBox, newcomer: Newcomer
) -> None:
    person, group = (await box.member(0)).person, await group_of(box)

    def old(tx: Transaction) -> None:
        """As a box wrote it before there were rounds and parts."""
        agreement = rows.current(tx, "en")
        tx.execute(
            "INSERT INTO consents (person, version, language, digest, signature, at) VALUES (?, 1, 'en', ?, ?, ?)",
            (person, agreement.digest, "Ada Brook", "2026-01-05T10:00:00Z"),
        )

    await box.clinic.db.write(old)
    ada = await at_the_agreement(newcomer(), box)
    assert "it still counts" in ada.last.text and 'name="signature"' not in ada.last.text
    word = ada.last.hidden("shown")
    assert (await ada.post("/join/agreement", limits="yes", shown=word)).status == 400
    word = ada.last.hidden("shown")
    assert (await ada.post("/join/agreement", limits="yes", risks="yes", shown=word)).path == "/join/orientation"
    given = await box.clinic.db.read(lambda tx: rows.signatures(tx, person, group))
    assert len(given) == 1 and given[0].at == "2026-01-05T10:00:00Z"
    assert await box.clinic.db.read(lambda tx: rows.has_signed(tx, person, group))
    await box.clinic.db.write(lambda tx: rows.begin_cycle(tx, permit(tx, box, group), group, now_text()))
    assert await box.clinic.db.read(lambda tx: rows.asked(tx, person, group)) == "cycle"


def permit(tx: Transaction, box: OpenBox, group: str) -> Permit:
    return decide(Actor(box.staff["mara"], "facilitator", "portal"), "new_cycle", care.facts(tx, group))
