"""Nothing about a person goes to headquarters without their written consent (C32), and it can be taken back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from appliance import clock
from appliance.audit import rows as audit
from appliance.clock import now_text, parse
from appliance.copies import rows as copies
from appliance.copies.rows import Restoration
from appliance.disclosures import actions, rows, rules
from appliance.disclosures.forms import form
from appliance.faults import Fault
from appliance.outbox import rows as queue
from appliance.outbox.actions import seal_next
from appliance.outbox.rows import OutboxRows
from appliance.packs import rows as packs
from appliance.policy import BOX, Facts, decide
from appliance.sessions import rows as sessions
from appliance.store.database import Database, Transaction
from sync import envelope, outbox, suite
from sync.keys import HqFacts
from sync.outbox import Batch
from tests.contract.test_live import OpenPage
from tests.fakes.box import OpenBox
from tests.fakes.disclosing import let_headquarters_know
from tests.fakes.portal import Newcomer, show_ticket, sign_in


async def a_session_takes_place(box: OpenBox, people: Sequence[int] = (0, 1)) -> None:
    """These people are let in, come, and the session ends."""
    await box.clinic.act(box.leader(), "open", box.session)
    for number in people:
        await box.let_in(number)
        await box.clinic.live.arrive(OpenPage(box.session, box.members[number]))
    await box.clinic.act(box.leader(), "end", box.session)


async def told(box: OpenBox, record_class: str = "session_ended") -> list[dict[str, Any]]:
    """What waits for headquarters, of one class."""
    found = await box.clinic.db.read(
        lambda tx: tx.all("SELECT body FROM outbox WHERE record_class = ? ORDER BY number", (record_class,))
    )
    return [json.loads(row["body"]) for row in found]


async def person(box: OpenBox, number: int) -> str:
    return (await box.clinic.db.read(lambda tx: sessions.member(tx, box.members[number]))).person


async def signs(box: OpenBox, who: str, days: int = 30, scopes: tuple[rules.Scope, ...] = rules.SCOPES) -> str:
    def work(tx: Transaction) -> str:
        return actions.grant(
            tx, BOX, who, form("en"), scopes=scopes, days=days, signature="Ada Brook", how="paper", at=now_text()
        )

    return await box.clinic.db.write(work)


async def test_a_session_is_told_without_those_who_did_not_sign(box: OpenBox) -> None:
    consent = await signs(box, await person(box, 0))
    await a_session_takes_place(box)
    (record,) = await told(box)
    assert [one["consent"] for one in record["attendees"]] == [consent]
    assert (record["withheld"], record["expected"], record["notice"]) == (1, 3, rules.NOTICE)


async def test_without_any_consent_nobody_who_comes_for_help_is_told_of(box: OpenBox) -> None:
    await a_session_takes_place(box)
    (record,) = await told(box)
    assert record["attendees"] == [] and record["withheld"] == 2
    assert not await told(box, "consent_signed")


async def test_a_consent_that_is_taken_back_takes_the_person_out_of_what_waits(box: OpenBox) -> None:
    await let_headquarters_know(box.clinic, box.session)
    await a_session_takes_place(box)
    who = await person(box, 0)
    await box.clinic.db.write(lambda tx: actions.withdraw(tx, box.desk(), who, now_text()))
    (record,) = await told(box)
    assert (len(record["attendees"]), record["withheld"]) == (1, 1)
    (ended,) = await told(box, "disclosure_ended")
    assert ended["why"] == "withdrawn" and ended["person"] not in json.dumps(record)


async def test_what_is_sealed_already_is_not_touched_when_the_consent_ends(box: OpenBox) -> None:
    await let_headquarters_know(box.clinic, box.session)
    await a_session_takes_place(box)
    await box.clinic.db.write(_as_if_sealed)
    before, who = await told(box), await person(box, 0)
    await box.clinic.db.write(lambda tx: actions.withdraw(tx, box.desk(), who, now_text()))
    assert await told(box) == before
    states = {one.state for one in await box.clinic.db.read(lambda tx: rows.history(tx, who))}
    assert states == {"sealed"}


def _as_if_sealed(tx: Transaction) -> None:
    tx.execute("INSERT INTO segments (sequence, hash, sealed, sealed_at) VALUES (1, zeroblob(32), x'00', '')")
    tx.execute("UPDATE outbox SET segment = 1")


async def test_a_consent_that_ran_out_counts_no_more_and_what_waits_is_changed_before_it_is_sealed(
    box: OpenBox,
) -> None:
    await let_headquarters_know(box.clinic, box.session, days=2)
    await a_session_takes_place(box)
    later = clock.text((parse(now_text()) + timedelta(days=3)).timestamp())
    assert await box.clinic.db.write(lambda tx: actions.expire(tx, later))
    (record,) = await told(box)
    assert record["attendees"] == [] and record["withheld"] == 2
    assert {one["why"] for one in await told(box, "disclosure_ended")} == {"expired"}
    assert not await box.clinic.db.write(lambda tx: actions.expire(tx, later))


async def test_a_new_form_takes_the_place_of_the_old_one(box: OpenBox) -> None:
    who = await person(box, 0)
    first, second = await signs(box, who), await signs(box, who, scopes=("visits",))
    found = await box.clinic.db.read(lambda tx: rows.of_person(tx, who))
    assert [(one.id, one.why) for one in found] == [(second, ""), (first, "replaced")]
    assert await box.clinic.db.read(lambda tx: rows.in_force(tx, who, "consent_signed", now_text())) is None


async def test_a_signature_under_the_agreement_goes_only_where_the_consent_covers_it(box: OpenBox) -> None:
    for number in (0, 1):
        await box.wait_at_the_door(number)  # signs the agreement on the way
    await signs(box, await person(box, 0))
    await signs(box, await person(box, 1), scopes=("visits",))
    signed = await told(box, "consent_signed")
    assert len(signed) == 1 and signed[0]["agreement"] == 1 and signed[0]["notice"] == rules.NOTICE


async def test_no_name_and_no_id_of_the_box_is_in_what_goes(box: OpenBox) -> None:
    await let_headquarters_know(box.clinic, box.session)
    await a_session_takes_place(box)
    waiting = await box.clinic.db.read(lambda tx: tx.all("SELECT body FROM outbox"))
    sent = b"\n".join(row["body"] for row in waiting).decode()
    assert not any(word in sent for word in ("Ada", "Brook", "Rivera", "Made-up", await person(box, 0), box.session))


async def test_each_look_and_each_change_is_in_the_audit(box: OpenBox) -> None:
    who = await person(box, 0)
    await signs(box, who)
    found = await box.clinic.db.read(lambda tx: audit.page(tx, audit.Filter(), most=2))
    assert ("grant_disclosure", who) in [(one.entry.action, one.entry.person) for one in found]


async def test_nobody_ends_what_is_not_there_and_no_facilitator_says_yes_for_others(box: OpenBox) -> None:
    who = await person(box, 0)
    with pytest.raises(Fault, match="wrong_state"):
        await box.clinic.db.write(lambda tx: actions.withdraw(tx, box.desk(), who, now_text()))
    with pytest.raises(Fault, match="refused"):
        await box.clinic.db.write(lambda tx: actions.permit_to_see(tx, box.leader(), who))


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        ({"signed": ""}, "tick that the form was signed"),
        ({"visits": "", "agreements": ""}, "at least one thing"),
        ({"days": "731"}, "1 to 730"),
        ({"days": "٣"}, "1 to 730"),
        ({"signature": " "}, "full name"),
    ],
)
async def test_a_form_that_will_not_do_says_why_and_notes_nothing(
    box: OpenBox, newcomer: Newcomer, sent: dict[str, str], words: str
) -> None:
    visitor, who = newcomer(), await person(box, 0)
    await sign_in(visitor, "jonas")
    await visitor.get(f"/staff/patients/{who}/disclosure")
    good = {"signed": "yes", "visits": "yes", "days": "30", "language": "en", "signature": "Ada Brook"}
    shown = await visitor.post(f"/staff/patients/{who}/disclosure/grant", **{**good, **sent})
    assert words in shown.text
    assert not await box.clinic.db.read(lambda tx: rows.of_person(tx, who))


async def test_the_desk_notes_a_signed_form_and_its_end(box: OpenBox, newcomer: Newcomer) -> None:
    visitor, who = newcomer(), await person(box, 0)
    await sign_in(visitor, "jonas")
    shown = await visitor.get(f"/staff/patients/{who}")
    assert f"/staff/patients/{who}/disclosure" in shown.text
    assert "Nothing about this person is sent" in (await visitor.get(f"/staff/patients/{who}/disclosure")).text
    sent = {"signed": "yes", "visits": "yes", "days": "30", "language": "es", "signature": "Ada Brook"}
    shown = await visitor.post(f"/staff/patients/{who}/disclosure/grant", **sent)
    assert "The consent is noted" in shown.text and "Signed on paper by Ada Brook" in shown.text
    shown = await visitor.post(f"/staff/patients/{who}/disclosure/end")
    assert "Nothing more is sent" in shown.text and "taken back" in shown.text


async def test_a_patient_says_yes_and_takes_it_back_on_a_page_of_their_own(box: OpenBox, newcomer: Newcomer) -> None:
    visitor, who = newcomer(), await person(box, 0)
    await show_ticket(visitor, box)
    shown = await visitor.get("/join/sharing")
    assert "May we tell our main office" in shown.text
    shown = await visitor.post("/join/sharing", signature="")
    assert "full name" in shown.text
    shown = await visitor.post("/join/sharing", signature="Ada Brook")
    assert "You have said yes" in shown.text
    assert await box.clinic.db.read(lambda tx: rows.in_force(tx, who, "session_ended", now_text())) is not None
    shown = await visitor.post("/join/sharing/end")
    assert "From now on we send nothing more" in shown.text
    assert await box.clinic.db.read(lambda tx: rows.in_force(tx, who, "session_ended", now_text())) is None


async def test_a_patient_says_yes_for_nobody_else(box: OpenBox) -> None:
    ada, other = await box.patient(0), await person(box, 1)
    with pytest.raises(Fault, match="refused"):
        await box.clinic.db.write(lambda tx: actions.permit_to_see(tx, ada, other))


async def test_each_language_has_the_whole_form() -> None:
    english, spanish = form("en"), form("es")
    assert english.digest != spanish.digest and form("xx") == english
    assert english.body.count("\n\n") == spanish.body.count("\n\n") == 5


async def gathered(db: Database) -> Batch | None:
    return outbox.gather(await db.read(lambda tx: OutboxRows(tx).waiting(outbox.WAITING_LIMIT)))


async def test_what_is_sealed_tells_of_nobody_whose_consent_has_run_out_while_it_waited(box: OpenBox) -> None:
    """Weeks without a line: the last question is asked in the transaction that seals, whatever was gathered before."""
    hq = suite.RecordKey(suite.new_seed())
    facts = HqFacts("https://127.0.0.1", (hq.public,), (bytes(32),), (b"x",), (bytes(32),))
    await let_headquarters_know(box.clinic, box.session, days=2)
    await a_session_takes_place(box)
    later = clock.text((parse(now_text()) + timedelta(days=3)).timestamp())
    while await box.clinic.db.write(partial(seal_next, hq=facts, at=later, ready=await gathered(box.clinic.db))):
        pass
    raw = await box.clinic.db.read(lambda tx: tx.all("SELECT sealed FROM segments"))
    opened = [one for row in raw for one in envelope.open_records(envelope.parse(row["sealed"]), hq)]
    bodies = [json.loads(one.body) for one in opened if one.record_class == "session_ended"]
    assert [body["attendees"] for body in bodies] == [[]]


async def test_a_record_that_comes_back_from_being_sealed_is_held_to_what_ended_meanwhile(box: OpenBox) -> None:
    """A box that goes on after HQ's head seals again what had no receipt."""
    hq = suite.RecordKey(suite.new_seed())
    facts = HqFacts("https://127.0.0.1", (hq.public,), (bytes(32),), (b"x",), (bytes(32),))
    await let_headquarters_know(box.clinic, box.session, days=2)
    await a_session_takes_place(box)

    def ended_while_sealed(tx: Transaction) -> None:
        tx.execute("UPDATE disclosure_consents SET ended_at = ?, why = 'withdrawn'", (now_text(),))

    await box.clinic.db.write(ended_while_sealed)
    while await box.clinic.db.write(partial(seal_next, hq=facts, at=now_text(), ready=await gathered(box.clinic.db))):
        pass
    raw = await box.clinic.db.read(lambda tx: tx.all("SELECT sealed FROM segments"))
    opened = [one for row in raw for one in envelope.open_records(envelope.parse(row["sealed"]), hq)]
    bodies = [json.loads(one.body) for one in opened if one.record_class == "session_ended"]
    assert [body["attendees"] for body in bodies] == [[]]


