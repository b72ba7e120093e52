"""A box meets its HQ: by a code, by files, by its own key; and what somebody between the two can do about it."""

from __future__ import annotations

import asyncio
import base64
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from appliance.enrolment import enroller
from appliance.faults import Fault
from appliance.outbox import rows as outbox
from appliance.outbox.forwarder import Forwarder
from appliance.outbox.headquarters import key_code
from sync import enrolment, keys, suite
from sync.courier import mailman
from sync.courier.run import Courier
from sync.enrolment import Answer
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import rollover
from sync.hq.cards import Card
from sync.hq.enrolment import WRONG_PER_CODE, Enroller
from sync.hq.objects import LocalObjects, open_objects
from sync.keys import BoxFacts, HqFacts
from tests.fakes.enrolling import EnrollingBox, enrolling_box, new_code
from tests.fakes.parties import AT, make_hq, running_hq
from tests.fakes.waiting import at_work, there, until


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[EnrollingBox]:
    async with enrolling_box(tmp_path / "box") as made:
        yield made


@pytest.fixture
def hq(tmp_path: Path) -> Path:
    make_hq(tmp_path / "hq")
    return tmp_path / "hq"


class Post:
    """Carries asks to HQ without a line: `hq.answer`, and what `between` makes of its bytes."""

    def __init__(self, folder: Path, now: datetime | None = None) -> None:
        self.at = now or datetime.now(UTC)
        self.hq = Enroller(folder, open_objects(folder), clock=lambda: self.at)
        self.lost = 0
        self.seen: list[bytes] = []

    async def __call__(self, ask: mailman.Ask) -> dict[str, Any]:
        raw = base64.b64decode(ask.body)
        self.seen.append(raw)
        try:
            answered = await self.hq.answer(raw)
        except SyncFault as fault:
            return {"status": 403, "body": base64.b64encode(f'{{"code":"{fault.code}"}}'.encode()).decode()}
        if self.lost:
            self.lost -= 1
            return {"fault": "hq_unreachable"}
        return {"status": 200, "body": base64.b64encode(answered).decode()}


def card_of(folder: Path, facts: BoxFacts) -> Card:
    return there(hq_folder.waited_for(hq_folder.cards(folder).get(facts.box)))


# -- the way it should go


async def test_a_typed_code_gives_the_box_its_certificate_and_pins_hq_over_a_real_line(
    box: EnrollingBox, hq: Path
) -> None:
    code = await new_code(hq)
    async with running_hq(hq) as at:
        state = await box.enrol(at, enrolment.shown(code).lower())
    assert (state.state, state.fault, state.name) == ("enrolled", "", "Clinic at the lake")
    assert state.hq_code == key_code(hq_folder.public(hq).record_key)
    assert await box.hq() == hq_folder.public(hq)
    facts, card = await box.facts(), card_of(hq, await box.facts())
    assert (card.facts, card.name, card.revoked) == (facts, "Clinic at the lake", "")
    certificate = x509.load_pem_x509_certificate(there(box.certificate()))
    assert certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == facts.box.hex()
    assert f"{certificate.serial_number:x}" == card.certificate_serial
    assert state.certificate_ends == card.certificate_ends
    assert list((box.spool.root / "ask").iterdir()) == []


async def test_a_lost_answer_is_asked_for_again_and_is_the_same_to_the_byte(box: EnrollingBox, hq: Path) -> None:
    code, post = await new_code(hq), Post(hq)
    post.lost = 1
    state = await box.enrol(hq_folder.public(hq), code, post)
    assert (state.state, state.fault) == ("asking", "hq_unreachable")
    box.later(5)
    await box.carried(post)
    assert (await box.enroller.state()).state == "enrolled"
    assert post.seen[0] == post.seen[1]
    assert await post.hq.answer(post.seen[0]) == await post.hq.answer(post.seen[0])


async def test_what_is_asked_outlives_the_appliance_and_the_spool(box: EnrollingBox, hq: Path, tmp_path: Path) -> None:
    code, post = await new_code(hq), Post(hq)
    await box.enroller.enrol(box.administrator, hq_folder.public(hq).url, code)
    await box.enroller.look()
    for left in (box.spool.root / "ask").iterdir():
        left.unlink()
    box.later(1)
    await box.carried(post)
    assert (await box.enroller.state()).state == "enrolled"


