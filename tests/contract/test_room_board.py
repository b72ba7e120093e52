"""What goes on in a room beside picture and sound, on a real store: hands, cards, reminders, concerns."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass, field
from typing import Any

import pytest

from appliance.audit import rows as audit
from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.faults import Fault
from appliance.groups.actions import Seat
from appliance.guidelines import actions as guidelines
from appliance.live import Live
from appliance.policy import BOX, Actor
from appliance.room import actions, rows
from appliance.room.rules import AWAY_SECONDS, MAX_CARDS, MAX_OPEN_CONCERNS, TWICE_SECONDS
from appliance.sessions import rows as sessions
from appliance.store.database import Transaction
from tests.contract.test_live import OpenPage
from tests.fakes.box import PEOPLE, OpenBox

MINUTE = 60.0


@dataclass
class Moment:
    """The steady clock of the board."""

    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds

    async def pass_by(self, box: OpenBox, seconds: float) -> None:
        """In looks as far apart as the board's own."""
        while seconds > 0:
            self.seconds += min(seconds, 5.0)
            seconds -= 5.0
            await box.clinic.board.look()


@dataclass
class Party:
    """Pages at an open session: Mara's and as many patients' as were let in."""

    box: OpenBox
    clock: Moment
    mara: OpenPage
    seats: dict[OpenPage, Seat] = field(default_factory=dict)

    async def come(self, number: int, name: str = "first", language: str = "en") -> OpenPage:
        """A patient's page, who is let in first where they are not yet."""
        member = await self.box.member(number)
        actor = Actor(member.person, "patient", "portal", member.id)
        if member.standing != "admitted":
            actor = await self.box.let_in(number)
        page = OpenPage(self.box.session, member.id)
        page.name, page.language = name, language
        self.seats[page] = Seat(actor, self.box.session, member.id, language)
        await self.box.clinic.live.arrive(page)
        return page

    async def ask(self, page: OpenPage, method: str, **data: Any) -> None:
        assert await self.box.clinic.room(page, self.seats[page], method, data) == {}

    async def act(self, action: str, number: int | None = None) -> None:
        member = "" if number is None else self.box.members[number]
        await self.box.clinic.act(self.box.leader(), action, self.box.session, member)

    async def card(self, kind: str, number: int | None = None) -> None:
        member = "" if number is None else self.box.members[number]
        self.clock.seconds += TWICE_SECONDS + 1
        await self.box.clinic.board.show_card(self.box.leader(), self.box.session, kind, member)

    async def gone(self, page: OpenPage) -> None:
        await self.box.clinic.live.depart(page)


@pytest.fixture
async def party(box: OpenBox, monkeypatch: pytest.MonkeyPatch) -> Party:
    clock = Moment()
    monkeypatch.setattr(box.clinic.board, "_now", clock)
    await box.clinic.act(box.leader(), "open", box.session)
    mara = OpenPage(box.session, await box.place_of("mara"), staff=True)
    await box.clinic.live.arrive(mara)
    return Party(box, clock, mara)


async def code_of(work: Awaitable[object]) -> str:
    with pytest.raises(Fault) as caught:
        await work
    return caught.value.code


def kinds(page: OpenPage) -> list[str]:
    return [card["kind"] for card in page.last("cards")["cards"]]


def queue(page: OpenPage) -> list[str]:
    return [one["name"] for one in page.last("hands")["queue"]]


# -- hands -----------------------------------------------------------------------------------------------------------


async def test_hands_queue_in_the_order_in_which_they_went_up_and_all_see_it(party: Party) -> None:
    ada, tomas = await party.come(0), await party.come(1)
    await party.ask(tomas, "roomHand", up=True)
    await party.ask(ada, "roomHand", up=True)
    await party.ask(tomas, "roomHand", up=True)
    assert queue(ada) == queue(tomas) == queue(party.mara) == ["Tomás", "Ada"]
    assert party.box.clinic.board.hands(party.box.session) == (party.box.members[1], party.box.members[0])
    await party.ask(tomas, "roomHand", up=False)
    assert queue(ada) == ["Ada"]


