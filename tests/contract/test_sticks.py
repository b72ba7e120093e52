"""The box's end of a stick: what HQ has no receipt for goes out, receipts and packs come in, pulled out or not."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appliance import clock
from appliance.clock import now_text
from appliance.copies import rows as copies
from appliance.copies.rows import Restoration
from appliance.faults import Fault
from appliance.home import Home
from appliance.outbox import pinned, rows
from appliance.outbox.lives import rows as log
from appliance.outbox.pinned import box_facts
from appliance.policy import BOX, Actor, Facts, decide
from appliance.sticks.actions import Sticks, Told, Way
from appliance.store.database import Database, Transaction
from appliance.store.key import StoreKey
from sync import bundle, envelope, receipt, stick
from sync.bundle import Part
from sync.checkpoint import EMPTY, extend
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import stick as hq_stick
from sync.hq.by_stick import Desk as Intake
from sync.hq.opening import Opened, open_all
from sync.stick import Stick
from tests.fakes.parties import AT, enrol, make_hq
from tests.fakes.sealing import Sealing

DESK = Actor("person", "operator", "console")


@dataclass
class Party:
    """A box, the HQ that knows it, and a stick that is carried to and fro."""

    db: Database
    sticks: Sticks
    outbox: Sealing
    hq: Intake
    folder: Path
    box: bytes

    @property
    def stick(self) -> Stick:
        return Stick(self.folder / "stick")

    async def add(self, count: int, body: bytes = b'{"session":"4f"}') -> None:
        def work(tx: Transaction) -> None:
            for _ in range(count):
                rows.add(tx, "session_ended", body, AT)

        await self.db.write(work)

    async def carry(self, way: Way) -> Told:
        await self.sticks.begin(DESK, way, self.folder / "stick")
        await self.sticks.finished()
        return self.sticks.told()

    async def at_hq(self) -> list[hq_stick.Told]:
        told = [one async for one in hq_stick.import_all(self.hq, self.stick)]
        for one in told:
            await hq_stick.export(self.hq, self.stick, one.box)
        return told

    async def queued(self) -> int:
        return (await self.db.read(rows.standing)).queued

    def opened(self) -> list[int]:
        return sorted(one.record.number for one in open_all(self.folder / "hq") if isinstance(one, Opened))


async def make_party(folder: Path) -> Party:
    home = Home(folder / "home")
    home.make()
    db = await Database.create(home.store, StoreKey(os.urandom(32)))
    facts = make_hq(folder / "hq")
    own = await db.write(box_facts)
    enrol(folder / "hq", own)
    await db.write(lambda tx: pinned.pin(tx, decide(BOX, "enrol_box", Facts()), facts, AT))
    (folder / "stick").mkdir()
    outbox = Sealing(db)
    return Party(db, Sticks(home, db, outbox, lambda: None), outbox, Intake(folder / "hq"), folder, own.box)


@pytest.fixture
async def party(tmp_path: Path) -> AsyncIterator[Party]:
    made = await make_party(tmp_path)
    yield made
    await made.db.close()


async def test_records_go_by_stick_and_their_receipt_comes_back(party: Party) -> None:
    await party.add(40)
    told = await party.carry("export")
    assert (told.fault, told.segments > 0, told.there, told.bytes > 0) == ("", True, 0, True)
    assert await party.queued() == 40
    assert [(one.new, one.refused) for one in await party.at_hq()] == [(told.segments, [])]
    back = await party.carry("import")
    assert (back.fault, back.settled, back.refused, await party.queued()) == ("", told.segments, (), 0)
    assert party.opened() == list(range(1, 41)) and party.outbox.woken == 1


async def test_a_second_export_writes_only_what_is_not_on_the_stick(party: Party) -> None:
    await party.add(3)
    first = await party.carry("export")
    assert ((again := await party.carry("export")).segments, again.there) == (0, first.segments)
    await party.add(3)
    assert ((more := await party.carry("export")).segments, more.there) == (1, first.segments)
    assert (await party.at_hq())[0].new == first.segments + 1


async def test_what_has_its_receipt_is_taken_off_the_stick(party: Party) -> None:
    await party.add(3)
    await party.carry("export")
    await party.at_hq()
    await party.carry("import")
    await party.carry("export")
    assert party.stick.names("up", party.box) == [stick.HELLO]
    assert (await party.at_hq())[0].refused == []


async def test_envelopes_of_another_life_of_the_box_stay_on_the_stick(party: Party) -> None:
    await party.add(1)
    await party.carry("export")
    await party.at_hq()
    await party.carry("import")
    await party.db.write(lambda tx: tx.execute("UPDATE segments SET hash = zeroblob(32)"))
    await party.carry("export")
    assert stick.name_of(1) in party.stick.names("up", party.box)


async def test_reading_the_same_stick_twice_changes_nothing(party: Party) -> None:
    await party.add(2)
    await party.carry("export")
    await party.at_hq()
    await party.carry("import")
    again = await party.carry("import")
    assert (again.settled, again.refused, again.fault) == (0, (), "")


async def test_a_stick_with_nothing_for_this_box_says_so(party: Party) -> None:
    raw = bundle.pack(bundle.DOWN, b"O" * 16, [])
    party.stick.write("down", b"O" * 16, stick.HEAD, raw)
    told = await party.carry("import")
    assert (told.nothing, told.others, told.fault) == (True, 1, "")


async def test_what_is_not_for_this_box_or_of_another_hq_is_told_and_the_rest_taken(
    party: Party, tmp_path: Path
) -> None:
    make_hq(tmp_path / "other")
    await party.add(2)
    await party.carry("export")
    await party.at_hq()
    good = party.stick.read("down", party.box, stick.HEAD).of(bundle.RECEIPT)[0]
    own = await party.db.write(box_facts)
    enrol(tmp_path / "other", own)
    foreign = await _foreign(tmp_path, party)
    parts = [Part(bundle.RECEIPT, foreign), Part(bundle.PACK, b"no pack"), Part(bundle.RECEIPT, good)]
    party.stick.write("down", party.box, stick.HEAD, bundle.pack(bundle.DOWN, party.box, parts))
    other = bundle.pack(bundle.DOWN, b"O" * 16, [])
    party.stick.write("down", party.box, stick.name_of(1), other)
    (tmp_path / "stick" / "hearth" / "down" / party.box.hex() / stick.name_of(2)).write_bytes(good)
    told = await party.carry("import")
    assert [one.code for one in told.refused] == [
        "receipt_other_key",
        "malformed_pack",
        "bundle_other_box",
        "bundle_damaged",
    ]
    assert told.settled == 1 and await party.queued() == 0


async def test_a_box_without_headquarters_carries_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    db = await Database.create(home.store, StoreKey(os.urandom(32)))
    sticks = Sticks(home, db, Sealing(db), lambda: None)
    (tmp_path / "stick").mkdir()
    for way in ("export", "import"):
        await sticks.begin(DESK, way, tmp_path / "stick")
        await sticks.finished()
        assert sticks.told().fault == "not_enrolled"
    assert list((tmp_path / "stick").iterdir()) == []
    await db.close()


async def test_only_who_may_carries_and_only_to_a_folder_that_is_there(party: Party) -> None:
    with pytest.raises(Fault, match="refused"):
        await party.sticks.begin(Actor("person", "auditor", "console"), "export", party.folder / "stick")
    (party.folder / "link").symlink_to(party.sticks.home.store)
    for place in (party.folder / "gone", Path("stick"), party.sticks.home.root, party.folder / "link"):
        with pytest.raises(Fault, match="stick_missing"):
            await party.sticks.begin(DESK, "export", place)


async def test_one_stick_at_a_time(party: Party) -> None:
    await party.add(1)
    await party.sticks.begin(DESK, "export", party.folder / "stick")
    with pytest.raises(Fault, match="stick_busy"):
        await party.sticks.begin(DESK, "import", party.folder / "stick")
    await party.sticks.finished()


async def test_what_was_carried_is_in_the_audit_and_marked(party: Party) -> None:
    await party.add(1)
    await party.carry("export")
    entry = await party.db.read(lambda tx: tx.one("SELECT action FROM audit ORDER BY sequence DESC LIMIT 1"))
    marked = await party.db.read(lambda tx: tx.one("SELECT exported_at FROM segments"))
    assert entry is not None and entry["action"] == "carry_by_stick"
    assert marked is not None and marked["exported_at"]


@pytest.mark.parametrize(("number", "code"), [(errno.ENOSPC, "stick_full"), (errno.EROFS, "stick_failed")])
async def test_a_full_or_protected_stick_is_told_and_the_box_keeps_all(party: Party, number: int, code: str) -> None:
    await party.add(2)
    with pulled_after(0, number):
        told = await party.carry("export")
    assert (told.fault, told.segments, await party.queued()) == (code, 0, 2)
    assert (await party.carry("export")).fault == ""


@given(pulls=st.lists(st.tuples(st.integers(0, 14), st.integers(1, 60)), max_size=6))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_wherever_the_stick_is_pulled_everything_arrives_once_in_the_end(
    tmp_path_factory: pytest.TempPathFactory, pulls: list[tuple[int, int]]
) -> None:
    party = await make_party(tmp_path_factory.mktemp("pulls"))
    made = 0
    try:
        for after, count in pulls:
            await party.add(count, os.urandom(700))
            made += count
            with pulled_after(after, errno.EIO):
                await party.carry("export")
            with pulled_after(after + 2, errno.EIO):
                await _quietly(party.at_hq)
            await party.carry("import")
        await party.carry("export")
        await party.at_hq()
        await party.carry("import")
        assert await party.queued() == 0
        assert party.opened() == list(range(1, made + 1))
    finally:
        await party.db.close()


@contextmanager
def pulled_after(writes: int, number: int) -> Iterator[None]:
    """The stick goes at that write: half of what was being written has its last name already, nothing works then."""
    real, left = stick._write, [writes]

    def write(part: Path, raw: bytes) -> None:
        left[0] -= 1
        if left[0] == -1 and number == errno.EIO:
            part.with_suffix("").write_bytes(raw[: len(raw) // 2])
        if left[0] < 0:
            raise OSError(number, "gone")
        real(part, raw)

    stick._write = write
    try:
        yield
    finally:
        stick._write = real


async def _quietly(work: Callable[[], Awaitable[object]]) -> None:
    try:
        await work()
    except SyncFault as fault:
        assert fault.code == "stick_failed"


async def _foreign(tmp_path: Path, party: Party) -> bytes:
    """A receipt of another HQ for this box."""
    name = next(one for one in party.stick.names("up", party.box) if stick.numbered(one))
    raw = party.stick.read("up", party.box, name).of(bundle.ENVELOPE)[0]
    last = envelope.parse(raw).hash
    key = hq_folder.receipt_signing_key(tmp_path / "other")
    return receipt.issue(party.box, last, extend(EMPTY, last), 0, key)


async def _came_out_of_a_backup(party: Party, at: str) -> None:
    permit = decide(BOX, "restore", Facts(thing="copy"))
    await party.db.write(lambda tx: copies.restored(tx, permit, Restoration(at, "copy", at)))
    assert await party.db.read(log.must_ask)


async def test_hq_s_head_on_a_stick_tells_a_restored_box_where_it_stands(party: Party) -> None:
    await party.add(2)
    await party.carry("export")
    await _came_out_of_a_backup(party, now_text())
    await party.at_hq()
    assert (await party.carry("import")).refused == ()
    assert not await party.db.read(log.must_ask)


async def test_a_head_from_before_the_restore_tells_a_box_nothing(party: Party) -> None:
    await party.add(2)
    await party.carry("export")
    await party.at_hq()
    later = clock.text(clock.moment().timestamp() + 3600)
    await _came_out_of_a_backup(party, later)
    told = await party.carry("import")
    assert [(one.name, one.code) for one in told.refused] == [(stick.HEAD, "restored")]
    assert (told.settled, await party.db.read(log.must_ask)) == (1, True), "what it settles counts all the same"


async def test_a_stick_is_a_word_of_hq_and_the_same_one_again_is_none(party: Party) -> None:
    await party.add(1)
    await party.carry("export")
    await party.at_hq()
    await party.carry("import")

    async def heard_at(now: str) -> str:
        party.sticks.at = lambda: now
        assert (await party.carry("import")).refused == ()
        return await party.db.read(pinned.heard_at)

    first = await party.db.read(pinned.heard_at)
    assert await heard_at("2031-05-05T00:00:00Z") == first, "a stick that lay about counted as HQ's word"
    party.hq = Intake(party.folder / "hq", lambda: time.time() + 1000)
    await party.at_hq()
    assert await heard_at("2031-06-06T00:00:00Z") == "2031-06-06T00:00:00Z"


async def test_to_try_now_changes_what_the_courier_looks_at(party: Party) -> None:
    await party.sticks.try_now()
    first = (party.folder / "home" / "spool" / "now").stat().st_mtime_ns
    await party.sticks.try_now()
    assert (party.folder / "home" / "spool" / "now").stat().st_mtime_ns > first and party.outbox.woken == 2
