"""Packs against those who would stop or misuse them: another HQ, a wrong clock, words that are none, a full store."""

from __future__ import annotations

import base64
import datetime
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance.clock import now_text
from appliance.faults import Fault
from appliance.outbox import pinned
from appliance.packs import actions, effects, naming, rows
from appliance.policy import BOX, Facts, decide
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import items
from sync.content import Record
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import publish
from tests.fakes.packs import Office, open_office
from tests.fakes.parties import make_hq


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    db = await Database.create(tmp_path / "store", StoreKey(os.urandom(32)))
    yield await open_office(db, tmp_path)
    await db.close()


def make_policy(patch: pytest.MonkeyPatch, effect: Callable[..., None]) -> None:
    """Let that happen where a policy is applied."""
    table: dict[type[items.Item], Callable[..., None]] = {}
    table.update(effects.EFFECTS)
    table[items.Policy] = effect
    patch.setattr(effects, "EFFECTS", table)


async def test_after_an_enrolment_at_another_hq_its_packs_begin_at_one(office: Office, tmp_path: Path) -> None:
    await office.send(items.Policy(version=7, hear_within_days=3))
    other = make_hq(tmp_path / "other")
    await office.db.write(lambda tx: pinned.pin(tx, decide(BOX, "enrol_box", Facts()), other, now_text(), anew=True))
    hq_folder.enroll(tmp_path / "other", office.box)
    office.folder = tmp_path / "other"
    told = (await office.send(items.Policy(version=1, hear_within_days=4))).told()
    assert (told.applied, told.fault) == (1, "")


async def test_an_enrolment_anew_at_the_same_hq_leaves_the_chain_alone(office: Office) -> None:
    await office.send(items.Policy(version=7))
    again = hq_folder.public(office.folder)
    await office.db.write(lambda tx: pinned.pin(tx, decide(BOX, "enrol_box", Facts()), again, now_text(), anew=True))
    assert (await office.db.read(rows.head)).number == 1


@pytest.mark.parametrize("problem", [ValueError, RecursionError, UnsupportedAlgorithm])
async def test_whatever_an_item_trips_over_its_pack_is_refused_told_and_can_be_voided(
    office: Office, problem: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def trips(*_: object) -> None:
        raise problem("words of an item")

    make_policy(monkeypatch, trips)
    told = (await office.send(items.Policy(version=1))).told()
    assert (told.applied, told.fault) == (0, "malformed_item")
    told = (await office.send(*publish.void([1]))).told()
    assert (told.applied, told.waiting, told.fault) == (2, 0, "")


@pytest.mark.parametrize("fault", ["disk_full", "store_failed"])
async def test_a_disk_that_fails_is_no_fault_of_the_pack(
    office: Office, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trips(*_: object) -> None:
        raise Fault(fault)

    with monkeypatch.context() as broken:
        make_policy(broken, trips)
        running = await office.send(items.Policy(version=1))
        assert (running.told().fault, running.told().waiting) == ("", 1)
    await running.look()
    assert running.told().applied == 1


@pytest.mark.parametrize("wrong", ["unknown key", "unknown name"])
def test_a_certificate_that_cannot_be_read_does_not_fit(wrong: str) -> None:
    key, _ = naming.new_request("box.example")
    own = serialization.load_pem_private_key(key, None)
    assert isinstance(own, ec.EllipticCurvePrivateKey)
    strange = x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.17"), bytes.fromhex("3003a30100"))
    plain = x509.SubjectAlternativeName([x509.DNSName("box.example")])
    now = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    raw = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Some authority")]))
        .public_key(own.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=9))
        .add_extension(strange if wrong == "unknown name" else plain, critical=False)
        .sign(own, hashes.SHA256())
        .public_bytes(serialization.Encoding.DER)
    )
    if wrong == "unknown key":  # another number for the curve P-256
        raw = raw.replace(bytes.fromhex("2a8648ce3d030107"), bytes.fromhex("2a8648ce3d030177"))
    chain = "-----BEGIN CERTIFICATE-----\n" + base64.encodebytes(raw).decode() + "-----END CERTIFICATE-----\n"
    with pytest.raises(SyncFault, match="certificate_unfit"):
        naming.fitted("box.example", key, chain, now)


async def test_a_pack_refused_for_a_wrong_clock_is_taken_when_the_clock_is_right(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*_: object) -> None:
        raise SyncFault("certificate_unfit")

    with monkeypatch.context() as wrong:
        make_policy(wrong, ended)
        running = await office.send(items.Policy(version=1))
    await running.look()
    assert running.told().fault == "certificate_unfit", "tried again at each look"
    monkeypatch.setattr(actions, "AGAIN_SECONDS", 0.0)
    await running.look()
    assert (running.told().applied, running.told().fault) == (1, "")


async def test_links_pipes_and_folders_in_the_place_of_packs_stop_nothing(office: Office) -> None:
    down = office.spool / "down"
    os.mkfifo(down / f"{2:016d}.pack")
    (down / f"{3:016d}.pack").symlink_to(down / "nothing")
    (down / f"{4:016d}.pack").mkdir()
    (down / f"{5:016d}.pack").symlink_to(Path("/dev/zero"))
    told = (await office.send(items.Policy(version=1))).told()
    assert (told.applied, told.fault) == (1, "")


async def test_a_fork_laid_there_again_and_again_is_told_to_hq_once(office: Office) -> None:
    running = await office.send(items.Policy(version=1))
    other = office.sealed([Record(1, "policy", "", items.encode(items.Policy(version=9)))])
    for stamp in range(3):
        office.put(1, other)
        os.utime(office.spool / "down" / f"{1:016d}.pack", ns=(stamp, stamp))
        await running.look()
    assert running.told().fault == "pack_fork"
    row = await office.db.read(lambda tx: tx.one("SELECT count(*) AS n FROM outbox WHERE record_class='pack_refused'"))
    assert row is not None and row["n"] == 1


async def test_however_many_files_lie_there_the_next_pack_is_among_those_looked_at(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MOST_FILES", 2)
    for version in range(1, 8):
        await office.publish(items.Policy(version=version))
    await office.bring(*reversed(range(1, 8)))
    running = office.applier()
    for _ in range(4):
        await running.look()
    assert running.told().applied == 7
