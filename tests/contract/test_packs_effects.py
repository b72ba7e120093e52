"""What packs bring, seen where people meet it: agreements signed anew, the library, staff, the portal's certificate."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import datetime
import json
import os
import ssl
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from appliance import clock
from appliance.consent import rows as consent
from appliance.identity import actions as identity
from appliance.identity import rows as accounts
from appliance.outbox import pinned
from appliance.outbox import rows as outbox
from appliance.packs import naming, rows, rules
from appliance.packs.actions import facts
from appliance.policy import Actor
from appliance.portal import named, resources, tls
from appliance.sessions import rows as sessions
from appliance.store.database import Transaction
from sync import items, keys
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import publish
from tests.fakes.box import PHC, OpenBox
from tests.fakes.packs import Office, open_office
from tests.fakes.portal import Newcomer, show_ticket, sign_in
from tests.fakes.visitor import Visitor

AT = "2026-03-04T05:06:07Z"


@pytest.fixture
async def office(box: OpenBox, tmp_path: Path) -> Office:
    (tmp_path / "far").mkdir()
    found = await open_office(box.clinic.db, tmp_path / "far")
    return found


async def live(box: OpenBox, office: Office, *some: Any) -> Any:
    """Send, with the clinic's own way of ending logins."""
    made = await office.publish(*some)
    await office.bring(*range(made.first, made.last + 1))
    applier = office.applier()
    applier._ended = box.clinic.end_logins_of
    await applier.look()
    return applier.told()


def text(thing: str, title: str, audience: Any = "anyone", language: str = "en", version: int = 1) -> items.Resource:
    return items.Resource(
        version=version, id=thing, title=title, language=language, audience=audience, text="Breathe in.\n\nBreathe out."
    )


def listed(username: str, role: Any = "operator", state: Any = "active") -> items.Colleague:
    return items.Colleague(id=f"hq-{username}", name=username.title(), username=username, role=role, state=state)


def roster(version: int, *staff: items.Colleague) -> items.Roster:
    return items.Roster(version=version, staff=staff)


# -- agreements and policy ---------------------------------------------------------------------------------------------


async def test_a_new_agreement_asks_everybody_to_sign_again(box: OpenBox, office: Office, newcomer: Newcomer) -> None:
    patient = await box.wait_at_the_door(0)
    group = (await box.clinic.db.read(lambda tx: sessions.session(tx, box.session))).care_group
    assert await box.clinic.db.read(lambda tx: consent.has_signed(tx, patient.person, group))
    words = (("en", "New words", "Be kind."), ("es", "Palabras nuevas", "Sea amable."))
    texts = tuple(items.Text(language=a, title=b, body=c) for a, b, c in words)
    await office.send(items.Agreement(version=1, texts=texts))
    assert not await box.clinic.db.read(lambda tx: consent.has_signed(tx, patient.person, group))
    counting = await box.clinic.db.read(rows.counting_agreement)
    assert counting is not None and (counting.version, counting.hq_version) == (2, 1)  # the box has its own version 1
    visitor = newcomer()
    await sign_in(visitor)
    page = await visitor.get("/staff/library")
    assert "It came from headquarters (version 1 there)." in page.text and "Version 2" in page.text


async def test_policy_holds_a_class_back_that_the_box_would_send(box: OpenBox, office: Office) -> None:
    await office.send(items.Policy(version=1, hold_back=("audit_checkpoint",)))
    add = box.clinic.db.write
    assert await add(lambda tx: outbox.add(tx, "audit_checkpoint", b"{}", AT)) == 0
    await office.send(items.Policy(version=2))
    assert await add(lambda tx: outbox.add(tx, "audit_checkpoint", b"{}", AT)) > 0


# -- the library -------------------------------------------------------------------------------------------------------


