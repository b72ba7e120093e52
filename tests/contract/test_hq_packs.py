"""One box's chain of packs at HQ through power cuts, damage, races and a store written by somebody else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sync import items, pack, suite
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import packs, publish
from sync.hq.objects import Entry, LocalObjects, numbered_path, open_objects
from sync.hq.publish import Published, Ready
from sync.keys import BoxFacts
from tests.fakes.packs import NOW
from tests.fakes.parties import make_hq

BOX = BoxFacts(b"B" * 16, suite.SigningKey(suite.new_seed()).public, suite.RecordKey(suite.new_seed()).public)
OTHER = BoxFacts(b"O" * 16, suite.SigningKey(suite.new_seed()).public, suite.RecordKey(suite.new_seed()).public)


@pytest.fixture
def hq(tmp_path: Path) -> Path:
    make_hq(tmp_path / "hq")
    return tmp_path / "hq"


async def _publish(hq: Path, *to: BoxFacts) -> list[Published]:
    return await publish.publish(hq, to or [BOX], [Ready(items.Policy(version=1))], lambda: NOW)


def _file(hq: Path, number: int, box: BoxFacts = BOX) -> Path:
    return hq / "objects" / numbered_path("packs", box.box, number)


def _keys(hq: Path) -> tuple[bytes, ...]:
    return hq_folder.public(hq).pack_keys


@pytest.mark.parametrize("left", [b"", b"HPCK", "half", "zeros", "foreign"])
async def test_a_pack_torn_by_a_power_cut_gives_its_number_to_the_next_one(hq: Path, left: bytes | str) -> None:
    for _ in range(2):
        await _publish(hq)
    whole = _file(hq, 2).read_bytes()
    cut = {"half": whole[:300], "zeros": whole[:300] + bytes(len(whole) - 300), "foreign": _file(hq, 1).read_bytes()}
    torn = left if isinstance(left, bytes) else cut[left]
    _file(hq, 2).write_bytes(torn)
    assert await packs.fetch(open_objects(hq), BOX.box, 2, _keys(hq)) is None, "a box was given a torn pack"
    (made,) = await _publish(hq)
    assert (made.first, made.fault) == (2, "")
    new = pack.parse(_file(hq, 2).read_bytes())
    assert new.previous == suite.digest(_file(hq, 1).read_bytes())
    assert [one.read_bytes() for one in (hq / "objects" / "torn").rglob("*") if one.is_file()] == [torn]


async def test_damage_below_the_newest_pack_is_told_and_nothing_is_written_over(hq: Path) -> None:
    for _ in range(3):
        await _publish(hq)
    for number in (2, 3):
        _file(hq, number).write_bytes(b"")
    told = {one.box: one.fault for one in await _publish(hq, BOX, OTHER)}
    assert told == {BOX.box: "malformed_pack", OTHER.box: ""}, "one box's damage kept the others' packs"
    assert [_file(hq, number).read_bytes() for number in (2, 3)] == [b"", b""]


async def test_a_name_that_somebody_else_put_into_the_store_does_not_carry_the_chain_away(hq: Path) -> None:
    await _publish(hq)
    _file(hq, 9).write_bytes(_file(hq, 1).read_bytes())
    assert (await _publish(hq))[0].first == 2


async def test_a_pack_of_a_newer_version_is_given_away_and_not_built_upon(hq: Path) -> None:
    await _publish(hq)
    newer = bytearray(_file(hq, 1).read_bytes())
    newer[4] = 9
    _file(hq, 1).write_bytes(newer)
    assert await packs.fetch(open_objects(hq), BOX.box, 1, _keys(hq)) == bytes(newer)
    assert (await _publish(hq))[0].fault == "unsupported_version"


async def test_no_box_is_given_a_pack_that_a_power_cut_could_still_take(
    hq: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _publish(hq)
    flushed: list[str] = []
    real = LocalObjects.make_durable

    async def durable(self: LocalObjects, path: str) -> None:
        flushed.append(path)
        await real(self, path)

    monkeypatch.setattr(LocalObjects, "make_durable", durable)
    assert await packs.fetch(open_objects(hq), BOX.box, 1, _keys(hq)) is not None
    assert flushed == [numbered_path("packs", BOX.box, 1)]


async def test_of_two_who_mend_a_torn_pack_one_wins_and_the_other_is_told(hq: Path) -> None:
    await _publish(hq)
    raw = _file(hq, 1).read_bytes()
    _file(hq, 1).write_bytes(b"torn")
    objects = open_objects(hq)
    assert await packs.add(objects, BOX.box, 1, raw, _keys(hq))
    assert not await packs.add(objects, BOX.box, 1, raw[:-1] + bytes([raw[-1] ^ 1]), _keys(hq))
    assert _file(hq, 1).read_bytes() == raw


async def test_a_damaged_pack_is_listed_as_damaged(hq: Path) -> None:
    await _publish(hq)
    _file(hq, 1).write_bytes(b"torn")
    assert [(one.number, one.kind) for one in await publish.listed(hq, BOX.box)] == [(1, 0)]


async def test_a_store_that_fails_is_no_fault_of_the_box(hq: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(_self: LocalObjects, _path: str, _raw: bytes) -> bytes | None:
        raise SyncFault("hq_failed")

    monkeypatch.setattr(LocalObjects, "create", fails)
    with pytest.raises(SyncFault, match="hq_failed"):
        await _publish(hq)


async def test_a_file_in_many_packs_lists_the_chain_once(hq: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed: list[str] = []
    real = LocalObjects.entries

    def entries(self: LocalObjects, prefix: str, after: str = "") -> AsyncIterator[Entry]:
        listed.append(prefix)
        return real(self, prefix, after)

    monkeypatch.setattr(LocalObjects, "entries", entries)
    parts = [Ready(part) for part in items.parts_of(bytes(500_000), 1)]
    (made,) = await publish.publish(hq, [BOX], parts, lambda: NOW)
    assert made.last > 3 and len(listed) == 1
    for number in range(2, made.last + 1):
        before = suite.digest(_file(hq, number - 1).read_bytes())
        assert pack.parse(_file(hq, number).read_bytes()).previous == before