async def test_who_leads_lowers_a_hand_and_the_audit_has_it(party: Party) -> None:
    ada = await party.come(0)
    await party.ask(ada, "roomHand", up=True)
    await party.act("lower_hand", 0)
    assert queue(ada) == []
    done = [(e.action, e.actor) for e in await party.box.clinic.db.read(audit.entries)]
    assert ("lower_hand", party.box.staff["mara"]) in done
    assert [action for action, _ in done].count("raise_hand") == 1


async def test_a_hand_goes_down_with_who_goes_out_and_stays_up_while_a_line_flickers(party: Party) -> None:
    ada, tomas = await party.come(0), await party.come(1)
    await party.ask(ada, "roomHand", up=True)
    await party.ask(tomas, "roomHand", up=True)
    await party.act("remove", 1)
    assert queue(ada) == ["Ada"]
    await party.gone(ada)
    await party.clock.pass_by(party.box, AWAY_SECONDS - 10)
    assert queue(party.mara) == ["Ada"]
    again = await party.come(0)
    assert queue(again) == ["Ada"]
    await party.gone(again)
    await party.clock.pass_by(party.box, AWAY_SECONDS + 10)
    assert queue(party.mara) == []


async def test_a_page_is_asked_to_mute_or_unmute_by_name_and_nobody_else_hears_it(party: Party) -> None:
    ada, tomas = await party.come(0), await party.come(1)
    await party.act("mute", 0)
    await party.act("ask_unmute", 0)
    assert [data for event, data in ada.shown if event == "asked"] == [
        {"what": "mute", "name": "Mara"},
        {"what": "unmute", "name": "Mara"},
    ]
    assert not tomas.last("asked")
    await party.act("remove", 0)
    assert await code_of(party.act("mute", 0)) == "wrong_state"


# -- cards -----------------------------------------------------------------------------------------------------------


async def test_the_ground_rules_come_with_their_phase_and_each_page_acknowledges_them(party: Party) -> None:
    ada = await party.come(0)
    assert kinds(ada) == []
    await party.act("show_rules")
    assert kinds(ada) == ["rules"]
    (card,) = ada.last("cards")["cards"]
    assert card["title"]
    assert all(card["paragraphs"])
    assert party.mara.last("acknowledged")["cards"] == [
        {
            "id": card["id"],
            "kind": "rules",
            "at": party.mara.last("acknowledged")["cards"][0]["at"],
            "to": "",
            "done": [],
            "open": [party.box.members[0]],
        }
    ]
    await party.ask(ada, "roomAcknowledge", card=card["id"])
    assert kinds(ada) == []
    (told,) = party.mara.last("acknowledged")["cards"]
    assert (told["done"], told["open"]) == ([party.box.members[0]], [])


async def test_who_comes_after_the_rules_reads_them_and_who_leads_reads_none(party: Party) -> None:
    await party.act("show_rules")
    late = await party.come(1)
    assert kinds(late) == ["rules"]
    assert not party.mara.last("cards")


async def test_a_return_brings_rules_and_newest_reminder_again_and_a_flicker_does_not(party: Party) -> None:
    """C21: bad lines make people miss reminders."""
    ada = await party.come(0)
    await party.act("show_rules")
    await party.card("reminder")
    await party.card("redirect")
    for card in ada.last("cards")["cards"]:
        await party.ask(ada, "roomAcknowledge", card=card["id"])
    await party.gone(ada)
    party.clock.seconds += 5
    flickered = await party.come(0)
    assert kinds(flickered) == []
    reloaded = await party.come(0, "second")
    assert kinds(reloaded) == ["rules", "reminder"]
    assert party.mara.last("acknowledged")["cards"][0]["open"] == [party.box.members[0]]
    for card in reloaded.last("cards")["cards"]:
        await party.ask(reloaded, "roomAcknowledge", card=card["id"])
    await party.gone(reloaded)
    party.clock.seconds += AWAY_SECONDS + 1
    assert kinds(await party.come(0, "second")) == ["rules", "reminder"]


