"""Giving back: what a lost box had sent is sealed to the box in its place, all of it, byte for byte, once."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from appliance.audit import rows as audit
from appliance.clock import now_text
from appliance.identity import actions as identity
from appliance.outbox import pinned
from appliance.packs import actions as packs
from appliance.policy import BOX, Facts, StaffRole, decide
from appliance.returned import rows as returned
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import envelope, pack, suite
from sync.content import Record
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import reseal
from sync.hq.cards import Card
from sync.hq.objects import LocalObjects, Objects, object_path
from sync.hq.reseal import Giver, Run, Told
from tests.fakes.box import PHC, OpenBox
from tests.fakes.parties import AT, SealingBox, enrol, make_hq
from tests.fakes.portal import Newcomer, sign_in
from tests.fakes.visitor import Visitor

LOST, NEW = b"L" * 16, b"N" * 16
INBOX = suite.RecordKey(b"i" * 32)
RUN = Run(at=AT, by="ada", reason="stolen from the clinic")


@pytest.fixture
def hq(tmp_path: Path) -> Path:
    make_hq(tmp_path / "hq")
    return tmp_path / "hq"


@pytest.fixture
async def lost(hq: Path) -> SealingBox:
    box = SealingBox(hq_folder.public(hq), LOST)
    heir = replace(SealingBox(box.hq, NEW).facts, inbox_key=INBOX.public)
    for facts in (box.facts, heir):
        enrol(hq, facts)
    await hq_folder.cards(hq).put(Card(box.facts, revoked=AT, reason="stolen", replaced_by=NEW))
    return box


async def test_all_records_come_down_byte_for_byte_in_packs_that_the_box_believes(hq: Path, lost: SealingBox) -> None:
    made = await _send(hq, lost, [[_record(1), _record(2, "other")], [_record(9)], [_record(3, size=60_000)]])
    told = await _give(hq)
    assert (told.records, told.before, told.troubles) == (4, 0, [])
    assert sorted(_opened(hq), key=lambda one: one.number) == sorted(made, key=lambda one: one.number)
    facts = hq_folder.public(hq)
    for raw in _packs(hq):
        found = pack.parse(raw)
        pack.verify(found, facts.pack_keys, NEW)
        assert (found.kind, found.subject) == (pack.RETURNED, LOST)


async def test_given_twice_nothing_is_sent_twice_and_what_came_since_is(hq: Path, lost: SealingBox) -> None:
    await _send(hq, lost, [[_record(1)], [_record(2)]])
    assert (await _give(hq)).records == 2
    again = await _give(hq)
    assert (again.records, again.packs, again.before) == (0, 0, 2)
    await _send(hq, lost, [[_record(3)]])
    assert (await _give(hq)).records == 1
    assert [one.number for one in _opened(hq)] == [1, 2, 3]
    noted = json.loads((hq / "objects" / "returned" / LOST.hex() / f"{NEW.hex()}.json").read_bytes())
    assert [run["by"] for run in noted["runs"]] == ["ada"] * 3


@pytest.mark.parametrize("step", range(1, 9))
async def test_cut_short_at_any_step_it_goes_on_and_nothing_is_missing_or_doubled(
    hq: Path, lost: SealingBox, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _send(hq, lost, [[_record(number, size=60_000)] for number in range(1, 6)])
    with monkeypatch.context() as cut:
        _cut_at(cut, step)
        with pytest.raises(_PowerCutError):
            await _give(hq)
    await _give(hq)
    assert [one.number for one in _opened(hq)] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("torn", [True, False])
async def test_a_pack_that_a_power_cut_could_take_counts_as_given_only_when_it_cannot(
    hq: Path, lost: SealingBox, torn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _send(hq, lost, [[_record(1)]])
    flushed: list[str] = []

    async def dies(_self: LocalObjects, path: str) -> None:
        if path.startswith("packs/"):
            raise _PowerCutError

    with monkeypatch.context() as cut:
        cut.setattr(LocalObjects, "make_durable", dies)
        with pytest.raises(_PowerCutError):
            await _give(hq)
    if torn:
        (hq / "objects" / "packs" / NEW.hex() / f"{1:016d}").write_bytes(b"HPCK torn")
    real = LocalObjects.make_durable

    async def durable(self: LocalObjects, path: str) -> None:
        flushed.append(path)
        await real(self, path)

    monkeypatch.setattr(LocalObjects, "make_durable", durable)
    assert (await _give(hq)).records == (1 if torn else 0)
    assert [one.number for one in _opened(hq)] == [1]
    assert f"packs/{NEW.hex()}/{1:016d}" in flushed


async def test_a_record_that_fills_a_pack_alone_and_many_that_do_not_compress_all_fit(
    hq: Path, lost: SealingBox
) -> None:
    records = [Record(number, "session_ended", AT, os.urandom(65_536)) for number in (1, 2)]
    made = await _send(hq, lost, [[records[0]], [records[1]], [_record(n, size=0) for n in range(3, 2003)]])
    await _give(hq)
    assert sorted(_opened(hq), key=lambda one: one.number) == made


async def test_one_number_with_other_content_comes_back_both_times_and_with_the_same_once(
    hq: Path, lost: SealingBox
) -> None:
    one, other = _record(1), Record(1, "session_ended", AT, b"another life")
    await _send(hq, lost, [[one], [other], [one]])
    await _give(hq)
    assert sorted(_opened(hq), key=lambda record: record.body) == sorted([one, other], key=lambda record: record.body)


async def test_what_cannot_be_read_is_told_and_given_when_it_can(hq: Path, lost: SealingBox) -> None:
    await _send(hq, lost, [[_record(1)], [_record(2)], [_record(3)]])
    second = hq / "objects" / object_path(LOST, 2)
    whole = second.read_bytes()
    second.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    told = await _give(hq)
    assert told.records == 2 and (2, "bad_signature") in told.troubles
    second.write_bytes(whole)
    assert (await _give(hq)).records == 1
    assert sorted(one.number for one in _opened(hq)) == [1, 2, 3]


async def test_a_box_that_is_not_lost_is_not_given_away_unless_somebody_insists(hq: Path, lost: SealingBox) -> None:
    await _send(hq, lost, [[_record(1)]])
    for card in (Card(lost.facts), Card(lost.facts, revoked=AT), Card(lost.facts, revoked=AT, replaced_by=b"X" * 16)):
        await hq_folder.cards(hq).put(card)
        with pytest.raises(SyncFault, match="box_not_lost"):
            await _give(hq)
    assert (await _give(hq, force=True)).records == 1


async def test_the_box_in_its_place_may_have_been_replaced_itself(hq: Path, lost: SealingBox) -> None:
    between = SealingBox(lost.hq, b"M" * 16)
    await hq_folder.cards(hq).put(Card(lost.facts, revoked=AT, replaced_by=b"M" * 16))
    await hq_folder.cards(hq).put(Card(between.facts, revoked=AT, replaced_by=NEW))
    await _send(hq, lost, [[_record(1)]])
    assert (await _give(hq)).records == 1


async def test_who_cannot_get_packs_gets_none(hq: Path, lost: SealingBox) -> None:
    giver = Giver(hq, _now)
    for to, code in ((b"X" * 16, "unknown_box"), (LOST, "unknown_box")):
        with pytest.raises(SyncFault, match=code):
            await giver.give(LOST, to, RUN)
    old = SealingBox(lost.hq, b"O" * 16)
    enrol(hq, old.facts)
    await hq_folder.cards(hq).put(Card(lost.facts, revoked=AT, replaced_by=b"O" * 16))
    with pytest.raises(SyncFault, match="no_inbox_key"):
        await giver.give(LOST, b"O" * 16, RUN)
    await hq_folder.cards(hq).put(Card(replace(old.facts, inbox_key=INBOX.public), revoked=AT))
    with pytest.raises(SyncFault, match="box_revoked"):
        await giver.give(LOST, b"O" * 16, RUN)


async def test_of_two_who_give_at_once_each_pack_has_its_own_number(hq: Path, lost: SealingBox) -> None:
    await _send(hq, lost, [[_record(1)]])
    real = LocalObjects.create
    raced: list[str] = []

    async def create(self: LocalObjects, path: str, raw: bytes) -> bytes | None:
        if path.startswith("packs/") and not raced:
            raced.append(path)
            await real(self, path, _foreign_pack(hq))
        return await real(self, path, raw)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LocalObjects, "create", create)
        assert (await _give(hq)).packs == 1
    assert [pack.parse(raw).number for raw in _packs(hq)] == [1, 2]
    assert pack.parse(_packs(hq)[1]).previous == suite.digest(_packs(hq)[0])


async def test_the_box_keeps_each_record_once_however_often_it_comes(tmp_path: Path) -> None:
    async with _box(tmp_path) as db:
        records = [_record(1), _record(2, "audit_checkpoint")]
        permit = decide(BOX, "apply_pack", Facts(thing="1"))
        kept = [await db.write(lambda tx: returned.keep(tx, permit, LOST, records, 1)) for _ in range(2)]
        assert kept == [2, 0]
        found, place = await db.read(lambda tx: returned.after(tx, returned.START, 10))
        assert [(one.number, one.record_class, one.at, one.body) for one in found] == [
            (one.number, one.record_class, one.at, one.body) for one in records
        ]
        assert await db.read(lambda tx: returned.after(tx, place, 10)) == ([], place)
        assert [(one.record_class, one.count) for one in await db.read(returned.counts)] == [
            ("audit_checkpoint", 1),
            ("session_ended", 1),
        ]


async def test_a_returned_pack_is_applied_and_answered_like_any_other(tmp_path: Path, hq: Path) -> None:
    async with _box(tmp_path) as db:
        own = await db.write(pinned.box_facts)
        facts = hq_folder.public(hq)
        await db.write(lambda tx: pinned.pin(tx, decide(BOX, "enrol_box", Facts()), facts, AT))
        raw = pack.seal(
            [_record(1)],
            kind=pack.RETURNED,
            box=own.box,
            number=1,
            previous=bytes(32),
            inbox_key=own.inbox_key,
            signing_key=hq_folder.pack_signing_key(hq),
            at=0,
            subject=LOST,
        )
        assert await db.write(lambda tx: packs.take(tx, raw, facts, AT))
        await db.write(lambda tx: packs.apply_next(tx, 1, facts, AT, _now()))
        assert [one.count for one in await db.read(returned.counts)] == [1]
        told = await db.read(lambda tx: tx.one("SELECT body FROM outbox WHERE record_class = 'pack_applied'"))
        assert told is not None and json.loads(told["body"])["number"] == 1


def test_lines_for_programs_and_people_tell_counts_alone(capsys: pytest.CaptureFixture[str]) -> None:
    reseal._say(Told(records=3, packs=1, before=2, troubles=[(7, "cannot_open")]), LOST, NEW, as_json=True)
    assert json.loads(capsys.readouterr().out)["troubles"] == [{"sequence": 7, "trouble": "cannot_open"}]
    reseal._say(Told(records=3, packs=1, before=2, troubles=[(7, "cannot_open")]), LOST, NEW, as_json=False)
    said = capsys.readouterr()
    assert "3 records" in said.out and "2 were given before" in said.out and "envelope 7" in said.err


class _PowerCutError(Exception):
    pass


def _cut_at(patch: pytest.MonkeyPatch, step: int) -> None:
    """The power goes before (odd) or after (even) the nth write to HQ's store."""
    left = [step]

    def wrap(name: str) -> None:
        real = getattr(LocalObjects, name)

        async def write(self: Objects, path: str, raw: bytes) -> object:
            left[0] -= 1
            if left[0] == 0:
                raise _PowerCutError
            done = await real(self, path, raw)
            left[0] -= 1
            if left[0] == 0:
                raise _PowerCutError
            return done

        patch.setattr(LocalObjects, name, write)

    wrap("create")
    wrap("replace")


