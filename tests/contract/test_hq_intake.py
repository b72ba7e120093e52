"""HQ over real HTTPS on the loopback: what it takes, what it refuses, what it keeps."""

from __future__ import annotations

import asyncio
import logging
import stat
from pathlib import Path

import obstore
import pytest
from obstore.store import LocalStore

from sync import carriage, envelope, keys, receipt, suite
from sync.checkpoint import EMPTY, extend_all
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import objects as hq_store
from sync.hq import serve as hq
from tests.fakes.parties import SealingBox, enrol, enrolled_box, make_hq, objects, post, running_hq, told


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_hq(tmp_path / "hq")
    return tmp_path / "hq"


@pytest.fixture
def box(folder: Path) -> SealingBox:
    return enrolled_box(folder)


async def test_a_first_envelope_is_stored_and_receipted(folder: Path, box: SealingBox) -> None:
    raw = box.seal()
    async with running_hq(folder) as facts:
        status, signed = await post(facts, box.facts, 1, raw)
    got = receipt.parse(signed)
    receipt.verify(got, facts.receipt_keys, box.facts.box)
    assert (status, got.size, got.last) == (201, 1, suite.digest(raw))
    assert [path.read_bytes() for path in objects(folder)] == [raw]


async def test_the_same_bytes_again_are_the_same_success(folder: Path, box: SealingBox) -> None:
    raw = box.seal()
    async with running_hq(folder) as facts:
        _, first = await post(facts, box.facts, 1, raw)
        for handed in (b"", first):
            status, again = await post(facts, box.facts, 1, raw, handed)
            assert status == 200
            assert receipt.parse(again).checkpoint == receipt.parse(first).checkpoint
    assert len(objects(folder)) == 1


async def test_other_bytes_under_one_number_raise_the_fork_alarm(
    folder: Path, box: SealingBox, caplog: pytest.LogCaptureFixture
) -> None:
    twin = SealingBox(box.hq)
    twin.key = box.key
    async with running_hq(folder) as facts:
        await post(facts, box.facts, 1, box.seal())
        status, body = await post(facts, box.facts, 1, twin.seal())
    assert (status, told(body)["code"]) == (409, "fork")
    assert [path.read_bytes() for path in objects(folder)] == box.sealed
    assert any(entry.levelno == logging.ERROR and "fork" in entry.message for entry in caplog.records)


async def test_of_two_that_race_for_one_number_one_wins(folder: Path, box: SealingBox) -> None:
    twins = [SealingBox(box.hq) for _ in range(8)]
    for twin in twins:
        twin.key = box.key
    async with running_hq(folder) as one, running_hq(folder) as two:
        answers = await asyncio.gather(
            *(post((one, two)[n % 2], box.facts, 1, twin.seal()) for n, twin in enumerate(twins))
        )
    assert sorted(status for status, _ in answers) == [201, *[409] * 7]
    winner = next(twin for twin, (status, _) in zip(twins, answers, strict=True) if status == 201)
    assert [path.read_bytes() for path in objects(folder)] == winner.sealed


async def test_a_gap_names_what_is_wanted(folder: Path, box: SealingBox) -> None:
    for _ in range(3):
        box.seal()
    async with running_hq(folder) as facts:
        _, first = await post(facts, box.facts, 1, box.sealed[0])
        for handed in (b"", first):
            status, body = await post(facts, box.facts, 3, box.sealed[2], handed)
            assert (status, told(body)) == (409, {"code": "gap", "next_wanted": 2})
    assert len(objects(folder)) == 1


async def test_any_server_goes_on_from_the_receipt_of_another(folder: Path, box: SealingBox) -> None:
    handed = b""
    async with running_hq(folder) as one, running_hq(folder) as two:
        for sequence in range(1, 9):
            status, handed = await post((one, two)[sequence % 2], box.facts, sequence, box.seal(), handed)
            assert status == 201
    assert receipt.parse(handed).checkpoint == extend_all(EMPTY, map(suite.digest, box.sealed))


async def test_a_lost_receipt_is_made_up_for_from_the_store(folder: Path, box: SealingBox) -> None:
    handed = b""
    async with running_hq(folder) as facts:
        for sequence in (1, 2, 3):
            _, handed = await post(facts, box.facts, sequence, box.seal(), handed)
        status, signed = await post(facts, box.facts, 4, box.seal())
    assert status == 201
    assert receipt.parse(signed).checkpoint == extend_all(EMPTY, map(suite.digest, box.sealed))


async def test_a_store_that_lost_what_it_receipted_asks_for_it_and_takes_it_again(
    folder: Path, box: SealingBox
) -> None:
    async with running_hq(folder) as facts:
        _, handed = await post(facts, box.facts, 1, box.seal())
        objects(folder)[0].unlink()
        status, body = await post(facts, box.facts, 2, box.seal(), handed)
        assert (status, told(body)["code"], told(body)["next_wanted"]) == (409, "gap", 1)
        assert [(await post(facts, box.facts, n, box.sealed[n - 1]))[0] for n in (1, 2)] == [201, 201]