async def test_the_first_acknowledgement_stays_and_later_ones_change_nothing(party: Party) -> None:
    ada = await party.come(0)
    await party.act("show_rules")
    (card,) = ada.last("cards")["cards"]
    await party.ask(ada, "roomAcknowledge", card=card["id"])
    kept = await party.box.clinic.db.read(lambda tx: rows.acknowledgements(tx, party.box.session))
    again = await party.come(0, "second")
    await party.ask(again, "roomAcknowledge", card=card["id"])
    assert await party.box.clinic.db.read(lambda tx: rows.acknowledgements(tx, party.box.session)) == kept
    entries = await party.box.clinic.db.read(audit.entries)
    assert [e.action for e in entries].count("acknowledge") == 1


async def test_after_a_restart_everybody_reads_the_rules_once_more(party: Party) -> None:
    ada = await party.come(0)
    await party.act("show_rules")
    await party.ask(ada, "roomAcknowledge", card=ada.last("cards")["cards"][0]["id"])
    live = Live(party.box.clinic.db, lambda what: None)
    Clinic(party.box.clinic.db, live)
    again = OpenPage(party.box.session, ada.member)
    again.name = "first"
    await live.arrive(again)
    assert kinds(again) == ["rules"]
    assert again.last("hands") == {"queue": []}
    await live.close()


async def test_a_nudge_is_seen_by_one_alone(party: Party) -> None:
    ada, tomas = await party.come(0), await party.come(1)
    await party.card("redirect", 0)
    assert (kinds(ada), kinds(tomas)) == (["redirect"], [])
    assert party.mara.last("acknowledged")["cards"][0]["to"] == "Ada"


async def test_each_reads_a_card_in_their_own_language_and_in_the_groups_own_words(party: Party) -> None:
    box = party.box
    ada, tomas = await party.come(0), await party.come(1, language="es")
    await party.card("redirect")
    assert ada.last("cards")["cards"][0]["title"] != tomas.last("cards")["cards"][0]["title"]
    group = (await box.clinic.db.read(lambda tx: sessions.session(tx, box.session))).care_group

    def reword(tx: Transaction) -> None:
        guidelines.edit(tx, box.leader(), group, "redirect", "en", "Breathe", "We go on.", 0, now_text())

    await box.clinic.db.write(reword)
    await party.card("redirect")
    assert ada.last("cards")["cards"][-1]["paragraphs"] == ["We go on."]


async def test_a_second_tap_is_no_second_card(party: Party) -> None:
    await party.come(0)
    board, box = party.box.clinic.board, party.box
    for _ in range(3):
        await board.show_card(box.leader(), box.session, "reminder")
    assert len(await box.clinic.db.read(lambda tx: rows.cards_of(tx, box.session))) == 1
    assert await code_of(board.show_card(box.other_leader(), box.session, "reminder")) == "refused"


async def test_cards_are_for_those_in_a_room_that_goes_on_and_bounded(party: Party) -> None:
    board, box = party.box.clinic.board, party.box
    assert await code_of(board.show_card(box.leader(), box.session, "poster")) == "bad_request"
    assert await code_of(board.show_card(box.leader(), box.session, "redirect", box.members[0])) == "wrong_state"
    assert await code_of(board.show_card(box.leader(), box.session, "redirect", party.mara.member)) == "wrong_state"
    assert await code_of(board.show_card(box.leader(), box.session, "redirect", "nobody")) == "not_found"
    assert await code_of(board.show_card(box.desk(), box.session, "redirect")) == "refused"
    assert await code_of(board.show_card(box.other_leader(), box.session, "redirect")) == "refused"

    def fill(tx: Transaction) -> None:
        for number in range(MAX_CARDS):
            tx.execute(
                "INSERT INTO cards (id, session, kind, at) VALUES (?, ?, 'reminder', ?)",
                (f"c{number}", box.session, now_text()),
            )

    await box.clinic.db.write(fill)
    assert await code_of(party.card("redirect")) == "wrong_state"
    await party.act("end")
    assert await code_of(party.card("rules")) == "wrong_state"


