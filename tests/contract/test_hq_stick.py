"""HQ's end of a stick: what boxes wrote is taken once, receipts and packs go back, nothing foreign counts."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync import bundle, pack, receipt, suite
from sync import stick as on_stick
from sync.bundle import Part
from sync.content import Record
from sync.hq import fleet
from sync.hq import folder as hq_folder
from sync.hq import stick as hq_stick
from sync.hq.by_stick import Desk as Intake
from sync.hq.objects import numbered_path
from sync.hq.stick import Told
from sync.stick import Stick
from tests.fakes.parties import SealingBox, enrol, make_hq, objects


@pytest.fixture
def hq(tmp_path: Path) -> Intake:
    make_hq(tmp_path / "hq")
    return Intake(tmp_path / "hq")


@pytest.fixture
def stick(tmp_path: Path) -> Stick:
    (tmp_path / "stick").mkdir()
    return Stick(tmp_path / "stick")


@pytest.fixture
def box(tmp_path: Path, hq: Intake) -> SealingBox:
    return _box(tmp_path, b"B" * 16)


async def test_what_boxes_wrote_is_taken_and_each_gets_its_receipt(tmp_path: Path, hq: Intake, stick: Stick) -> None:
    boxes = [_box(tmp_path, letter * 16) for letter in (b"A", b"B", b"C")]
    for count, box in enumerate(boxes, 2):
        _write(stick, box, [box.seal() for _ in range(count)])
    told = await _import(hq, stick)
    assert [(one.new, one.known, one.size, one.refused) for one in told] == [(n, 0, n, []) for n in (2, 3, 4)]
    for count, box in enumerate(boxes, 2):
        await hq_stick.export(hq, stick, box.facts.box)
        head = receipt.parse(stick.read("down", box.facts.box, on_stick.HEAD).of(bundle.RECEIPT)[0])
        receipt.verify(head, hq.receipt_keys, box.facts.box)
        assert head.size == count
    assert len(objects(tmp_path / "hq")) == 9


async def test_the_same_stick_again_changes_nothing(tmp_path: Path, hq: Intake, stick: Stick, box: SealingBox) -> None:
    _write(stick, box, [box.seal() for _ in range(3)])
    await _import(hq, stick)
    told = (await _import(hq, stick))[0]
    assert (told.new, told.known, told.size, told.refused) == (0, 3, 3, [])
    assert [path.read_bytes() for path in objects(tmp_path / "hq")] == box.sealed


async def test_what_lies_before_the_damage_is_taken_and_the_rest_the_next_time(
    hq: Intake, stick: Stick, box: SealingBox, tmp_path: Path
) -> None:
    for _ in range(3):
        _write(stick, box, [box.seal()], name=on_stick.name_of(len(box.sealed)))
    second = tmp_path / "stick" / "hearth" / "up" / box.facts.box.hex() / on_stick.name_of(2)
    whole = second.read_bytes()
    second.write_bytes(whole[:1000])
    told = (await _import(hq, stick))[0]
    assert (told.new, [one.code for one in told.refused]) == (1, ["bundle_damaged", "gap"])
    second.write_bytes(whole)
    told = (await _import(hq, stick))[0]
    assert (told.new, told.known, told.size, told.refused) == (2, 1, 3, [])


async def test_an_unknown_box_is_told_and_the_others_are_gone_on_with(
    hq: Intake, stick: Stick, box: SealingBox
) -> None:
    stranger = SealingBox(box.hq, b"A" * 16)
    _write(stick, stranger, [stranger.seal()])
    _write(stick, box, [box.seal()])
    told = await _import(hq, stick)
    assert [(one.new, [why.code for why in one.refused]) for one in told] == [(0, ["unknown_box"]), (1, [])]


async def test_another_box_s_envelope_in_a_folder_is_refused(tmp_path: Path, hq: Intake, stick: Stick) -> None:
    one, other = _box(tmp_path, b"A" * 16), _box(tmp_path, b"B" * 16)
    _write(stick, one, [other.seal(), one.seal()])
    told = (await _import(hq, stick))[0]
    assert (told.new, [why.code for why in told.refused]) == (1, ["bundle_other_box"])


async def test_a_fork_is_told_and_nothing_is_overwritten(
    tmp_path: Path, hq: Intake, stick: Stick, box: SealingBox
) -> None:
    twin = SealingBox(box.hq, box.facts.box)
    twin.key = box.key
    _write(stick, box, [box.seal()])
    await _import(hq, stick)
    _write(stick, twin, [twin.seal(), twin.seal()])
    told = (await _import(hq, stick))[0]
    assert (told.new, [why.code for why in told.refused]) == (0, ["fork"])
    assert [path.read_bytes() for path in objects(tmp_path / "hq")] == box.sealed


async def test_another_hq_s_receipt_is_told_and_counts_for_nothing(
    tmp_path: Path, hq: Intake, stick: Stick, box: SealingBox
) -> None:
    make_hq(tmp_path / "other")
    enrol(tmp_path / "other", box.facts)
    _write(stick, box, [box.seal()])
    other = Intake(tmp_path / "other")
    foreign = receipt.issue(
        box.facts.box,
        suite.digest(b""),
        receipt.parse(await _one_receipt(hq, box)).checkpoint,
        0,
        hq_folder.receipt_signing_key(tmp_path / "other"),
    )
    assert list(other.receipt_keys) != list(hq.receipt_keys)
    _write(stick, box, [], name=on_stick.HELLO, head=[Part(bundle.RECEIPT, foreign)])
    told = (await _import(hq, stick))[0]
    assert (told.known, [why.code for why in told.refused]) == (1, ["receipt_other_key"])


async def test_packs_that_the_box_lacks_go_along_and_applied_ones_are_taken_off(
    tmp_path: Path, hq: Intake, stick: Stick, box: SealingBox
) -> None:
    packs = await _packs(tmp_path, hq, box, 3)
    _hello(stick, box, applied=1)
    told = await hq_stick.export(hq, stick, box.facts.box)
    assert (told.packs, _packs_on(stick, box)) == (2, packs[1:])
    assert (await hq_stick.export(hq, stick, box.facts.box)).packs == 0
    _hello(stick, box, applied=3)
    await hq_stick.export(hq, stick, box.facts.box)
    assert _packs_on(stick, box) == []


async def test_a_torn_pack_is_told_what_lies_before_it_goes_and_the_next_box_too(
    tmp_path: Path, hq: Intake, stick: Stick, box: SealingBox
) -> None:
    packs = await _packs(tmp_path, hq, box, 3)
    (tmp_path / "hq" / "objects" / numbered_path("packs", box.facts.box, 2)).write_bytes(packs[1][:200])
    told = await hq_stick.export(hq, stick, box.facts.box)
    assert (told.packs, [(one.name, one.code) for one in told.refused]) == (1, [("pack 2", "malformed_pack")])
    assert _packs_on(stick, box) == packs[:1]


@pytest.mark.parametrize("applied", [-5, 10**18])
async def test_what_a_box_says_it_has_applied_may_be_any_number(
    tmp_path: Path, hq: Intake, stick: Stick, box: SealingBox, applied: int
) -> None:
    packs = await _packs(tmp_path, hq, box, 2)
    _hello(stick, box, applied=applied)
    await hq_stick.export(hq, stick, box.facts.box)
    assert _packs_on(stick, box) == (packs if applied < 0 else [])


async def test_packs_of_another_hq_stay_on_the_stick(tmp_path: Path, hq: Intake, stick: Stick, box: SealingBox) -> None:
    make_hq(tmp_path / "other")
    raw = await _packs(tmp_path, Intake(tmp_path / "other"), box, 1, "other")
    parts = [Part(bundle.PACK, raw[0])]
    stick.write("down", box.facts.box, on_stick.name_of(1), bundle.pack(bundle.DOWN, box.facts.box, parts))
    _hello(stick, box, applied=5)
    await hq_stick.export(hq, stick, box.facts.box)
    assert _packs_on(stick, box) == raw


async def _heard(tmp_path: Path, hq: Intake) -> datetime | None:
    (line,) = await fleet.look(tmp_path / "hq", datetime.now(UTC))
    return line.heard


async def test_a_box_was_heard_when_a_stick_brings_something_new_that_it_signed(
    tmp_path: Path, stick: Stick, box: SealingBox
) -> None:
    hq = Intake(tmp_path / "hq", lambda: 2_000_000_000.0)
    _hello(stick, box, applied=4)
    await _import(hq, stick)
    assert await _heard(tmp_path, hq) is None, "anybody can write a hello"
    _write(stick, box, [box.seal()])
    await _import(hq, stick)
    assert await _heard(tmp_path, hq) == datetime.fromtimestamp(2_000_000_000, UTC)
    assert (await fleet.look(tmp_path / "hq", datetime.now(UTC)))[0].applied == 4
    await _import(Intake(tmp_path / "hq", lambda: 2_000_500_000.0), stick)
    assert await _heard(tmp_path, hq) == datetime.fromtimestamp(2_000_000_000, UTC), "the same stick read again"


async def test_writing_a_stick_for_a_box_makes_nobody_believe_that_it_was_heard(
    tmp_path: Path, hq: Intake, stick: Stick, box: SealingBox
) -> None:
    _write(stick, box, [box.seal()])
    await _import(hq, stick)
    await hq_stick.export(hq, stick, box.facts.box)
    head = tmp_path / "hq" / "objects" / "heads" / box.facts.box.hex()
    os.utime(head, (1_000_000_000, 1_000_000_000))
    await hq_stick.export(hq, stick, box.facts.box)
    assert head.stat().st_mtime == 1_000_000_000


def test_lines_for_programs_and_people_name_no_record() -> None:
    told = Told(b"B" * 16, new=2, size=7, refused=[hq_stick.Refused("0000000000000003.hsb", "bundle_damaged")])
    assert json.loads(hq_stick.as_json(told))["refused"] == [{"file": "0000000000000003.hsb", "code": "bundle_damaged"}]
    assert hq_stick.as_text(told, "import")[0] == "box 42424242  2 new, 0 known already, HQ has 7"


def _box(tmp_path: Path, box: bytes) -> SealingBox:
    made = SealingBox(hq_folder.public(tmp_path / "hq"), box)
    made.facts = replace(made.facts, inbox_key=suite.RecordKey(b"i" * 32).public)
    enrol(tmp_path / "hq", made.facts)
    return made


def _write(
    stick: Stick, box: SealingBox, envelopes: list[bytes], name: str = "", head: list[Part] | None = None
) -> None:
    parts = [*(head or []), *(Part(bundle.ENVELOPE, raw) for raw in envelopes)]
    raw = bundle.pack(bundle.UP, box.facts.box, parts)
    stick.write("up", box.facts.box, name or on_stick.name_of(1), raw)


def _hello(stick: Stick, box: SealingBox, applied: int) -> None:
    _write(stick, box, [], on_stick.HELLO, [Part(bundle.HELLO, json.dumps({"applied": applied}).encode())])


async def _import(hq: Intake, stick: Stick) -> list[Told]:
    return [told async for told in hq_stick.import_all(hq, stick)]


async def _one_receipt(hq: Intake, box: SealingBox) -> bytes:
    _, signed = await hq.take(box.facts.box, box.sealed[0], b"")
    return signed


async def _packs(tmp_path: Path, hq: Intake, box: SealingBox, count: int, name: str = "hq") -> list[bytes]:
    made: list[bytes] = []
    for number in range(1, count + 1):
        raw = pack.seal(
            [Record(1, "policy", "", b"{}")],
            kind=pack.ITEMS,
            box=box.facts.box,
            number=number,
            previous=suite.digest(made[-1]) if made else bytes(32),
            inbox_key=box.facts.inbox_key,
            signing_key=hq_folder.pack_signing_key(tmp_path / name),
            at=int(datetime.now(UTC).timestamp()),
        )
        await hq.objects.create(numbered_path("packs", box.facts.box, number), raw)
        made.append(raw)
    return made


def _packs_on(stick: Stick, box: SealingBox) -> list[bytes]:
    names = [name for name in stick.names("down", box.facts.box) if on_stick.numbered(name)]
    return [raw for name in names for raw in stick.read("down", box.facts.box, name).of(bundle.PACK)]