async def test_each_reads_what_is_meant_for_them(box: OpenBox, office: Office, newcomer: Newcomer) -> None:
    await office.send(
        text("open", "For anyone"), text("inner", "For patients", "patients"), text("desk", "For staff", "staff")
    )
    stranger, patient, staff = newcomer(), newcomer(), newcomer()
    await show_ticket(patient, box)
    await sign_in(staff)
    for visitor, seen in ((stranger, "open"), (patient, "open inner"), (staff, "open inner desk")):
        page = await visitor.get("/resources")
        assert page.status == 200
        for thing in ("open", "inner", "desk"):
            there = thing in seen.split()
            assert (f'href="/resources/{thing}"' in page.text) == there
            assert ((await visitor.get(f"/resources/{thing}")).status == 200) == there
    assert "<p>Breathe out.</p>" in (await stranger.get("/resources/open")).text


async def test_an_empty_library_says_so_in_each_language(newcomer: Newcomer, office: Office) -> None:
    assert "There is nothing here yet." in (await newcomer().get("/resources")).text
    assert "Todavía no hay nada aquí." in (await newcomer("es").get("/resources")).text


async def test_a_text_of_another_language_is_set_apart(office: Office, newcomer: Newcomer) -> None:
    await office.send(text("calma", "La calma", language="es"))
    assert "In other languages" in (await newcomer().get("/resources")).text
    assert "En otros idiomas" not in (await newcomer("es").get("/resources")).text


async def document(office: Office, tmp_path: Path, raw: bytes, kind: str = "document", media: str = "") -> None:
    (tmp_path / "thing.bin").write_bytes(raw)
    described = tmp_path / "thing.toml"
    described.write_text(
        f'version = 1\nid = "sheet"\ntitle = "A sheet"\nkind = "{kind}"\naudience = "anyone"\n'
        f'media_type = "{media or "application/pdf"}"\nfile = "thing.bin"\n'
    )
    await office.send(*publish.resource(described))