async def test_one_can_acknowledge_only_what_was_shown_to_them(party: Party) -> None:
    ada, tomas = await party.come(0), await party.come(1)
    await party.card("redirect", 0)
    (card,) = ada.last("cards")["cards"]
    assert await code_of(party.ask(tomas, "roomAcknowledge", card=card["id"])) == "not_found"
    assert await code_of(party.ask(ada, "roomAcknowledge", card="nothing")) == "not_found"


# -- reminders by themselves -----------------------------------------------------------------------------------------


async def shown(box: OpenBox) -> list[str]:
    return [card.kind for card in await box.clinic.db.read(lambda tx: rows.cards_of(tx, box.session))]


async def begun(party: Party) -> OpenPage:
    ada = await party.come(0)
    await party.act("show_rules")
    await party.act("begin")
    await party.box.clinic.board.look()
    return ada


async def test_the_box_reminds_every_twenty_minutes_of_the_hour_and_says_so_in_the_audit(party: Party) -> None:
    ada = await begun(party)
    await party.clock.pass_by(party.box, 20 * MINUTE - 10)
    assert await shown(party.box) == ["rules"]
    await party.clock.pass_by(party.box, 20)
    assert await shown(party.box) == ["rules", "reminder"]
    assert kinds(ada) == ["rules", "reminder"]
    await party.clock.pass_by(party.box, 20 * MINUTE + 10)
    assert await shown(party.box) == ["rules", "reminder", "reminder"]
    entries = await party.box.clinic.db.read(audit.entries)
    assert [e.role for e in entries if e.action == "show_card"] == ["facilitator", "box", "box"]


async def test_a_pause_does_not_count_and_a_reminder_by_hand_begins_the_wait_anew(party: Party) -> None:
    await begun(party)
    await party.clock.pass_by(party.box, 15 * MINUTE)
    await party.act("pause")
    await party.clock.pass_by(party.box, 30 * MINUTE)
    assert await shown(party.box) == ["rules"]
    await party.act("resume")
    await party.card("reminder")
    await party.clock.pass_by(party.box, 15 * MINUTE)
    assert await shown(party.box) == ["rules", "reminder"]
    await party.clock.pass_by(party.box, 6 * MINUTE)
    assert await shown(party.box) == ["rules", "reminder", "reminder"]


async def test_nobody_is_reminded_in_an_empty_room_nor_by_a_box_that_is_told_not_to(party: Party) -> None:
    ada = await begun(party)
    party.box.clinic.board.remind_minutes = 0
    await party.clock.pass_by(party.box, 25 * MINUTE)
    party.box.clinic.board.remind_minutes = 20
    await party.gone(ada)
    await party.clock.pass_by(party.box, 25 * MINUTE)
    assert await shown(party.box) == ["rules"]