async def test_without_a_line_request_and_answer_travel_as_files(box: EnrollingBox, hq: Path) -> None:
    code = await new_code(hq)
    request = await box.enroller.request(box.administrator, code)
    answered = await Enroller(hq, open_objects(hq)).answer(request)
    with pytest.raises(Fault, match="wrong_answer"):
        await box.enroller.answer(box.administrator, answered.replace(b'"mac":"', b'"mac":"AAAA', 1))
    await box.enroller.answer(box.administrator, answered)
    assert (await box.enroller.state()).state == "enrolled" and box.certificate()


async def test_a_box_from_the_factory_knows_hq_by_its_file_and_gets_a_certificate_by_its_own_key(
    box: EnrollingBox, hq: Path
) -> None:
    hq_folder.enroll(hq, replace(await box.facts(), inbox_key=b""))  # as HQ of 0.4.0 knows it
    raw = (hq / "hq-public.json").read_bytes()
    with pytest.raises(Fault, match="facts_other_code"):
        await box.enroller.facts(box.administrator, raw, "AAAA-AAAA-AAAA-AAAA")
    assert await box.hq() is None
    await box.enroller.facts(box.administrator, raw, key_code(hq_folder.public(hq).record_key).lower())
    await box.carried(Post(hq))
    assert box.certificate()
    assert card_of(hq, await box.facts()).facts == await box.facts()


async def test_a_certificate_is_renewed_in_its_last_third_and_after_a_year_without_a_line(
    box: EnrollingBox, hq: Path
) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=3 * 365)
    await box.enrol(hq_folder.public(hq), await new_code(hq, now=long_ago), Post(hq, long_ago))
    first = box.certificate()
    box.later(60)
    await box.carried(Post(hq))  # within the quiet hour after a certificate nothing is asked
    assert box.certificate() == first
    box.later(4000)
    await box.carried(Post(hq))
    assert box.certificate() != first
    ends = datetime.fromisoformat((await box.enroller.state()).certificate_ends)
    assert ends > datetime.now(UTC) + timedelta(days=700)


async def test_a_lost_place_is_taken_by_the_box_whose_code_names_it(
    box: EnrollingBox, hq: Path, tmp_path: Path
) -> None:
    await box.enrol(hq_folder.public(hq), await new_code(hq), Post(hq))
    lost = await box.facts()
    async with enrolling_box(tmp_path / "next") as other:
        await other.enrol(hq_folder.public(hq), await new_code(hq, replaces=lost.box), Post(hq))
        card = card_of(hq, lost)
        assert card.revoked and card.replaced_by == (await other.facts()).box
    with pytest.raises(SyncFault, match="box_revoked"):
        await Post(hq).hq.answer(await box.enroller.request(box.administrator, ""))


# -- what must not go


async def test_a_second_box_with_the_same_code_is_refused_and_told_so(
    box: EnrollingBox, hq: Path, tmp_path: Path
) -> None:
    code = await new_code(hq)
    await box.enrol(hq_folder.public(hq), code, Post(hq))
    async with enrolling_box(tmp_path / "next") as other:
        state = await other.enrol(hq_folder.public(hq), code, Post(hq))
        assert (state.state, state.fault) == ("not_enrolled", "code_used")
        assert other.certificate() is None and await other.hq() is None


