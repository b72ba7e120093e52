"""`hq verify` names each kind of damage, and where; `hq accept-hole` lets a log go on over what is lost."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.audit import note, record, tree
from sync import envelope, pack, receipt, suite
from sync.__main__ import main
from sync.checkpoint import EMPTY, Checkpoint, extend, extend_all, root
from sync.content import Record
from sync.faults import SyncFault
from sync.hq import checkpoints, objects
from sync.hq import folder as hq_folder
from sync.hq.intake import Intake
from sync.hq.objects import open_objects
from sync.hq.verifying import Finding, Report, Verifier
from tests.fakes.fleet import StoredBox, make


@pytest.fixture
def hq(tmp_path: Path) -> Path:
    make(tmp_path / "hq")
    return tmp_path / "hq"


@pytest.fixture
def box(hq: Path) -> StoredBox:
    found = StoredBox(hq, hq_folder.public(hq))
    for _ in range(5):
        found.put()
    return found


async def look(hq: Path, receipts: Path | None = None, since: datetime | None = None) -> list[Finding]:
    return [one async for one in Verifier(hq, receipts).all(since=since) if isinstance(one, Finding)]


async def codes(hq: Path, receipts: Path | None = None) -> list[tuple[str, int, int]]:
    return [(one.code, one.first, one.last) for one in await look(hq, receipts)]


def keep_head(box: StoredBox, raw: bytes = b"") -> None:
    box.write(box.folder / "objects" / "heads" / box.facts.box.hex(), raw or box.receipt())


async def test_a_whole_store_has_nothing_wrong(hq: Path, box: StoredBox) -> None:
    keep_head(box)
    found = [one async for one in Verifier(hq).all()]
    assert found == [Report(box.facts.box, 5, box.tree)]


async def test_every_hole_is_named_as_a_range(hq: Path, box: StoredBox) -> None:
    keep_head(box)
    for number in (2, 3):
        box.path(number).unlink()
    assert await codes(hq) == [("hole", 2, 3), ("receipt_beyond", 2, 5)]


async def test_a_log_that_was_cut_short_is_told_by_the_receipt_on_record(hq: Path, box: StoredBox) -> None:
    keep_head(box)
    for number in (4, 5):
        box.path(number).unlink()
    assert await codes(hq) == [("receipt_beyond", 4, 5)]


async def test_a_log_that_was_cut_short_is_told_by_a_receipt_that_the_box_has(
    hq: Path, box: StoredBox, tmp_path: Path
) -> None:
    (tmp_path / "stick").mkdir()
    (tmp_path / "stick" / "0000000000000005.receipt").write_bytes(box.receipt())
    box.path(5).unlink()
    assert await codes(hq) == []
    assert await codes(hq, tmp_path / "stick") == [("receipt_beyond", 5, 5)]


async def test_envelopes_that_changed_places_are_named(hq: Path, box: StoredBox) -> None:
    box.write(box.path(2), box.sealed[2])
    box.write(box.path(3), box.sealed[1])
    assert await codes(hq) == [("malformed_envelope", 2, 2), ("malformed_envelope", 3, 3)]


async def test_a_truncated_envelope_is_named(hq: Path, box: StoredBox) -> None:
    box.write(box.path(3), box.sealed[2][:-1])
    assert await codes(hq) == [("malformed_envelope", 3, 3)]


async def test_a_forged_envelope_is_named(hq: Path, box: StoredBox) -> None:
    other = suite.SigningKey(suite.new_seed())
    box.key, own = other, box.key
    forged = box.seal([Record(9, "session_ended", "", b"{}")], 3, suite.digest(box.sealed[1]))
    box.key = own
    box.write(box.path(3), forged)
    assert await codes(hq) == [("bad_signature", 3, 3)]


async def test_another_boxs_envelope_is_named(hq: Path, box: StoredBox) -> None:
    other = StoredBox(hq, hq_folder.public(hq), b"C" * 16)
    other.put()
    box.write(box.path(1), other.sealed[0])
    assert await codes(hq) == [("malformed_envelope", 1, 1)]


async def test_another_history_under_the_boxs_own_key_is_named(hq: Path, box: StoredBox) -> None:
    keep_head(box)
    box.write(box.path(5), box.seal([Record(5, "session_ended", "", b"{}")], 5, suite.digest(box.sealed[3])))
    assert await codes(hq) == [("receipt_differs", 1, 5)]
    box.write(box.path(4), box.seal([Record(8, "session_ended", "", b"{}")], 4, suite.digest(box.sealed[2])))
    assert ("chain", 5, 5) in await codes(hq)


async def test_a_receipt_over_another_tree_is_named(hq: Path, box: StoredBox) -> None:
    other = extend(extend_all(EMPTY, [b"x", *map(suite.digest, box.sealed[1:4])]), suite.digest(box.sealed[4]))
    key = hq_folder.receipt_signing_key(hq)
    keep_head(box, receipt.issue(box.facts.box, suite.digest(box.sealed[4]), other, 0, key))
    assert await codes(hq) == [("receipt_differs", 1, 5)]


async def test_what_belongs_to_nobody_is_named(hq: Path, box: StoredBox) -> None:
    box.write(hq / "objects" / "boxes" / ("0" * 32) / f"{1:016d}", b"x")
    box.write(box.path(1).with_name("notes.txt"), b"x")
    assert [one.code for one in await look(hq)] == ["unknown_box", "not_an_envelope"]


async def test_a_fork_is_told_until_the_box_has_settled_it(hq: Path, box: StoredBox) -> None:
    told = {"code": "fork", "sequence": 5, "offered": "ab" * 32, "stored": "", "at": "2026-01-02T03:04:05Z"}
    name = f"{5:016d}-abababab.json"
    box.write(hq / "objects" / "alarms" / box.facts.box.hex() / name, json.dumps(told).encode())
    (found,) = await look(hq)
    assert (found.code, found.first, found.wrong) == ("fork", 5, True)
    box.put(box.record("log_adopted", {"size": 5, "life": 1}))
    (found,) = await look(hq)
    assert (found.code, found.wrong) == ("fork_settled", False)


def packs(box: StoredBox, count: int, previous: bytes = bytes(32)) -> list[bytes]:
    key, made = hq_folder.pack_signing_key(box.folder), list[bytes]()
    for number in range(1, count + 1):
        raw = pack.seal(
            [Record(1, "resource", "", b"{}")],
            kind=pack.ITEMS,
            box=box.facts.box,
            number=number,
            previous=suite.digest(made[-1]) if made else previous,
            inbox_key=box.facts.inbox_key,
            signing_key=key,
            at=0,
        )
        made.append(raw)
        box.write(box.folder / "objects" / "packs" / box.facts.box.hex() / f"{number:016d}", raw)
    return made


async def test_a_replaced_pack_is_named(hq: Path, box: StoredBox) -> None:
    packs(box, 3)
    assert await codes(hq) == []
    first = packs(box, 1)
    assert await codes(hq) == [("pack_chain", 2, 2)]
    box.put(box.record("pack_applied", {"number": 1, "hash": suite.digest(first[0]).hex()}))
    packs(box, 3)
    assert await codes(hq) == [("pack_other", 1, 1)]


async def test_a_missing_and_a_forged_pack_are_named(hq: Path, box: StoredBox) -> None:
    made = packs(box, 3)
    place = hq / "objects" / "packs" / box.facts.box.hex()
    (place / f"{2:016d}").unlink()
    (place / f"{3:016d}").write_bytes(made[2][:-1] + b"x")
    assert await codes(hq) == [("pack_hole", 2, 2), ("pack_unusable", 3, 3)]


# -- the box's audit, inside the seal ----------------------------------------------------------------------------------


def leaves(count: int) -> list[bytes]:
    return [hashlib.sha256(b"%d" % number).digest() for number in range(count)]


def checkpoint_of(box: StoredBox, place: int, size: int, since: int, salt: bytes = b"") -> bytes:
    """A checkpoint's record as the box makes it, by the box's own code."""
    hashed = [tree.leaf_hash(leaf + salt) for leaf in leaves(size)]

    def nodes(level: int, index: int) -> bytes:
        if level == 0:
            return hashed[index]
        return tree.join(nodes(level - 1, 2 * index), nodes(level - 1, 2 * index + 1))

    head = note.Signed(box.facts.box, size, tree.root_of(nodes, 0, size), place, "2026-01-02T03:04:05Z")
    proof = tree.consistency(nodes, since, size) if since else []
    return record.encode(note.write(head, box.key), since, proof)


def told(box: StoredBox, *bodies: bytes) -> None:
    for body in bodies:
        box.put(box.record("audit_checkpoint", body))


async def test_an_audit_that_only_grows_is_right(hq: Path, box: StoredBox) -> None:
    told(box, checkpoint_of(box, 1, 3, 0), checkpoint_of(box, 2, 8, 3), checkpoint_of(box, 3, 13, 8))
    assert await codes(hq) == []


async def test_an_audit_that_went_back_is_named(hq: Path, box: StoredBox) -> None:
    told(box, checkpoint_of(box, 1, 8, 0), checkpoint_of(box, 2, 5, 0))
    assert await codes(hq) == [("checkpoint_back", 7, 7)]


async def test_an_audit_that_went_back_when_the_log_was_taken_up_again_is_a_note(hq: Path, box: StoredBox) -> None:
    told(box, checkpoint_of(box, 1, 8, 0))
    box.put(box.record("audit_checkpoint", checkpoint_of(box, 1, 5, 0), number=(1 << 40) + 1))
    (found,) = await look(hq)
    assert (found.code, found.wrong) == ("checkpoint_back_adopted", False)


async def test_an_audit_that_was_rewritten_is_named(hq: Path, box: StoredBox) -> None:
    told(box, checkpoint_of(box, 1, 3, 0), checkpoint_of(box, 2, 8, 3, salt=b"x"))
    assert await codes(hq) == [("checkpoint_differs", 7, 7)]


async def test_a_missing_and_a_forged_checkpoint_are_named(hq: Path, box: StoredBox) -> None:
    forged = json.loads(checkpoint_of(box, 2, 8, 3))
    forged["note"] = forged["note"].replace("number 2", "number 9")
    told(box, checkpoint_of(box, 1, 3, 0), json.dumps(forged).encode(), checkpoint_of(box, 4, 13, 8))
    assert await codes(hq) == [("checkpoint_forged", 7, 7), ("checkpoint_missing", 8, 8)]


def test_two_readers_of_consistency_proofs_agree() -> None:
    for second in range(1, 20):
        hashed = [tree.leaf_hash(leaf) for leaf in leaves(second)]
        roots = [EMPTY]
        for leaf in leaves(second):
            roots.append(extend(roots[-1], leaf))

        def nodes(level: int, index: int, hashed: Sequence[bytes] = hashed) -> bytes:
            return (
                hashed[index] if level == 0 else tree.join(nodes(level - 1, 2 * index), nodes(level - 1, 2 * index + 1))
            )

        for first in range(1, second + 1):
            path, ends = tree.consistency(nodes, first, second), (root(roots[first]), root(roots[second]))
            for used in (path, path[:-1], [*path, ends[0]]):
                mine = checkpoints.consistent(first, second, *ends, used)
                assert mine == tree.consistent(first, second, *ends, used) == (used == path)


async def test_without_the_opening_key_all_but_the_inside_is_verified(hq: Path, box: StoredBox) -> None:
    told(box, checkpoint_of(box, 1, 8, 0), checkpoint_of(box, 2, 5, 0))
    (hq / "keys" / "record.key").unlink()
    box.path(2).unlink()
    assert not Verifier(hq).opens
    assert await codes(hq) == [("hole", 2, 2)]


async def test_since_passes_over_boxes_that_sent_nothing(hq: Path, box: StoredBox) -> None:
    box.path(2).unlink()
    later = datetime.now(UTC) + timedelta(days=1)
    assert await look(hq, since=later) == []
    assert len(await look(hq, since=later - timedelta(days=2))) == 1


# -- holes that a person accepts ---------------------------------------------------------------------------------------


def accept(hq: Path, box: StoredBox, number: int, *more: str) -> int:
    return main(["hq", "accept-hole", str(hq), box.facts.box.hex(), str(number), "--reason", "disk died", *more])


def test_an_accepted_hole_is_a_note_and_the_tree_goes_on(
    hq: Path, box: StoredBox, capsys: pytest.CaptureFixture[str]
) -> None:
    keep_head(box)
    box.path(3).unlink()
    assert main(["hq", "verify", str(hq)]) == 1
    assert accept(hq, box, 3) == 0
    assert suite.digest(box.sealed[2]).hex() in capsys.readouterr().out
    assert main(["hq", "verify", str(hq)]) == 0
    assert "missing, accepted by a person" in capsys.readouterr().out
    assert accept(hq, box, 3) == 2


def test_a_hole_at_the_end_is_accepted_by_a_receipt_only(hq: Path, box: StoredBox, tmp_path: Path) -> None:
    signed = box.receipt()
    box.path(5).unlink()
    assert accept(hq, box, 5) == 1
    (tmp_path / "r").write_bytes(signed)
    assert accept(hq, box, 4, "--receipt", str(tmp_path / "r")) == 2
    assert accept(hq, box, 5, "--receipt", str(tmp_path / "r")) == 0


def test_a_marker_that_hq_did_not_sign_counts_for_nothing(hq: Path, box: StoredBox) -> None:
    box.path(3).unlink()
    accept(hq, box, 3)
    (marker,) = (hq / "objects" / "holes" / box.facts.box.hex()).iterdir()
    fields = json.loads(marker.read_bytes())
    marker.write_bytes(json.dumps({**fields, "reason": "none"}).encode())
    assert asyncio.run(codes(hq)) == [("hole", 3, 3), ("marker_unusable", 0, 0)]


@pytest.mark.parametrize("lost", [3, 5])
def test_intake_goes_on_over_an_accepted_hole_and_over_no_other(hq: Path, box: StoredBox, lost: int) -> None:
    keep_head(box)
    handed = box.receipt() if lost == 5 else b""
    last = box.seal([box.record("session_ended", b"{}")])
    box.path(lost).unlink()
    with pytest.raises(SyncFault, match="gap"):
        asyncio.run(offer(hq, box, last, handed))
    assert accept(hq, box, lost) == 0
    assert asyncio.run(offer(hq, box, last, handed)) == extend(box.tree, suite.digest(last))


async def offer(hq: Path, box: StoredBox, raw: bytes, handed: bytes) -> Checkpoint:
    """One more envelope to HQ's intake; the tree that its receipt would tell."""
    key = hq_folder.receipt_signing_key(hq)
    intake = Intake(open_objects(hq), key, box.hq.receipt_keys, (box.hq.record_key_id,))
    chain = intake.chain(box.facts, patient=False)
    if handed:
        chain.hand(handed)
    taken = await chain.put(envelope.parse(raw))
    await taken.durable()
    return taken.head.checkpoint


def test_verify_tells_its_findings_as_json(hq: Path, box: StoredBox, capsys: pytest.CaptureFixture[str]) -> None:
    box.path(2).unlink()
    assert main(["hq", "verify", str(hq), "--json", "--box", box.facts.box.hex()]) == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] | {"finding": "hole", "first": 2, "last": 2, "wrong": True} == lines[0]
    assert lines[-1] | {"boxes": 1, "envelopes": 4, "wrong": 1, "opened": True} == lines[-1]
    assert main(["hq", "verify", str(hq), "--box", "ab"]) == 2
    assert main(["hq", "verify", str(hq), "--box", "ab" * 16]) == 1


async def test_a_listing_of_many_pages_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "LISTED_AT_ONCE", 3)
    store = objects.LocalObjects(tmp_path)
    for number in range(8):
        await store.replace(f"seen/{number}", b"x")
    assert [entry.path async for entry in store.entries("seen")] == [f"seen/{number}" for number in range(8)]
