"""The courier's own key and certificate, and whose certificate answers: what is shown, and in which word it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID

from sync.courier import freight, own_key, pinning
from sync.courier.run import Courier
from sync.hq import folder as hq_folder
from sync.spool import Spool, write_whole
from tests.fakes.parties import SealingBox, certified, hand_over, make_hq, until_receipted
from tests.fakes.stream_hq import StreamHq, running
from tests.fakes.waiting import at_work, until


@pytest.fixture(scope="module")
def hq(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys") / "hq"
    make_hq(folder)  # its certificates are handed out by `hand_over` from then on
    return folder


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = Spool(tmp_path / "spool")
    made.prepare("in")
    return made


def certificate(name: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    """Signed by itself."""
    subject, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), datetime.now(UTC)
    built = x509.CertificateBuilder(subject, subject, key.public_key(), 1, now, now + timedelta(days=9))
    names = x509.SubjectAlternativeName([x509.DNSName(name)])
    return built.add_extension(names, critical=False).sign(key, hashes.SHA256())


def told(shown: x509.Certificate, hq: Path, host: str) -> str:
    return pinning.told_apart(shown.public_bytes(Encoding.DER), hq_folder.public(hq).tls_certificates, host)


def test_another_certificate_is_told_apart_by_its_key_and_name(hq: Path) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1())
    (pem,) = (path for path in (hq / "keys").glob("tls*.key"))
    own = load_pem_private_key(pem.read_bytes(), None)
    assert isinstance(own, ec.EllipticCurvePrivateKey)
    assert told(certificate("elsewhere.example", own), hq, "hq.example.org") == "certificate_renewed"
    assert told(certificate("hq.example.org", stranger), hq, "hq.example.org") == "wrong_certificate"
    assert told(certificate("sign-in.example", stranger), hq, "hq.example.org") == "other_server"
    assert told(certificate("*.example.org", stranger), hq, "hq.example.org") == "wrong_certificate"
    assert pinning.told_apart(b"no certificate", hq_folder.public(hq).tls_certificates, "") == "wrong_certificate"


async def test_who_answers_under_another_name_is_told_and_gets_nothing(hq: Path, tmp_path: Path, spool: Spool) -> None:
    bad, box = StreamHq(hq), SealingBox(hq_folder.public(hq))
    box.spool(spool, 1)
    pinned = make_hq(tmp_path / "other")
    async with running(bad, host="127.0.0.2") as facts, at_work(Courier(spool).run()):
        hand_over(spool, replace(pinned, url=facts.url))
        await until(lambda: spool.status().fault == "other_server")
    assert bad.streams == 0 and bad.heard == []


def test_a_key_is_made_once_and_the_request_is_for_it(tmp_path: Path) -> None:
    own_key.prepare(tmp_path)
    first = (tmp_path / "courier.csr").read_bytes()
    own_key.prepare(tmp_path)
    assert (tmp_path / "courier.csr").read_bytes() == first
    (tmp_path / "courier.key").unlink()
    own_key.prepare(tmp_path)
    write_whole(tmp_path / "courier.csr", first)  # killed between the new key and its request
    own_key.prepare(tmp_path)
    key = load_pem_private_key((tmp_path / "courier.key").read_bytes(), None)
    assert x509.load_pem_x509_csr((tmp_path / "courier.csr").read_bytes()).public_key() == key.public_key()


def test_a_certificate_for_another_key_or_a_damaged_one_is_not_shown(hq: Path, spool: Spool) -> None:
    facts, box = hq_folder.public(hq), b"B" * 16
    hand_over(spool, facts, box)
    assert freight.client(spool) is not None and freight.box_id(spool) == box
    other = certificate("x", ec.generate_private_key(ec.SECP256R1())).public_bytes(Encoding.PEM)
    write_whole(spool.root / "tls" / "courier.pem", other)
    assert freight.client(spool) is None
    for raw in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", b"\xff" * 90):
        write_whole(spool.root / "tls" / "courier.pem", raw)
        assert freight.client(spool) is None and freight.box_id(spool) is None
    write_whole(spool.root / "tls" / "courier.pem", certified(facts, box)[0].read_bytes())
    write_whole(spool.root / "tls" / "courier.key", b"no key")
    assert freight.client(spool) is None


async def test_a_key_that_is_lost_while_it_runs_is_made_again(hq: Path, spool: Spool) -> None:
    key, request = spool.root / "tls" / "courier.key", spool.root / "tls" / "courier.csr"
    async with at_work(Courier(spool).run()):
        await until(request.exists)
        before = request.read_bytes()
        key.unlink()
        await until(lambda: key.exists() and request.read_bytes() != before)


async def test_a_certificate_that_comes_while_it_waits_ends_the_wait(hq: Path, spool: Spool) -> None:
    bad, box = StreamHq(hq), SealingBox(hq_folder.public(hq))
    box.spool(spool, 1)
    async with running(bad) as facts:
        hand_over(spool, facts)
        pem = (spool.root / "tls" / "courier.pem").read_bytes()
        bad.answer = (403, {}, '{"code": "certificate_ended"}')
        async with at_work(Courier(spool, now=lambda: 0.0).run()):  # its clock stands: no wait ends by itself
            await until(lambda: spool.status().fault == "certificate_ended")
            bad.answer = None
            write_whole(spool.root / "tls" / "courier.pem", pem)
            await until_receipted(spool, 1)


async def test_what_a_kill_left_half_written_is_cleared_away(spool: Spool) -> None:
    (spool.root / "tls").mkdir()
    ours = [spool.root / ".courier.json.0a.tmp", spool.root / "tls" / ".courier.key.0a.tmp"]
    theirs = spool.root / ".hq.json.0a.tmp"
    for path in (*ours, theirs):
        path.write_bytes(b"")
    async with at_work(Courier(spool).run()):
        await until(lambda: not any(path.exists() for path in ours))
    assert theirs.exists()
