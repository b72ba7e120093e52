"""The waiting room: the check phrase, a line of staff, how long it takes. All of it outlives reloads and restarts."""

from __future__ import annotations

import pytest

from appliance.audit import rows as audit
from appliance.clock import now_text
from appliance.people import actions as people
from appliance.policy import BOX, Actor
from appliance.sessions import actions as sessions
from appliance.sessions import rows, waiting
from appliance.sessions.given import Given
from appliance.store.database import Transaction
from tests.contract.test_live import OpenPage
from tests.contract.test_session_states import act, code_of, page_of, started_anew
from tests.fakes.box import OpenBox

PHRASE = "Señor Mittens"


async def agree(box: OpenBox, phrase: str = PHRASE) -> None:
    person = (await box.member(0)).person
    await box.clinic.db.write(lambda tx: people.set_phrase(tx, BOX, person, phrase, now_text()))


async def answer(box: OpenBox, actor: Actor, text: str) -> None:
    await box.clinic.db.write(lambda tx: waiting.answer_phrase(tx, actor, text, now_text()))
    await box.clinic.live.changed(box.session)


async def at_the_door(box: OpenBox) -> tuple[Actor, OpenPage, OpenPage]:
    """A patient who waits, their page, and one of staff."""
    actor = await box.wait_at_the_door(0)
    return actor, await page_of(box, box.members[0]), await page_of(box, "", staff=True)


async def test_staff_alone_see_the_phrase_and_whether_what_was_typed_fits(box: OpenBox) -> None:
    await agree(box)
    actor, own, desk = await at_the_door(box)
    assert desk.last("waiting")["members"][0]["phrase"] == PHRASE
    await box.clinic.act(box.desk(), "ask_phrase", box.session, box.members[0])
    assert own.last("wait")["phraseAsked"] and not own.last("wait")["phraseGiven"]
    for typed, fits in (("the neighbour's dog", False), ("senor  MITTENS", True)):
        await answer(box, actor, typed)
        row = desk.last("waiting")["members"][0]
        assert (row["phraseGiven"], row["phraseFits"]) == (" ".join(typed.split()), fits)
    assert own.last("wait")["phraseGiven"] is True
    assert PHRASE not in repr(own.shown)


async def test_nobody_answers_who_was_not_asked(box: OpenBox) -> None:
    await agree(box)
    actor, _, _ = await at_the_door(box)
    assert await code_of(answer(box, actor, PHRASE)) == "wrong_state"


async def test_a_phrase_that_the_record_does_not_have_is_not_asked_for(box: OpenBox) -> None:
    await at_the_door(box)
    work = box.clinic.act(box.desk(), "ask_phrase", box.session, box.members[0])
    assert await code_of(work) == "wrong_state"


async def test_nobody_guesses_a_phrase_for_ever_and_asking_anew_begins_anew(box: OpenBox) -> None:
    await agree(box)
    actor, _, desk = await at_the_door(box)
    await box.clinic.act(box.desk(), "ask_phrase", box.session, box.members[0])
    for number in range(waiting.MAX_PHRASE_TRIES):
        await answer(box, actor, f"guess {number}")
    assert await code_of(answer(box, actor, PHRASE)) == "too_many_tries"
    await box.clinic.act(box.desk(), "ask_phrase", box.session, box.members[0])
    assert desk.last("waiting")["members"][0]["phraseGiven"] == ""
    await answer(box, actor, PHRASE)


@pytest.mark.parametrize("typed", ["", "  ", "x" * 81])
async def test_an_answer_is_one_short_line(box: OpenBox, typed: str) -> None:
    await agree(box)
    actor, _, _ = await at_the_door(box)
    await box.clinic.act(box.desk(), "ask_phrase", box.session, box.members[0])
    assert await code_of(answer(box, actor, typed)) == "bad_request"