async def test_a_stranger_is_refused_and_nothing_is_kept(folder: Path, box: SealingBox) -> None:
    stranger = SealingBox(box.hq, b"S" * 16)
    raw = stranger.seal()
    async with running_hq(folder) as facts:
        status, body = await post(facts, stranger.facts, 1, raw)
        assert (status, told(body)["code"]) == (403, "unknown_box")
        enrol(folder, stranger.facts)  # needs no restart
        assert (await post(facts, stranger.facts, 1, raw))[0] == 201
        forged = SealingBox(box.hq, box.facts.box)
        status, body = await post(facts, box.facts, 1, forged.seal())
        assert (status, told(body)["code"]) == (403, "bad_signature")
    assert len(objects(folder)) == 1


async def test_too_much_is_refused(folder: Path, box: SealingBox) -> None:
    async with running_hq(folder) as facts:
        status, body = await post(facts, box.facts, 1, b"", body=bytes(carriage.MAX_CARRIAGE + 1))
        assert (status, told(body)["code"]) == (413, "too_large")
        status, body = await post(facts, box.facts, 1, bytes(envelope.MAX_ENVELOPE + 1))
        assert (status, told(body)["code"]) == (413, "too_large")


async def test_too_many_at_once_are_told_to_come_back(
    folder: Path, box: SealingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hq, "AT_ONCE", 0)
    async with running_hq(folder) as facts:
        status, body = await post(facts, box.facts, 1, box.seal())
    assert (status, told(body)["code"]) == (503, "busy")


async def test_no_receipt_before_the_disk_has_it(
    folder: Path, box: SealingBox, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = box.seal()
    real = hq_store.LocalObjects._fsync

    def fails(self: hq_store.LocalObjects, file: Path) -> None:
        raise OSError(28, "No space left on device")

    async with running_hq(folder) as facts:
        monkeypatch.setattr(hq_store.LocalObjects, "_fsync", fails)
        status, body = await post(facts, box.facts, 1, raw)
        assert (status, told(body)["code"]) == (500, "hq_failed")
        monkeypatch.setattr(hq_store.LocalObjects, "_fsync", real)
        status, signed = await post(facts, box.facts, 1, raw)
    assert (status, receipt.parse(signed).size) == (200, 1)


async def test_a_write_torn_by_a_power_cut_gives_way_to_the_whole_one(folder: Path, box: SealingBox) -> None:
    raw = box.seal()
    path = folder / "objects" / hq_store.object_path(box.facts.box, 1)
    path.parent.mkdir(parents=True)
    path.write_bytes(raw[:700])
    async with running_hq(folder) as facts:
        status, _ = await post(facts, box.facts, 1, raw)
    assert (status, path.read_bytes()) == (201, raw)
    assert [torn.read_bytes() for torn in (folder / "objects" / "torn").rglob("*-*")] == [raw[:700]]


async def test_hq_refuses_a_store_that_overwrites(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = obstore.put

    def overwrites(store: LocalStore, path: str, data: bytes, *, mode: str) -> object:
        return real(store, path, data, mode="overwrite")

    monkeypatch.setattr(obstore, "put", overwrites)
    with pytest.raises(SyncFault, match="store_overwrites"):
        async with running_hq(folder):
            pass


async def test_serving_needs_no_opening_key(folder: Path, box: SealingBox) -> None:
    (folder / "keys" / "record.key").unlink()
    async with running_hq(folder) as facts:
        assert (await post(facts, box.facts, 1, box.seal()))[0] == 201


def test_private_keys_are_for_their_owner_only(folder: Path) -> None:
    for name in ("record.key", "receipts.key", "tls.key"):
        assert stat.S_IMODE((folder / "keys" / name).stat().st_mode) == 0o600


def test_an_hq_is_never_made_over_another(folder: Path) -> None:
    before = hq_folder.public(folder)
    with pytest.raises(SyncFault, match="hq_exists"):
        make_hq(folder)
    assert hq_folder.public(folder) == before


def test_an_init_that_was_cut_short_can_be_done_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_short(*arguments: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(keys, "hq_to_json", cut_short)
        make_hq(tmp_path / "hq")
    assert not (tmp_path / "hq").exists()
    assert make_hq(tmp_path / "hq") == hq_folder.public(tmp_path / "hq")


def test_a_box_id_keeps_its_key(folder: Path, box: SealingBox) -> None:
    enrol(folder, box.facts)
    with pytest.raises(SyncFault, match="box_exists"):
        enrol(folder, SealingBox(box.hq, box.facts.box).facts)
    assert hq_folder.enrolled(folder, box.facts.box) == box.facts


def test_no_hq_and_damaged_keys_have_their_own_faults(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(SyncFault, match="hq_missing"):
        hq_folder.public(tmp_path)
    for name in ("receipts.key", "tls.key", "record.key"):
        (folder / "keys" / name).write_bytes(b"damaged")
    for read in (hq_folder.receipt_signing_key, hq_folder.tls_context, hq_folder.record_key):
        with pytest.raises(SyncFault, match="bad_key_file"):
            read(folder)