@pytest.mark.parametrize("held", ["session_ended", "consent_signed"])
async def test_a_class_that_headquarters_does_not_want_keeps_nobody_from_signing_or_ending(
    box: OpenBox, held: str
) -> None:
    await box.clinic.db.write(lambda tx: packs.hold_back(tx, decide(BOX, "apply_pack", Facts(thing="1")), (held,)))
    await let_headquarters_know(box.clinic, box.session)
    await a_session_takes_place(box)
    assert await told(box, held) == []
    assert len(await told(box, "consent_signed" if held == "session_ended" else "session_ended")) >= 1


async def test_a_clock_that_was_set_back_gives_no_consent_more_days(box: OpenBox) -> None:
    await signs(box, await person(box, 0), days=1)
    await a_session_takes_place(box)
    later = clock.text(parse(now_text()).timestamp() + timedelta(days=3).total_seconds())
    await box.clinic.db.write(lambda tx: queue.add(tx, "audit_checkpoint", b"{}", later))
    await box.clinic.db.write(lambda tx: actions.expire(tx, "1970-01-01T00:00:09Z"))
    (record,) = await told(box)
    assert all(one["facilitator"] for one in record["attendees"])


async def test_the_desk_is_told_that_a_consent_came_out_of_a_backup(box: OpenBox, newcomer: Newcomer) -> None:
    who = await person(box, 0)
    await signs(box, who)
    desk = newcomer()
    await sign_in(desk, "jonas")
    home = f"/staff/patients/{who}/disclosure"
    assert "came out of a backup" not in (await desk.get(home)).text
    came = Restoration("2034-01-02T00:00:00Z", "copy", "2034-01-01T00:00:00Z")
    permit = decide(BOX, "restore", Facts(thing="copy"))
    await box.clinic.db.write(lambda tx: copies.restored(tx, permit, came))
    await sign_in(desk, "jonas")
    assert "came out of a backup of" in (await desk.get(home)).text
    await box.clinic.db.write(lambda tx: tx.execute("UPDATE restorations SET copied_at = '2001-01-01T00:00:00Z'"))
    assert "came out of a backup" not in (await desk.get(home)).text, "signed after it"
