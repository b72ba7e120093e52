"""What the box's authority can vouch for, checked by OpenSSL in real handshakes that touch no network."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from appliance.portal import certificates, tls
from appliance.store import birth
from appliance.store.database import Database
from tests.fakes.stores import CHEAP, PASSPHRASE, everything_in

NOW = datetime.now(UTC)
NAMES = ("hearth.local",)
ADDRESSES = ("192.168.1.5", "fd00::5")
AUTHORITY = certificates.new_authority(NAMES, ADDRESSES, NOW)


def handshake(server_side: ssl.SSLContext, authority: bytes, host: str) -> ssl.SSLObject:
    """A client that trusts `authority` alone asks for `host`; raises what OpenSSL thinks of the answer."""
    trusting = ssl.create_default_context(cadata=authority.decode())
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(to_client, to_server, server_hostname=host)
    server = server_side.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return client


def context_of(folder: Path, leaf: bytes) -> ssl.SSLContext:
    (folder / tls.PORTAL_FILE).write_bytes(leaf)
    return tls.context(folder)


@pytest.mark.parametrize("host", ["hearth.local", "localhost", "127.0.0.1", "::1", *ADDRESSES])
def test_a_device_that_trusts_the_box_reaches_it_by_each_of_its_names(tmp_path: Path, host: str) -> None:
    context = context_of(tmp_path, certificates.issue(AUTHORITY, NAMES, ADDRESSES, NOW))
    assert handshake(context, AUTHORITY.certificate, host).version() == "TLSv1.3"


@pytest.mark.parametrize("host", ["bank.example", "hearth.local.bank.example", "www.hearthlocal"])
def test_a_stolen_authority_key_cannot_play_the_internet(tmp_path: Path, host: str) -> None:
    context = context_of(tmp_path, certificates.issue(AUTHORITY, (host,), (), NOW))
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(context, AUTHORITY.certificate, host)


def test_a_stolen_authority_key_cannot_play_an_address_of_the_internet(tmp_path: Path) -> None:
    own_list = x509.load_pem_x509_certificate(certificates.issue(AUTHORITY, NAMES, ("203.0.113.9",), NOW))
    alternatives = own_list.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "203.0.113.9" not in map(str, alternatives.get_values_for_type(x509.IPAddress))


def test_a_box_with_an_address_of_the_internet_vouches_for_that_one_alone(tmp_path: Path) -> None:
    authority = certificates.new_authority(NAMES, ("203.0.113.9",), NOW)
    leaf = certificates.issue(authority, NAMES, ("203.0.113.9", "203.0.113.10"), NOW)
    context = context_of(tmp_path, leaf)
    assert handshake(context, authority.certificate, "203.0.113.9").version() == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(context, authority.certificate, "203.0.113.10")


def test_old_tls_is_not_spoken(tmp_path: Path) -> None:
    context = context_of(tmp_path, certificates.issue(AUTHORITY, NAMES, ADDRESSES, NOW))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    suites = {cipher["name"] for cipher in context.get_ciphers()}
    assert all("GCM" in name or "CHACHA20" in name for name in suites)
    assert all(name.startswith(("ECDHE", "TLS_")) for name in suites)


def test_a_certificate_is_renewed_when_it_no_longer_fits() -> None:
    leaf = certificates.issue(AUTHORITY, NAMES, ADDRESSES, NOW)
    other = certificates.new_authority(NAMES, ADDRESSES, NOW)

    def wants(
        leaf: bytes = leaf,
        authority: certificates.Authority = AUTHORITY,
        names: tuple[str, ...] = NAMES,
        addresses: tuple[str, ...] = ADDRESSES,
        later: timedelta = timedelta(),
    ) -> bool:
        return certificates.wants_renewal(leaf, authority.certificate, names, addresses, NOW + later)

    assert not wants()
    assert not wants(later=timedelta(days=366))
    assert wants(later=timedelta(days=368))
    assert wants(later=timedelta(days=-30))  # a clock that was in the future when it was issued
    assert wants(addresses=("192.168.1.6",))
    assert wants(names=("other.local",))
    assert wants(authority=other)
    assert wants(leaf=b"")
    assert wants(leaf=certificates.stand_in(NAMES, ADDRESSES, NOW))
    assert certificates.days_left(leaf, NOW) in (396, 397)


def test_no_certificate_speaks_of_health_care() -> None:
    leaf = certificates.issue(AUTHORITY, NAMES, ADDRESSES, NOW)
    for pem in (AUTHORITY.certificate, leaf):
        certificate = x509.load_pem_x509_certificate(pem)
        said = f"{certificate.subject.rfc4514_string()} {certificate.issuer.rfc4514_string()}".lower()
        assert not any(word in said for word in ("health", "care", "clinic", "patient", "therap", "medic"))


def test_the_authority_key_is_not_printed() -> None:
    assert "PRIVATE" not in repr(AUTHORITY)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = await birth.give_birth(tmp_path / "store", PASSPHRASE, CHEAP)
    yield database
    await database.close()


async def test_a_box_that_was_never_unlocked_shows_a_stand_in_and_then_its_own(
    tmp_path: Path, database: Database
) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    running = tls.context(folder)
    assert await tls.renew(database, folder, "hearth", ADDRESSES, running)
    authority = (folder / tls.CA_FILE).read_bytes()
    assert handshake(running, authority, "hearth.local").version() == "TLSv1.3"
    assert not await tls.renew(database, folder, "hearth", ADDRESSES, running)
    assert await tls.renew(database, folder, "hearth", ("10.0.0.9",), running)
    assert (folder / tls.CA_FILE).read_bytes() == authority
    assert handshake(running, authority, "10.0.0.9").version() == "TLSv1.3"


async def test_the_authority_key_is_in_the_store_only(tmp_path: Path, database: Database) -> None:
    folder = tmp_path / "tls"
    folder.mkdir()
    await tls.renew(database, folder, "hearth", ADDRESSES)
    kept = await database.read(lambda tx: tx.one("SELECT ca_key FROM box_tls"))
    assert kept is not None
    body = bytes(kept["ca_key"]).splitlines()[1]
    assert not any(body in content for content in everything_in(tmp_path).values())
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
