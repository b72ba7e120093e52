"""Old and new versions meet: each refuses what it cannot read, keeps it, and reads it after an upgrade.

An older program is this one with a version taken out of its tables; a newer one's bytes are ours, doctored and signed.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import content, envelope, items, suite
from sync.content import Record
from sync.courier.run import Courier
from sync.hq import folder as hq_folder
from sync.hq.opening import Finding, Opened, Reached, open_all
from sync.hq.walking import Trouble
from sync.spool import Spool
from tests.fakes.packs import Office, open_office
from tests.fakes.parties import SealingBox, enrolled_box, hand_over, make_hq, objects, post, running_hq, told
from tests.fakes.waiting import at_work, until

AT = "2031-03-04T14:00:00Z"
LARGE = [Record(number, "session_ended", AT, b'{"n": 1}' * 7000) for number in (2, 3, 4)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_hq(tmp_path / "hq")
    return tmp_path / "hq"


@pytest.fixture
def box(folder: Path) -> SealingBox:
    return enrolled_box(folder)


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """`older.undo()` is the upgrade."""
    with monkeypatch.context() as patched:
        yield patched


def sealed(box: SealingBox, records: list[Record]) -> bytes:
    raw = envelope.seal(
        records,
        box=box.facts.box,
        sequence=len(box.sealed) + 1,
        previous=suite.digest(box.sealed[-1]),
        record_key=box.hq.record_key,
        signing_key=box.key,
    )
    box.sealed.append(raw)
    return raw


def of_version_2(raw: bytes, key: suite.SigningKey, label: bytes) -> bytes:
    """An envelope or a pack of another day, rightly signed."""
    changed = raw[:4] + b"\x02" + raw[5:-64]
    return changed + key.sign(label, changed)


def numbers(findings: list[Finding]) -> list[int]:
    return [finding.record.number for finding in findings if isinstance(finding, Opened)]


# -- up: a newer box and an older HQ


async def test_an_older_hq_keeps_what_is_inside_a_seal_and_opens_it_after_an_upgrade(
    folder: Path, box: SealingBox, older: pytest.MonkeyPatch
) -> None:
    raws = [box.seal(), sealed(box, LARGE), sealed(box, [Record(5, "mood_of_the_day", AT, b"\x00\xff")])]
    older.delitem(content._LIMITS, content.LARGE_VERSION)
    handed = b""
    async with running_hq(folder) as facts:
        for sequence, raw in enumerate(raws, 1):
            status, handed = await post(facts, box.facts, sequence, raw, handed)
            assert status == 201
    before = list(open_all(folder))
    assert numbers(before) == [1, 5]
    assert [(one.sequence, one.code) for one in before if isinstance(one, Trouble)] == [(2, "unsupported_version")]
    older.undo()
    after = list(open_all(folder))
    assert numbers(after) == [1, 2, 3, 4, 5]
    assert not [one for one in after if isinstance(one, Trouble)]
    assert [one.checkpoint.size for one in after if isinstance(one, Reached)] == [3]
    assert [path.read_bytes() for path in objects(folder)] == raws


async def test_an_envelope_of_another_version_stays_in_the_spool_and_those_before_it_go(
    folder: Path, box: SealingBox, tmp_path: Path
) -> None:
    spool = Spool(tmp_path / "spool")
    spool.prepare("out")
    spool.prepare("in")
    box.spool(spool, 1)
    newer = of_version_2(box.seal(), box.key, b"hearth segment signature 1\0")
    spool.put_segment(2, newer)
    async with running_hq(folder) as facts:
        hand_over(spool, facts)
        async with at_work(Courier(spool).run()):
            await until(lambda: spool.status().fault == "unsupported_version" and spool.receipts() == [1])
        assert (spool.receipts(), spool.segment(2)) == ([1], newer)
        status, body = await post(facts, box.facts, 2, newer)
    assert (status, told(body)["code"]) == (400, "unsupported_version")
    assert [path.read_bytes() for path in objects(folder)] == box.sealed[:1]


async def test_an_older_server_leaves_alone_what_a_newer_one_stored(folder: Path, box: SealingBox) -> None:
    async with running_hq(folder) as facts:
        _, handed = await post(facts, box.facts, 1, box.seal())
        newer = of_version_2(box.seal(), box.key, b"hearth segment signature 1\0")
        (folder / "objects" / "boxes" / box.facts.box.hex() / f"{2:016d}").write_bytes(newer)
        status, body = await post(facts, box.facts, 2, box.sealed[1], handed)
    assert (status, told(body)["code"]) == (409, "fork")
    assert [path.read_bytes() for path in objects(folder)] == [box.sealed[0], newer]


# -- down: a newer HQ and an older box


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    db = await Database.create(tmp_path / "store", StoreKey(os.urandom(32)))
    yield await open_office(db, tmp_path / "down")
    await db.close()


POLICY = items.encode(items.Policy(version=1))


def agreement(version: int) -> bytes:
    """Four of these are more than content version 1 holds."""
    text = items.Text(language="en", title="Rules", body="Be kind. " * 4400)
    return items.encode(items.Agreement(version=version, texts=(text,)))


async def test_an_older_box_keeps_a_pack_with_more_inside_and_applies_it_after_an_upgrade(
    office: Office, older: pytest.MonkeyPatch
) -> None:
    first = office.sealed([Record(number, "agreement", AT, agreement(number)) for number in (1, 2, 3, 4)])
    older.delitem(content._LIMITS, content.LARGE_VERSION)
    office.put(1, first)
    office.put(2, office.sealed([Record(1, "policy", AT, POLICY)], 2, suite.digest(first)))
    applier = office.applier()
    await applier.look()
    assert (applier.told().applied, applier.told().fault) == (0, "unsupported_version")
    older.undo()
    upgraded = office.applier()
    await upgraded.look()
    assert (upgraded.told().applied, upgraded.told().fault) == (2, "")


async def test_an_older_box_leaves_another_pack_in_the_spool_until_an_upgrade(office: Office) -> None:
    known = office.sealed([Record(1, "policy", AT, POLICY)])
    newer = of_version_2(known, hq_folder.pack_signing_key(office.folder), b"hearth pack signature 1\0")
    office.put(1, newer)
    applier = office.applier()
    await applier.look()
    assert (applier.told().applied, applier.told().fault) == (0, "unsupported_version")
    assert office.waiting_files() == [f"{1:016d}.pack"]
    office.put(1, known)  # what the newer one would read
    upgraded = office.applier()
    await upgraded.look()
    assert (upgraded.told().applied, office.waiting_files()) == (1, [])