async def test_a_line_of_staff_reaches_the_one_who_waits_and_nobody_else(box: OpenBox) -> None:
    _, own, desk = await at_the_door(box)
    await box.wait_at_the_door(1)
    other = await page_of(box, box.members[1])
    await box.clinic.act(box.desk(), "message", box.session, box.members[0], given=Given(text="Two more minutes."))
    assert own.last("wait")["message"]["text"] == "Two more minutes."
    assert desk.last("waiting")["members"][0]["message"]["text"] == "Two more minutes."
    assert other.last("wait")["message"] is None
    assert not any("Two more" in repr(entry) for entry in await box.clinic.db.read(audit.entries))


async def test_an_empty_line_is_not_sent(box: OpenBox) -> None:
    await at_the_door(box)
    assert await code_of(box.clinic.act(box.desk(), "message", box.session, box.members[0])) == "bad_request"


async def test_line_and_phrase_outlive_a_restart(box: OpenBox) -> None:
    await agree(box)
    actor, _, _ = await at_the_door(box)
    await box.clinic.act(box.desk(), "ask_phrase", box.session, box.members[0])
    await answer(box, actor, PHRASE)
    await box.clinic.act(box.desk(), "message", box.session, box.members[0], given=Given(text="Soon."))
    await started_anew(box)
    own, desk = await page_of(box, box.members[0]), await page_of(box, "", staff=True)
    assert own.last("wait")["message"]["text"] == "Soon."
    assert (own.last("wait")["phraseAsked"], own.last("wait")["phraseGiven"]) == (True, True)
    assert desk.last("waiting")["members"][0]["phraseFits"]


@pytest.mark.parametrize("end", ["admit", "deny", "leave", "end"])
async def test_nothing_of_the_waiting_stays_behind(box: OpenBox, end: str) -> None:
    await agree(box)
    actor, _, _ = await at_the_door(box)
    await act(box, "open")
    await box.clinic.act(box.desk(), "ask_phrase", box.session, box.members[0])
    await answer(box, actor, PHRASE)
    await box.clinic.act(box.desk(), "message", box.session, box.members[0], given=Given(text="Soon."))
    if end == "leave":
        await box.clinic.db.write(lambda tx: sessions.leave(tx, actor, now_text()))
    else:
        await act(box, end, None if end == "end" else 0)
    member = await box.member(0)
    assert (member.message, member.phrase_given, member.phrase_asked) == ("", "", False)


def let_in_after(tx: Transaction, member: str, minutes: int) -> None:
    tx.execute(
        "UPDATE members SET waiting_since = '2031-03-10T10:00:00Z', admitted_at = ? WHERE id = ?",
        (f"2031-03-10T10:{minutes:02}:00Z", member),
    )


async def test_people_are_told_how_long_it_takes_once_a_few_were_let_in(box: OpenBox) -> None:
    at = "2031-03-20T10:00:00Z"
    told = []
    for member, minutes in zip(box.members, (2, 4, 9), strict=True):

        def let_in(tx: Transaction, member: str = member, minutes: int = minutes) -> None:
            let_in_after(tx, member, minutes)

        await box.clinic.db.write(let_in)
        told.append(await box.clinic.db.read(lambda tx: waiting.average_wait(tx, at)))
    assert told == [None, None, 5]
    later = "2031-04-20T10:00:00Z"  # who was let in long ago says nothing of today
    assert await box.clinic.db.read(lambda tx: waiting.average_wait(tx, later)) is None


async def test_a_patient_who_waits_is_told_and_nobody_else_hears_of_waiting(box: OpenBox) -> None:
    await act(box, "open")
    await box.let_in(1)
    _, own, _ = await at_the_door(box)
    inside = await page_of(box, box.members[1])
    assert own.last("wait") == {
        "minutes": None,
        "message": None,
        "phraseAsked": False,
        "phraseGiven": False,
        "phase": "open",
        "locked": False,
    }
    assert inside.last("wait") == inside.last("waiting") == {}


async def test_an_admission_keeps_its_time(box: OpenBox) -> None:
    await act(box, "open")
    await box.let_in(0)
    found = await box.clinic.db.read(lambda tx: rows.waits(tx, "", 20))
    assert len(found) == 1 and found[0][0] <= found[0][1]