async def test_after_a_restart_the_wait_goes_on_from_the_newest_card(
    party: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = await begun(party)
    await party.card("reminder")
    board = party.box.clinic.board
    monkeypatch.setattr(board, "_rhythms", {})
    monkeypatch.setattr("appliance.room.board.now_seconds", lambda: 2**40)  # a clock far ahead: one reminder at most
    await party.gone(ada)
    await party.clock.pass_by(party.box, 15)
    assert await shown(party.box) == ["rules", "reminder"]  # it waits for somebody to remind
    await party.come(0)
    await party.clock.pass_by(party.box, 15)
    assert await shown(party.box) == ["rules", "reminder", "reminder"]
    monkeypatch.setattr(board, "_rhythms", {})
    monkeypatch.setattr("appliance.room.board.now_seconds", lambda: 0)  # and far behind: one whole turn
    await party.clock.pass_by(party.box, 20 * MINUTE - 10)
    assert await shown(party.box) == ["rules", "reminder", "reminder"]


# -- concerns --------------------------------------------------------------------------------------------------------


async def test_a_concern_is_silent_for_the_group_and_open_until_somebody_looks_after_it(party: Party) -> None:
    box = party.box
    ada, tomas = await party.come(0), await party.come(1)
    watching = OpenPage(box.session, "", staff=True)  # a clinical lead
    desk = OpenPage(box.session, "", staff=True)
    desk.handles = False
    for page in (watching, desk):
        await box.clinic.live.arrive(page)
    await party.ask(ada, "roomConcern", kind="distress")
    await party.ask(ada, "roomConcern", kind="distress")
    await party.ask(ada, "roomConcern", kind="overheard")
    told = party.mara.last("concerns")["open"]
    assert [(one["member"], one["name"], one["kind"]) for one in told] == [
        (box.members[0], "Ada", "distress"),
        (box.members[0], "Ada", "overheard"),
    ]
    assert watching.last("concerns")["open"] == told
    assert desk.last("concerns")["open"] == []
    assert not tomas.last("concerns")
    assert not ada.last("concerns")
    await box.clinic.board.handle_concern(box.leader(), box.session, told[0]["id"])
    assert [one["kind"] for one in party.mara.last("concerns")["open"]] == ["overheard"]
    first = (await box.clinic.db.read(lambda tx: rows.concerns_of(tx, box.session)))[0]
    assert (first.seen_by, bool(first.seen_at)) == ("Mara Lindqvist", True)
    await party.ask(ada, "roomConcern", kind="distress")  # again, later: a new one
    assert [one["kind"] for one in party.mara.last("concerns")["open"]] == ["overheard", "distress"]


async def test_who_waits_can_raise_a_concern_and_nothing_else(party: Party) -> None:
    box = party.box
    actor = await box.wait_at_the_door(0)
    page = OpenPage(box.session, box.members[0])
    party.seats[page] = Seat(actor, box.session, box.members[0], "en")
    await box.clinic.live.arrive(page)
    await party.ask(page, "roomConcern", kind="privacy")
    assert [one["kind"] for one in party.mara.last("concerns")["open"]] == ["privacy"]
    assert await code_of(party.ask(page, "roomHand", up=True)) == "refused"
    assert await code_of(party.ask(page, "roomAcknowledge", card="c")) == "refused"
    assert not page.last("hands")
    refused = [e.action for e in await box.clinic.db.read(audit.entries) if e.outcome == "refused"]
    assert refused == ["raise_hand", "acknowledge"]


async def test_who_leads_hears_of_a_concern_in_a_private_word_too_and_looks_after_it_there(party: Party) -> None:
    box = party.box
    ada, tomas = await party.come(0), await party.come(1)
    await party.act("aside", 0)
    (private,) = await box.clinic.db.read(lambda tx: sessions.asides(tx, box.session))
    members = await box.clinic.db.read(lambda tx: sessions.members(tx, private))
    there = OpenPage(private, next(m.id for m in members if m.facilitator), staff=True)
    await party.gone(party.mara)
    await box.clinic.live.arrive(there)
    await party.ask(tomas, "roomConcern", kind="distress")
    (told,) = there.last("concerns")["open"]
    assert (told["member"], told["kind"]) == (box.members[1], "distress")
    own = next(m for m in members if not m.facilitator)
    aside = OpenPage(private, own.id)
    party.seats[aside] = Seat(Actor(own.person, "patient", "portal", own.id), private, own.id, "en")
    await party.gone(ada)
    await box.clinic.live.arrive(aside)
    await party.ask(aside, "roomConcern", kind="privacy")
    assert [one["member"] for one in there.last("concerns")["open"]] == [box.members[1], box.members[0]]
    await box.clinic.board.handle_concern(box.leader(), private, told["id"])
    assert [one["kind"] for one in there.last("concerns")["open"]] == ["privacy"]


async def test_coming_back_from_a_private_word_is_no_return(party: Party) -> None:
    box = party.box
    ada = await party.come(0)
    await party.act("show_rules")
    await party.ask(ada, "roomAcknowledge", card=ada.last("cards")["cards"][0]["id"])
    await party.act("aside", 0)
    await party.gone(ada)
    party.clock.seconds += 20 * MINUTE
    await box.clinic.live.changed(box.session)
    await party.act("end_aside", 0)
    assert kinds(await party.come(0, "second")) == []


async def test_one_concern_more_than_enough_is_refused_kindly(party: Party) -> None:
    box = party.box
    await party.come(0)
    actor = (await box.member(0)).person
    patient = Actor(actor, "patient", "portal", box.members[0])
    for number in range(MAX_OPEN_CONCERNS):
        await box.clinic.board.write_concern(patient, "other", f"the {number}th")
    await box.clinic.board.write_concern(patient, "other", "the 1th")  # a form that was sent twice
    assert await code_of(box.clinic.board.write_concern(patient, "other", "one more")) == "wrong_state"


async def test_a_concern_from_before_the_hour_outlives_a_place_in_the_plan(box: OpenBox) -> None:
    patient = await box.patient(0)
    await box.clinic.board.write_concern(patient, "shared", "My neighbour knew of it.")

    def drop(tx: Transaction) -> None:
        tx.execute("DELETE FROM tickets WHERE member = ?", (box.members[0],))
        tx.execute("DELETE FROM visits WHERE member = ?", (box.members[0],))
        tx.execute("DELETE FROM members WHERE id = ?", (box.members[0],))

    await box.clinic.db.write(drop)
    ((kept, _),) = await box.clinic.board.concerns(box.leader())
    assert (kept.name, kept.words, kept.member) == (PEOPLE[0], "My neighbour knew of it.", "")


async def test_with_the_end_the_live_part_goes_and_the_record_stays(party: Party) -> None:
    box = party.box
    ada = await party.come(0)
    await party.act("show_rules")
    await party.ask(ada, "roomHand", up=True)
    await party.ask(ada, "roomConcern", kind="privacy")
    await party.act("end")
    assert box.clinic.board.hands(box.session) == ()
    assert await shown(box) == ["rules"]
    assert [c.kind for c in await box.clinic.db.read(lambda tx: rows.open_around(tx, box.session))] == ["privacy"]
    assert await code_of(party.ask(ada, "roomHand", up=True)) in ("wrong_state", "refused")
    assert box.clinic.board.hands(box.session) == ()


async def test_the_kind_of_a_concern_and_its_words_are_in_no_entry_of_the_audit(party: Party) -> None:
    box = party.box
    ada = await party.come(0)
    await party.ask(ada, "roomConcern", kind="distress")
    patient = Actor((await box.member(0)).person, "patient", "portal", box.members[0])
    await box.clinic.board.write_concern(patient, "recorded", "a quiet word")
    entries = repr(await box.clinic.db.read(audit.entries))
    assert "raise_concern" in entries
    assert not any(word in entries for word in ("distress", "recorded", "quiet"))


async def test_the_box_reminds_nobody_once_the_hour_was_paused_in_between(party: Party) -> None:
    """Between the look and the write somebody pauses: asked again in the transaction."""
    await begun(party)
    (going,) = await party.box.clinic.db.read(rows.going)
    await party.act("pause")
    box = party.box
    assert not await box.clinic.db.write(lambda tx: actions.remind(tx, BOX, box.session, going.last, now_text()))