class _Box:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __aenter__(self) -> Database:
        self._db = await Database.create(self._folder / "store", StoreKey(os.urandom(32)))
        return self._db

    async def __aexit__(self, *_: object) -> None:
        await self._db.close()


def _box(folder: Path) -> _Box:
    return _Box(folder)


def _record(number: int, record_class: str = "session_ended", size: int = 40) -> Record:
    return Record(number, record_class, AT, b"%d:" % number + os.urandom(size))


async def _send(hq: Path, lost: SealingBox, segments: list[list[Record]]) -> list[Record]:
    """As if they had come by the line."""
    objects = LocalObjects(hq / "objects")
    for records in segments:
        raw = envelope.seal(
            records,
            box=LOST,
            sequence=len(lost.sealed) + 1,
            previous=suite.digest(lost.sealed[-1]) if lost.sealed else envelope.NO_PREVIOUS,
            record_key=lost.hq.record_key,
            signing_key=lost.key,
        )
        lost.sealed.append(raw)
        await objects.create(object_path(LOST, len(lost.sealed)), raw)
    return [record for records in segments for record in records]


async def _give(hq: Path, *, force: bool = False) -> Told:
    return await Giver(hq, _now).give(LOST, NEW, RUN, force=force)


def _now() -> datetime:
    return datetime(2026, 1, 2, tzinfo=UTC)