async def test_a_code_is_taken_once_also_where_two_may_change_one_object(
    box: EnrollingBox, hq: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So stand SeaweedFS's filers for a second after one has joined: what is made once is still made once."""
    real = LocalObjects.swap

    async def lets_all_win(self: LocalObjects, path: str, raw: bytes, expected: bytes | None) -> bool:
        if expected is None:
            return await real(self, path, raw, None)
        await self.replace(path, raw)
        return True

    monkeypatch.setattr(LocalObjects, "swap", lets_all_win)
    code = await new_code(hq)
    async with enrolling_box(tmp_path / "other") as other:
        requests = [await one.enroller.request(one.administrator, code) for one in (box, other)]
        answers = await asyncio.gather(
            *(Enroller(hq, open_objects(hq)).answer(raw) for raw in requests), return_exceptions=True
        )
    assert [one.code for one in answers if isinstance(one, SyncFault)] == ["code_used"]
    assert len(list((hq / "objects" / "cards").iterdir())) == 1


async def test_of_two_boxes_that_race_for_a_code_at_two_servers_one_gets_in(
    box: EnrollingBox, hq: Path, tmp_path: Path
) -> None:
    code = await new_code(hq)
    async with enrolling_box(tmp_path / "next") as other:
        requests = [await one.enroller.request(one.administrator, code) for one in (box, other)]
        answers = await asyncio.gather(
            *(Enroller(hq, open_objects(hq)).answer(raw) for raw in requests), return_exceptions=True
        )
        refused = [one for one in answers if isinstance(one, SyncFault)]
        assert [one.code for one in refused] == ["code_used"]
        cards = [card async for card in hq_folder.cards(hq).all()]
        assert len(cards) == 1


@pytest.mark.parametrize(("days", "told"), [(6, ""), (8, "code_ended")])
async def test_a_code_counts_for_a_week(box: EnrollingBox, hq: Path, days: int, told: str) -> None:
    made = datetime.now(UTC) - timedelta(days=days)
    assert (await box.enrol(hq_folder.public(hq), await new_code(hq, now=made), Post(hq))).fault == told


async def test_somebody_between_cannot_pass_for_hq(box: EnrollingBox, hq: Path, tmp_path: Path) -> None:
    """They have an HQ of their own and every byte that travels, and not the code."""
    evil = make_hq(tmp_path / "evil", "https://evil.example.org")

    async def between(ask: mailman.Ask) -> dict[str, Any]:
        asked = enrolment.parse_request(base64.b64decode(ask.body))
        issued = hq_folder.issue(tmp_path / "evil", asked.csr, asked.box.box, datetime.now(UTC))
        given = Answer(asked.digest, asked.box.box, issued.pem, "x", "", facts=keys.hq_to_json(evil))
        raw = enrolment.answer_by_code(given, enrolment.code_secret(asked.code))  # the id is all they have
        return {"status": 200, "body": base64.b64encode(raw).decode()}

    state = await box.enrol(hq_folder.public(hq), await new_code(hq), between)
    assert (state.state, state.fault) == ("not_enrolled", "answer_forged")
    assert await box.hq() is None and box.certificate() is None


async def test_what_hq_calls_the_box_is_one_line_that_no_terminal_obeys(box: EnrollingBox, hq: Path) -> None:
    """Who took over HQ's serving process signs renewals."""
    code, post = await new_code(hq), Post(hq)
    secret = enrolment.code_secret(enrolment.read_code(code))

    async def renamed(ask: mailman.Ask) -> dict[str, Any]:
        told = await post(ask)
        asked = enrolment.parse_request(base64.b64decode(ask.body))
        given, _ = enrolment.read_answer(base64.b64decode(told["body"]), asked, secret)
        named = replace(given, name="Lake\x1b]0;owned\x07\u202e\x9b2J\n" + "x" * 9000)
        return {"status": 200, "body": base64.b64encode(enrolment.answer_by_code(named, secret)).decode()}

    state = await box.enrol(hq_folder.public(hq), code, renamed)
    assert state.state == "enrolled" and state.name.startswith("Lake ]0;owned 2J x")
    assert state.name.isprintable() and len(state.name) <= 200


async def test_an_answer_of_yesterday_is_none_today(box: EnrollingBox, hq: Path) -> None:
    post, code = Post(hq), await new_code(hq)
    await box.enrol(hq_folder.public(hq), code, post)
    old = await post.hq.answer(post.seen[0])

    async def replayed(_: mailman.Ask) -> dict[str, Any]:
        return {"status": 200, "body": base64.b64encode(old).decode()}

    assert (await box.enrol(hq_folder.public(hq), code, replayed)).fault == "answer_forged"


@pytest.mark.parametrize(
    "said",
    [
        {"status": 200, "body": base64.b64encode(b"<html>Welcome! Please sign in</html>").decode()},
        {"status": 302, "body": ""},
        {"status": 404, "body": base64.b64encode(b"404: Not Found").decode()},
        {"status": 200, "body": "no base64"},
    ],
)
async def test_a_page_in_hqs_place_is_told_as_such_and_the_question_stays_asked(
    box: EnrollingBox, hq: Path, said: dict[str, Any]
) -> None:
    async def captive(_: mailman.Ask) -> dict[str, Any]:
        return said

    state = await box.enrol(hq_folder.public(hq), await new_code(hq), captive)
    assert (state.state, state.fault) == ("asking", "not_hq")
    box.later(5)
    await box.carried(Post(hq))
    assert (await box.enroller.state()).state == "enrolled"


async def test_who_claims_another_boxs_id_gets_neither_its_place_nor_a_code(
    box: EnrollingBox, hq: Path, tmp_path: Path
) -> None:
    await box.enrol(hq_folder.public(hq), await new_code(hq), Post(hq))
    real, key, code = await box.facts(), suite.SigningKey(b"e" * 32), await new_code(hq)
    csr = there(box.enroller._desk.csr())
    claimed = BoxFacts(real.box, key.public, real.inbox_key)
    hq_side = Enroller(hq, open_objects(hq))
    for typed, fault in ((code, "box_exists"), ("", "bad_signature")):
        raw = enrolment.request(claimed, key, csr, software="x", serial=0, nonce=bytes(16), code=typed)
        with pytest.raises(SyncFault, match=fault):
            await hq_side.answer(raw)
    assert card_of(hq, real).facts == real
    async with enrolling_box(tmp_path / "next") as other:  # the code was not used up by the attempt
        assert (await other.enrol(hq_folder.public(hq), code, Post(hq))).state == "enrolled"


async def test_guessing_at_a_code_ends_after_some_tries_and_another_code_still_works(
    box: EnrollingBox, hq: Path, tmp_path: Path
) -> None:
    code, key, post = await new_code(hq), suite.SigningKey(b"e" * 32), Post(hq)
    facts = BoxFacts(bytes(16), key.public, (await box.facts()).inbox_key)
    raw = enrolment.request(
        facts, key, there(box.enroller._desk.csr()), software="x", serial=0, nonce=bytes(16), code=code
    )
    guess = msgspec.json.encode({**msgspec.json.decode(raw), "mac": base64.b64encode(bytes(32)).decode()})
    codes = []
    for _ in range(WRONG_PER_CODE + 1):
        with pytest.raises(SyncFault) as told:
            await post.hq.answer(guess)
        codes.append(told.value.code)
    assert codes == ["code_wrong"] * WRONG_PER_CODE + ["too_many_tries"]
    with pytest.raises(SyncFault, match="too_many_tries"):  # not even the right one, for this minute
        await post.hq.answer(raw)
    assert (await box.enrol(hq_folder.public(hq), await new_code(hq), post)).state == "enrolled"
    post.at += timedelta(minutes=2)
    assert await post.hq.answer(raw)


async def test_hqs_storage_holds_no_code_and_a_writer_there_cannot_prolong_one(box: EnrollingBox, hq: Path) -> None:
    made = datetime.now(UTC) - timedelta(days=8)
    code = await new_code(hq, now=made)
    file = next((hq / "objects" / "codes").iterdir())
    stored = file.read_bytes()
    assert code.encode() not in stored and enrolment.code_secret(code) not in stored
    assert base64.b64encode(enrolment.code_secret(code)) not in stored
    file.write_bytes(stored.replace(f"{made + timedelta(days=7):%Y-%m-%d}".encode(), b"2099-01-01", 1))
    assert (await box.enrol(hq_folder.public(hq), code, Post(hq))).fault == "hq_failed"


async def test_a_facilitator_cannot_enrol_the_box(box: EnrollingBox, hq: Path) -> None:
    somebody = replace(box.administrator, role="facilitator")
    with pytest.raises(Fault, match="refused"):
        await box.enroller.enrol(somebody, "https://hq.example.org", await new_code(hq))
    with pytest.raises(Fault, match="refused"):
        await box.enroller.facts(somebody, (hq / "hq-public.json").read_bytes(), "")


# -- rollover, with a box that is away


async def test_a_box_that_was_away_during_whole_rollovers_walks_to_the_keys_of_today(
    box: EnrollingBox, hq: Path
) -> None:
    await box.enrol(hq_folder.public(hq), await new_code(hq), Post(hq))
    before = there(await box.hq())
    for kind in ("tls", "receipts", "packs", "record", "tls", "packs"):
        for finish in (False, True):
            await asyncio.to_thread(rollover.rotate, hq, kind, datetime.now(UTC), finish=finish)
    after = hq_folder.public(hq)
    assert after.serial == before.serial + 12
    async with running_hq(hq) as at:
        address = at.url
        for _ in range(5):  # four steps an answer
            box.later(20)  # not an hour: this trouble is new
            await told_wrong_certificate(box)
            await box.carried(lambda ask: mailman.post(msgspec.structs.replace(ask, url=address), None))
    assert await box.hq() == after


async def test_records_go_on_after_a_rollover_that_the_box_missed_with_the_real_courier(
    box: EnrollingBox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(enroller, "LOOK_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    hq, running = tmp_path / "hq", Forwarder(box.db, box.spool.root, lambda: None)
    make_hq(hq, f"https://127.0.0.1:{port}")
    async with at_work(running.run()):
        async with running_hq(hq, port) as at, at_work(carrying(box)), at_work(box.enroller.run()):
            await box.enroller.enrol(box.administrator, at.url, await new_code(hq))
            await until(box.certificate)
            await add_record(box, running)
            await until(lambda: box.spool.receipts() == [1] and running.state().state == "up_to_date")
        for kind in ("tls", "receipts"):
            for finish in (False, True):
                await asyncio.to_thread(rollover.rotate, hq, kind, datetime.now(UTC), finish=finish)
        async with running_hq(hq, port), at_work(carrying(box)), at_work(box.enroller.run()):
            await add_record(box, running)
            await until(lambda: box.spool.status().fault == "wrong_certificate")
            box.later(20)
            await until(lambda: box.spool.receipts() == [2] and running.state().state == "up_to_date")
    assert there(await box.hq()).serial == 5


async def carrying(box: EnrollingBox) -> None:
    """The box's courier."""
    await Courier(box.spool, jitter=lambda: 0.0).run()


async def add_record(box: EnrollingBox, running: Forwarder) -> None:
    await box.db.write(lambda tx: outbox.add(tx, "session_ended", b'{"session":"4f"}', AT))
    running.wake()


async def told_wrong_certificate(box: EnrollingBox) -> None:
    box.spool.put_status(msgspec.structs.replace(box.spool.status(), fault="wrong_certificate"))


@pytest.mark.parametrize("kind", ["tls", "receipts", "packs", "record"])
async def test_a_rotation_that_was_cut_short_is_found_again(hq: Path, kind: str) -> None:
    before, now = hq_folder.public(hq), datetime.now(UTC)

    def step(*, finish: bool) -> HqFacts:
        return rollover.rotate(hq, kind, now, finish=finish)

    with pytest.raises(SyncFault, match="rotation_none"):
        await asyncio.to_thread(step, finish=True)
    await asyncio.to_thread(step, finish=False)
    with pytest.raises(SyncFault, match="rotation_open"):
        await asyncio.to_thread(step, finish=False)
    listed = hq_folder.public(hq)
    os.link(
        hq / "keys" / f"{kind}.key", hq / "keys" / f"{kind}.1.key"
    )  # the old key was kept, the new one not yet moved
    finished = await asyncio.to_thread(step, finish=True)
    hq_folder.publish(hq, listed)  # as if the power had gone between the key's move and the list's
    again = await asyncio.to_thread(step, finish=True)
    assert again == finished
    assert again.serial == before.serial + 2 and hq_folder.tls_context(hq)
    assert len(list((hq / "keys").glob(f"{kind}.*.key"))) == 1
    assert len(hq_folder.record_keys(hq)) == (2 if kind == "record" else 1)


async def test_an_hq_of_an_older_version_gets_what_it_lacks_once(hq: Path) -> None:
    for name in ("packs.key", "codes.key", "boxes-ca.key", "boxes-ca.pem"):
        (hq / "keys" / name).unlink()
    hq_folder.publish(hq, replace(hq_folder.public(hq), pack_keys=()))
    assert hq_folder.upgrade(hq, datetime.now(UTC)) and not hq_folder.upgrade(hq, datetime.now(UTC))
    facts = hq_folder.public(hq)
    assert facts.pack_keys == (hq_folder.pack_signing_key(hq).public,) and facts.serial == 2
    assert hq_folder.server_context(hq) and len(hq_folder.codes_key(hq)) == 32


async def test_a_server_whose_pack_key_is_kept_apart_starts_and_makes_none(hq: Path) -> None:
    (hq / "keys" / "packs.key").unlink()
    assert not hq_folder.upgrade(hq, datetime.now(UTC))
    assert not (hq / "keys" / "packs.key").exists()