async def test_a_file_of_many_parts_is_put_together_and_handed_out_safely(
    office: Office, newcomer: Newcomer, tmp_path: Path
) -> None:
    raw = b"%PDF-1.7\n" + os.urandom(300_000)
    await document(office, tmp_path, raw)
    visitor = newcomer()
    await visitor.get("/resources/sheet")
    async with visitor.http.get(f"{visitor.origin}/resources/sheet/file") as answer:
        assert (answer.status, await answer.read()) == (200, raw)
        told = answer.headers
    assert told["Content-Disposition"] == 'attachment; filename="sheet.pdf"'
    assert told["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert (told["X-Content-Type-Options"], told["Content-Type"]) == ("nosniff", "application/pdf")
    row = await office.db.read(lambda tx: tx.one("SELECT count(*) AS n FROM resource_parts"))
    assert row is not None and row["n"] == 0


async def test_a_file_is_read_in_pieces_and_a_reader_holds_one_of_them(
    office: Office, newcomer: Newcomer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = os.urandom(250_001)
    await document(office, tmp_path, raw)
    monkeypatch.setattr(resources, "PIECE", 100_000)
    read: list[tuple[int, int]] = []
    real = rows.piece

    def piece(tx: Transaction, one: rows.Resource, first: int, length: int) -> bytes | None:
        read.append((first, length))
        return real(tx, one, first, length)

    monkeypatch.setattr(rows, "piece", piece)
    visitor = newcomer()
    await visitor.get("/resources/sheet")
    assert read == [], "the page of a file needs none of its bytes"
    async with visitor.http.get(f"{visitor.origin}/resources/sheet/file") as answer:
        assert await answer.read() == raw and answer.headers["Cache-Control"] == "no-store"
    assert read == [(0, 100_000), (100_000, 100_000), (200_000, 50_001)]


async def test_what_is_replaced_while_somebody_reads_it_is_cut_off_and_never_mixed(
    office: Office, newcomer: Newcomer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await document(office, tmp_path, os.urandom(250_001))
    monkeypatch.setattr(resources, "PIECE", 100_000)
    real = rows.piece
    monkeypatch.setattr(rows, "piece", lambda tx, one, at, length: None if at else real(tx, one, at, length))
    visitor = newcomer()
    with pytest.raises(aiohttp.ClientError):
        async with visitor.http.get(f"{visitor.origin}/resources/sheet/file") as answer:
            await answer.read()
    sheet = await office.db.read(lambda tx: rows.resource(tx, "sheet"))
    assert sheet is not None
    other = dataclasses.replace(sheet, version=2)
    monkeypatch.undo()
    assert await office.db.read(lambda tx: rows.piece(tx, other, 0, 10)) is None


async def test_only_so_many_files_are_handed_out_at_once_and_pages_go_on(
    office: Office, newcomer: Newcomer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await document(office, tmp_path, b"%PDF-1.7")
    monkeypatch.setattr(resources, "FILES_AT_ONCE", 1)
    with resources._files.one_more():
        visitor = newcomer()
        assert (await visitor.get("/resources/sheet/file")).status == 429
        assert (await visitor.get("/resources/sheet")).status == 200
    async with visitor.http.get(f"{visitor.origin}/resources/sheet/file") as answer:
        assert answer.status == 200


@pytest.mark.parametrize(
    ("asked", "status", "part"),
    [
        ("bytes=0-3", 206, slice(0, 4)),
        ("bytes=5-", 206, slice(5, None)),
        ("bytes=-2", 206, slice(-2, None)),
        ("bytes=900-", 416, slice(0, 0)),
        ("lines=1-2", 200, slice(None)),
    ],
)
async def test_a_player_gets_the_part_it_asks_for(
    office: Office, newcomer: Newcomer, tmp_path: Path, asked: str, status: int, part: slice
) -> None:
    raw = bytes(range(100))
    await document(office, tmp_path, raw, "audio", "audio/mpeg")
    visitor = newcomer()
    url = f"{visitor.origin}/resources/sheet/file"
    async with visitor.http.get(url, headers={"Range": asked}) as answer:
        assert (answer.status, await answer.read()) == (status, raw[part])


async def test_a_removed_resource_is_gone_and_an_older_one_does_not_come_back(
    office: Office, newcomer: Newcomer
) -> None:
    await office.send(text("open", "For anyone", version=1))
    await office.send(items.Resource(version=2, id="open", removed=True))
    assert (await newcomer().get("/resources/open")).status == 404
    applier = await office.send(text("open", "For anyone", version=1))
    assert applier.told().fault == "item_older"


@pytest.mark.parametrize("media", ["text/html", "image/svg+xml", "application/x-msdownload"])
async def test_nothing_that_a_browser_could_run_is_published(media: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"<script>")
    described = tmp_path / "x.toml"
    described.write_text(
        f'version=1\nid="x"\ntitle="x"\nkind="document"\nmedia_type="{media}"\nfile="x"', encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"x\.toml"):
        publish.resource(described)


# -- staff -------------------------------------------------------------------------------------------------------------


async def administrator(visitor: Visitor) -> None:
    await sign_in(visitor, "ruth")


async def test_a_roster_that_retires_somebody_ends_their_login_at_once(
    box: OpenBox, office: Office, newcomer: Newcomer
) -> None:
    mara = newcomer()
    await sign_in(mara)
    await mara.get(f"/staff/sessions/{box.session}")
    async with mara.socket(f"/staff/sessions/{box.session}/ws") as line:
        await live(box, office, roster(1, listed("mara", "facilitator", "retired")))
        async with asyncio.timeout(5):
            while not (await line.receive()).type.name.startswith("CLOS"):
                pass
    assert (await mara.get("/staff")).path == "/staff/sign-in"
    assert (await sign_in(mara)).path == "/staff/sign-in"


async def test_whom_hq_lists_is_appointed_by_a_person_of_the_box(
    box: OpenBox, office: Office, newcomer: Newcomer
) -> None:
    told = await live(box, office, roster(1, listed("noor")))
    assert told.to_appoint == 1
    assert await box.clinic.db.read(lambda tx: accounts.account(tx, "noor")) is None
    ruth = newcomer()
    await administrator(ruth)
    page = await ruth.get("/staff/people")
    assert "Headquarters asks you to appoint" in page.text and "username=noor" in page.text
    form = await ruth.get("/staff/people/new?name=Noor&username=noor&role=operator")
    assert 'value="noor"' in form.text
    await ruth.post("/staff/people/new", name="Noor", username="noor", role="operator")
    found = await box.clinic.db.read(lambda tx: accounts.account(tx, "noor"))
    assert found is not None and found.must_change
    assert "asks you to appoint" not in (await ruth.get("/staff/people")).text


async def test_who_gets_another_user_name_at_hq_keeps_the_account_and_can_still_be_retired(
    box: OpenBox, office: Office
) -> None:
    await live(box, office, roster(1, listed("mara", "facilitator")))
    renamed = msgspec.structs.replace(listed("mara", "facilitator"), username="mara.n")
    told = await live(box, office, roster(2, renamed))
    assert (told.applied, told.to_appoint) == (2, 0)
    assert (await box.clinic.db.read(lambda tx: accounts.account(tx, "mara.n"))).person == box.staff["mara"]  # type: ignore[union-attr]
    await live(box, office, roster(3, msgspec.structs.replace(renamed, state="retired")))
    assert await box.clinic.db.read(lambda tx: accounts.account(tx, "mara.n")) is None
    assert await box.clinic.db.read(lambda tx: accounts.account(tx, "mara")) is None


async def test_a_user_name_that_somebody_has_is_taken_from_nobody(box: OpenBox, office: Office) -> None:
    await live(box, office, roster(1, listed("mara", "facilitator")))
    await live(box, office, roster(2, msgspec.structs.replace(listed("mara", "administrator"), username="ruth")))
    assert (await box.clinic.db.read(lambda tx: accounts.account(tx, "ruth"))).person == box.staff["ruth"]  # type: ignore[union-attr]
    assert (await box.clinic.db.read(lambda tx: accounts.account(tx, "mara"))).role == "facilitator"  # type: ignore[union-attr]


async def test_the_last_administrator_stays_until_there_is_another(
    box: OpenBox, office: Office, newcomer: Newcomer
) -> None:
    ruth = newcomer()
    await administrator(ruth)
    told = await live(box, office, roster(1, listed("ruth", "administrator", "retired")))
    assert (told.applied, told.kept_accounts) == (1, 1)
    assert (await ruth.get("/staff")).path == "/staff/sign-in"  # but her logins ended
    await administrator(ruth)
    assert "Headquarters wants this account retired" in (await ruth.get("/staff/people")).text
    actor = Actor(box.staff["ruth"], "administrator", "portal")
    await box.clinic.db.write(lambda tx: identity.appoint(tx, actor, "Ned", "ned", "administrator", PHC, AT))
    applier = office.applier()
    await applier.look()
    assert applier.told().kept_accounts == 0
    assert (await box.clinic.db.read(lambda tx: accounts.account_of(tx, box.staff["ruth"]))).retired  # type: ignore[union-attr]


async def test_a_wish_that_hq_takes_back_is_not_granted_later(box: OpenBox, office: Office) -> None:
    await live(box, office, roster(1, listed("ruth", "administrator", "retired")))
    told = await live(box, office, roster(2, listed("ruth", "administrator")))
    assert told.kept_accounts == 0
    actor = Actor(box.staff["ruth"], "administrator", "portal")
    await box.clinic.db.write(lambda tx: identity.appoint(tx, actor, "Ned", "ned", "administrator", PHC, AT))
    await office.applier().look()
    assert not (await box.clinic.db.read(lambda tx: accounts.account_of(tx, box.staff["ruth"]))).retired  # type: ignore[union-attr]


async def test_a_roster_as_before_takes_no_revocation_back(box: OpenBox, office: Office) -> None:
    await live(box, office, roster(1, listed("ruth", "administrator")))
    await live(box, office, *publish.revocations(["ruth"], False))
    assert (await live(box, office, roster(2, listed("ruth", "administrator")))).kept_accounts == 1


async def test_a_role_that_hq_changes_counts_at_once(box: OpenBox, office: Office, newcomer: Newcomer) -> None:
    mara = newcomer()
    await sign_in(mara)
    await live(box, office, roster(1, listed("mara", "billing")))
    assert (await mara.get("/staff")).path == "/staff/sign-in"
    found = await box.clinic.db.read(lambda tx: accounts.account(tx, "mara"))
    assert found is not None and found.role == "billing"


async def test_a_roster_leaves_alone_whom_it_does_not_name(box: OpenBox, office: Office) -> None:
    before = await box.clinic.db.read(accounts.accounts)
    await live(box, office, roster(1, listed("mara", "facilitator")))
    assert await box.clinic.db.read(accounts.accounts) == before


async def test_a_revoked_account_is_retired_and_everybody_can_be_signed_out(
    box: OpenBox, office: Office, newcomer: Newcomer
) -> None:
    paul, jonas = newcomer(), newcomer()
    await sign_in(paul, "paul")
    await sign_in(jonas, "jonas")
    await live(box, office, *publish.revocations(["paul", "stranger"], False))
    assert (await paul.get("/staff")).path == "/staff/sign-in"
    assert (await jonas.get("/staff")).path == "/staff"
    await live(box, office, *publish.revocations([], True))
    assert (await jonas.get("/staff")).path == "/staff/sign-in"
    assert (await sign_in(jonas, "jonas")).path == "/staff"


# -- HQ's keys, an update, silence -------------------------------------------------------------------------------------


def other_keys(folder: Path, serial: int) -> items.HqKeys:
    """HQ's facts with one more receipt key."""
    known = hq_folder.public(folder)
    more = dataclasses.replace(known, receipt_keys=(*known.receipt_keys, b"k" * 32), serial=serial)
    return items.HqKeys(
        version=serial,
        facts=base64.b64encode(keys.hq_to_json(more)).decode(),
    )


async def test_hqs_newer_keys_are_pinned_and_older_ones_refused(box: OpenBox, office: Office) -> None:
    await office.send(other_keys(office.folder, 5))
    known = await box.clinic.db.read(pinned.pinned)
    assert known is not None and (known.serial, len(known.receipt_keys)) == (5, 2)
    assert (await office.send(other_keys(office.folder, 4))).told().fault == "item_older"


async def test_an_update_is_told_of(office: Office) -> None:
    told = (await office.send(items.Update(version=1, release="7.0.0", since="2026-03-01"))).told()
    assert (told.release, told.release_since) == ("7.0.0", "2026-03-01")


async def test_silence_is_told_after_the_days_that_hq_allows_and_never_by_a_doubted_clock(office: Office) -> None:
    await office.send(items.Policy(version=1, hear_within_days=10))
    heard = clock.parse(await office.db.read(pinned.heard_at))
    for days, believed, silent in ((9, True, 0), (10, True, 10), (400, True, 400), (400, False, 0), (-5, True, 0)):
        at = heard + datetime.timedelta(days=days)
        told = await office.db.read(lambda tx, at=at, believed=believed: facts(tx, at, believed=believed))  # type: ignore[misc]
        assert told.silent_days == silent, days


async def test_silence_since_the_start_goes_by_the_clock_that_nobody_sets(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    applier = await office.send(items.Policy(version=1, hear_within_days=10))
    await office.db.write(lambda tx: pinned.heard(tx, "2026-01-01T00:00:00Z"))  # a clock that stands at its beginning
    await applier.look()
    assert applier.told().silent_days == 0
    elapsed = clock.elapsed() + 11 * rules.DAY
    monkeypatch.setattr(clock, "elapsed", lambda: elapsed)
    await applier.look()
    assert applier.told().silent_days == 11


async def test_a_clock_that_was_ahead_hides_no_silence(office: Office) -> None:
    await office.db.write(lambda tx: pinned.heard(tx, "2099-01-01T00:00:00Z"))
    await office.applier().look()
    heard = clock.parse(await office.db.read(pinned.heard_at))
    assert abs((clock.moment() - heard).total_seconds()) < 60


# -- the certificate of the box's name ---------------------------------------------------------------------------------

NAME = "box7.clinic.example"


def signed(csr: str, days: int, names: tuple[str, ...] = (NAME,)) -> str:
    """What a public authority makes of the request."""
    request, key = x509.load_pem_x509_csr(csr.encode()), ec.generate_private_key(ec.SECP256R1())
    now = clock.moment()
    return (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Some authority")]))
        .public_key(request.public_key())
        .serial_number(7)
        .not_valid_before(now - datetime.timedelta(days=100))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )


async def csr_sent(office: Office) -> str:
    row = await office.db.read(
        lambda tx: tx.one("SELECT body FROM outbox WHERE record_class = 'tls_request' ORDER BY number DESC")
    )
    assert row is not None and b"PRIVATE" not in row["body"]
    return str(json.loads(row["body"])["csr"])


async def shown_for(name: str, context: ssl.SSLContext) -> x509.Certificate:
    """The certificate that a browser sees which asks for `name`."""

    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=context)
    port = server.sockets[0].getsockname()[1]
    asking = ssl.create_default_context()
    asking.check_hostname, asking.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=asking, server_hostname=name)
    raw = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    server.close()
    return x509.load_der_x509_certificate(raw)


async def test_a_certificate_that_hq_got_is_shown_for_its_name_and_only_while_it_lasts(
    box: OpenBox, office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "named"
    folder.mkdir()
    await tls.renew(box.clinic.db, folder, "hearth", ())
    by_name, context = named.ByName(), tls.context(folder)
    context.sni_callback = by_name.choose
    await office.send(*publish.tls_name(NAME))
    chain = signed(await csr_sent(office), 60)
    applier = await office.send(items.TlsCertificate(version=9, chain=chain))
    assert (applier.told().certificate_name, applier.told().certificate_days) == (NAME, 59)
    assert await named.follow(box.clinic.db, folder, by_name, tls.bare())
    assert not await named.follow(box.clinic.db, folder, by_name, tls.bare())
    leaf = x509.load_pem_x509_certificate(chain.encode())
    assert await shown_for(NAME, context) == leaf
    assert await shown_for("hearth.local", context) != leaf
    assert (folder / named.NAMED_FILE).stat().st_mode & 0o077 == 0
    later = clock.moment() + datetime.timedelta(days=61)
    monkeypatch.setattr(clock, "moment", lambda: later)
    assert await shown_for(NAME, context) != leaf
    monkeypatch.undo()
    restarted, fresh = named.ByName(), tls.bare()  # a locked box after a restart
    assert restarted.load(folder, fresh) and restarted.names == {NAME}


@pytest.mark.parametrize("wrong", ["key", "name", "local", "ended", "rubbish", "nobody asked"])
async def test_a_certificate_that_does_not_fit_is_refused(office: Office, wrong: str) -> None:
    if wrong != "nobody asked":
        await office.send(*publish.tls_name(NAME))
    stranger = naming.new_request(NAME)[1]
    csr = stranger if wrong in ("key", "nobody asked") else await csr_sent(office)
    names = {"name": ("other.example",), "local": (NAME, "hearth.local")}.get(wrong, (NAME,))
    chain = signed(csr, -1 if wrong == "ended" else 60, names)
    if wrong == "rubbish":
        chain = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    applier = await office.send(items.TlsCertificate(version=9, chain=chain))
    assert applier.told().fault == "certificate_unfit"
    assert await office.db.read(rows.named) is None


async def test_a_private_key_never_goes_into_a_pack() -> None:
    key, _ = naming.new_request(NAME)
    with pytest.raises(SyncFault, match="malformed_item"):
        items.encode(items.TlsCertificate(version=1, chain=f"-----BEGIN CERTIFICATE-----\n{key.decode()}"))


def test_the_boxs_number_of_an_agreement_is_always_the_newest() -> None:
    assert [rules.agreement_version(have, wanted) for have, wanted in ((0, 1), (1, 1), (3, 9), (9, 3))] == [1, 2, 9, 10]