def _packs(hq: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted((hq / "objects" / "packs" / NEW.hex()).iterdir())]


def _opened(hq: Path) -> list[Record]:
    return [record for raw in _packs(hq) for record in pack.open_records(pack.parse(raw), INBOX)]


def _foreign_pack(hq: Path) -> bytes:
    """Somebody else's, under the number that is next."""
    return pack.seal(
        [Record(1, "policy", "", b"{}")],
        kind=pack.ITEMS,
        box=NEW,
        number=1,
        previous=bytes(32),
        inbox_key=INBOX.public,
        signing_key=hq_folder.pack_signing_key(hq),
        at=0,
    )


async def test_a_clinical_lead_reads_what_came_back_and_nobody_else(box: OpenBox, newcomer: Newcomer) -> None:
    body = json.dumps(
        {
            "starts_at": "2026-01-05T10:00:00Z",
            "ended_at": "2026-01-05T11:00:00Z",
            "expected": 8,
            "attendees": [
                {"person": "03af91" + 26 * "0", "present": [["2026-01-05T10:00:00Z", "2026-01-05T10:52:30Z"]]}
            ],
        }
    ).encode()
    records = [Record(1, "session_ended", AT, body), Record(2, "session_ended", AT, b"of another time")]
    permit = decide(BOX, "apply_pack", Facts(thing="1"))
    await box.clinic.db.write(lambda tx: returned.keep(tx, permit, LOST, records, 1))
    lead = await _appointed(box, newcomer, "cleo", "clinical_lead")
    assert "/staff/returned" in (await lead.get("/staff/attendance")).text
    page = await lead.get("/staff/returned")
    assert "03af91" in page.text and '<td class="number">53</td>' in page.text and "another version" in page.text
    assert "2 records came back" in page.text
    assert "read_returned" in [one.action for one in await box.clinic.db.read(audit.entries)]
    for username, role in (("berta", "billing"), ("otto", "operator")):
        other = await _appointed(box, newcomer, username, role)  # type: ignore[arg-type]
        assert (await other.get("/staff/returned")).status == 403


async def _appointed(box: OpenBox, newcomer: Newcomer, username: str, role: StaffRole) -> Visitor:
    await box.clinic.db.write(lambda tx: identity.appoint(tx, BOX, username.title(), username, role, PHC, now_text()))
    visitor = newcomer()
    await sign_in(visitor, username)
    return visitor
