"""`hearth audit` as somebody types it: on a store that nobody runs, and on a box that does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from appliance import terminal
from appliance.__main__ import main
from appliance.assemble import Appliance
from appliance.audit import rows as audit
from appliance.clock import now_text
from appliance.control.client import ControlClient
from appliance.home import Home
from appliance.identity import actions as identity
from appliance.identity.passwords import hash_password
from appliance.policy import BOX, Facts, decide
from appliance.settings import PortalSection, Settings, SignInSection
from appliance.store import birth, keyslots
from appliance.store.connection import connect_writer
from appliance.store.database import Transaction, store_path
from tests.fakes.stores import CHEAP, PASSPHRASE

AT = "2026-01-31T09:30:00Z"


def fill(tx: Transaction) -> None:
    for number in range(1, 40):
        audit.append(tx, decide(BOX, "back_up", Facts(thing=str(number))), AT)
    audit.sign(tx, AT)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a store that holds 39 entries, and a file with its passphrase."""

    async def make() -> None:
        db = await birth.give_birth(found.store, PASSPHRASE, CHEAP)
        await db.write(fill)
        await db.close()

    found = Home(tmp_path / "home")
    found.make()
    asyncio.run(make())
    (tmp_path / "passphrase").write_text(PASSPHRASE + "\n")
    return found


def typed(home: Home, *words: str) -> int:
    secret = str(home.root.parent / "passphrase")
    return main(["audit", *words, "--home", str(home.root), "--passphrase-file", secret])


def tamper(home: Home, *statements: str) -> None:
    key = keyslots.unlock(home.store, PASSPHRASE)
    with closing(connect_writer(store_path(home.store), key)) as raw:
        (guard,) = raw.execute("SELECT sql FROM sqlite_schema WHERE name = 'audit_is_append_only_update'").fetchone()
        raw.execute("DROP TRIGGER audit_is_append_only_update")
        for statement in statements:
            raw.execute(statement)
        raw.execute(guard)


def facts(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_a_whole_audit_is_told_so(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(home, "verify") == 0
    assert "The audit is whole: 39 entries, signed up to 39." in capsys.readouterr().out
    assert typed(home, "verify", "--json") == 0
    told = facts(capsys)
    assert (told["whole"], told["findings"], told["size"]) == (True, [], 40)  # the first look is an entry itself


def test_a_changed_entry_is_named(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    tamper(home, "UPDATE audit SET outcome = 'refused' WHERE sequence = 7")
    assert typed(home, "verify") == 1
    assert "NOT WHOLE: entry 7 was changed" in capsys.readouterr().out


def test_a_store_that_its_witness_speaks_against_is_looked_at_all_the_same(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    tamper(home, "UPDATE audit SET hash = zeroblob(32) WHERE sequence = 39")
    assert typed(home, "verify", "--json") == 1
    assert [found["first"] for found in facts(capsys)["findings"]] == [39]
    assert typed(home, "verify", "--json") == 1


def test_a_stranger_checks_a_proof_with_the_boxs_key_alone(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    assert typed(home, "verify", "--json") == 0
    key, file = facts(capsys)["key"], home.root.parent / "proof.json"
    assert typed(home, "prove", "5", "--out", str(file)) == 0
    elsewhere = str(home.root.parent / "elsewhere")
    assert main(["audit", "check-proof", str(file), "--key", key, "--home", elsewhere]) == 0
    assert "Proved: entry 5 of 41" in capsys.readouterr().out
    file.write_text(file.read_text().replace('"back_up"', '"restore"'))
    assert main(["audit", "check-proof", str(file), "--key", key, "--json"]) == 1
    assert facts(capsys)["proved"] is False


@pytest.mark.parametrize(
    "words", [["prove", "x"], ["prove", "99"], ["check-proof", "/nowhere"], ["verify", "--against", "/nowhere"]]
)
def test_what_cannot_be_is_said_so_with_a_code(home: Home, words: Sequence[str]) -> None:
    assert typed(home, *words) in (1, 2)


def test_the_whole_audit_goes_into_a_file_that_is_never_written_over(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    file = home.root.parent / "audit.csv"
    assert typed(home, "export", "--format", "csv", "--out", str(file)) == 0
    assert len(file.read_text().splitlines()) == 41
    assert typed(home, "export", "--format", "csv", "--out", str(file)) != 0
    capsys.readouterr()
    assert typed(home, "export") == 0
    assert len(capsys.readouterr().out.splitlines()) >= 41


def test_checkpoints_that_hq_holds_name_what_was_signed_anew(home: Home, capsys: pytest.CaptureFixture[str]) -> None:
    """The note out of a record, as `hearth hq open --json` prints it."""
    key = keyslots.unlock(home.store, PASSPHRASE)
    with closing(connect_writer(store_path(home.store), key)) as raw:
        (body,) = raw.execute("SELECT body FROM outbox WHERE record_class = 'audit_checkpoint'").fetchone()
    file = home.root.parent / "hq.jsonl"
    file.write_text(json.dumps({"class": "audit_checkpoint", "body": json.loads(body)}) + "\n")
    assert typed(home, "verify", "--against", str(file)) == 0
    other = home.root.parent / "none.txt"
    other.write_text("nothing of the kind")
    assert typed(home, "verify", "--against", str(other)) == 2
    capsys.readouterr()


async def test_on_a_running_box_an_auditor_signs_in_for_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(
        portal=PortalSection(host="127.0.0.1", port=0, announce=False), sign_in=SignInSection(second_factor="optional")
    )
    box = Appliance(home, settings, feed_start=0)
    await box.start()
    try:
        await box.unlock(PASSPHRASE)
        phc = hash_password("made-up-password")
        await box.clinic().db.write(lambda tx: identity.appoint(tx, BOX, "Vera", "vera", "auditor", phc, now_text()))

        async def sign_in(client: ControlClient) -> None:
            await client.sign_in("vera", "made-up-password")

        monkeypatch.setattr(terminal, "sign_in", sign_in)
        async with terminal.signed_in(home.control_socket) as client:
            told = await client.audit_verify()
            assert (told.findings, told.signed > 0) == ((), True)
            assert json.loads(await client.audit_proof(3))["entry"]["sequence"] == 3
            exported = b"".join([portion async for portion in client.audit_export("jsonl")])
            assert len(exported.splitlines()) > 40
        entries = [entry for entry in await box.clinic().db.read(audit.entries) if entry.role == "auditor"]
        assert [entry.action for entry in entries if entry.address == "console" and entry.action != "see"] == [
            *("sign_in", "verify_audit", "export_audit", "export_audit", "sign_out")
        ]
    finally:
        await box.close()
