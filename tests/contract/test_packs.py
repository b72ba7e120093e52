"""Packs of headquarters on a real store: taken in order, applied whole or not at all, answered, refused."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from appliance.packs import rows, rules
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import items, pack, suite
from sync.content import Record
from sync.envelope import NO_PREVIOUS
from sync.hq import folder as hq_folder
from sync.hq import publish
from tests.fakes.packs import Office, open_office

AT = "2026-03-04T05:06:07Z"


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    db = await Database.create(tmp_path / "store", StoreKey(os.urandom(32)))
    yield await open_office(db, tmp_path)
    await db.close()


def policy(version: int = 1, *held: str, days: int = 30) -> items.Policy:
    return items.Policy(version=version, hold_back=held, hear_within_days=days)


def text(language: str, title: str, body: str) -> items.Text:
    return items.Text(language=language, title=title, body=body)


def agreement(version: int) -> items.Agreement:
    return items.Agreement(
        version=version, texts=(text("en", "Rules", "Be kind."), text("es", "Reglas", "Sea amable."))
    )


async def sent(office: Office) -> list[dict[str, Any]]:
    """What waits for HQ."""
    found = await office.db.read(lambda tx: tx.all("SELECT body FROM outbox ORDER BY number"))
    return [json.loads(row["body"]) for row in found]


async def count(office: Office, table: str) -> int:
    row = await office.db.read(lambda tx: tx.one(f"SELECT count(*) AS n FROM {table}"))  # noqa: S608
    return int(row["n"]) if row else 0


# -- the chain ---------------------------------------------------------------------------------------------------------


async def test_a_pack_is_applied_and_hq_is_told(office: Office) -> None:
    applier = await office.send(policy(1, "audit_checkpoint"), agreement(4))
    told = applier.told()
    assert (told.applied, told.waiting, told.fault) == (1, 0, "")
    (answer,) = await sent(office)
    raw = await office.raw(1)
    assert (answer["record"], answer["number"], answer["hash"]) == ("pack_applied", 1, suite.digest(raw).hex())
    assert answer["kinds"] == ["policy", "agreement"]
    assert office.waiting_files() == []
    assert json.loads((office.spool / "packs.json").read_text()) == {"applied": 1, "next": 2}
    assert (await office.db.read(rows.counting_agreement)).version == 4  # type: ignore[union-attr]
    assert await count(office, "held_back") == 1


async def test_packs_that_come_in_any_order_are_applied_in_theirs(office: Office) -> None:
    for version in (1, 2, 3):
        await office.publish(policy(version, days=version))
    applier = office.applier()
    await office.bring(3, 2)
    await applier.look()
    assert applier.told().applied == 0
    await office.bring(1)
    await applier.look()
    assert applier.told().applied == 3
    kept = await office.db.read(lambda tx: rows.kept(tx, "policy") or b"")
    assert json.loads(kept)["hear_within_days"] == 3


async def test_the_same_pack_again_changes_nothing(office: Office) -> None:
    await office.send(agreement(1))
    await office.bring(1)
    applier = office.applier()
    await applier.look()
    assert (applier.told().applied, applier.told().fault, office.waiting_files()) == (1, "", [])
    assert len(await sent(office)) == 1


async def test_an_item_that_fails_at_the_end_leaves_nothing_of_the_pack(office: Office) -> None:
    missing = items.Resource(
        version=1, id="calm", title="Calm", kind="document", media_type="application/pdf", digest="0" * 64, size=5
    )
    applier = await office.send(
        policy(1, "audit_checkpoint"),
        agreement(2),
        items.Roster(
            version=1, staff=(items.Colleague(id="a", name="Ann", username="ann", role="operator", state="active"),)
        ),
        items.TlsName(version=1, name="box7.clinic.example"),
        missing,
    )
    assert applier.told().fault == "parts_missing"
    for table in ("held_back", "agreements", "hq_roster", "portal_request", "pack_items", "resources"):
        assert await count(office, table) == 0, table
    (answer,) = await sent(office)
    assert (answer["record"], answer["code"]) == ("pack_refused", "parts_missing")


async def test_a_refused_pack_holds_later_ones_until_one_makes_it_void(office: Office) -> None:
    await office.publish(policy(5))
    await office.publish(policy(4))  # older: a rollback
    await office.publish(agreement(1))
    await office.bring(1, 2, 3)
    applier = office.applier()
    await applier.look()
    assert (applier.told().applied, applier.told().waiting, applier.told().fault) == (1, 2, "item_older")
    assert json.loads((office.spool / "packs.json").read_text()) == {"applied": 1, "next": 4}
    await office.publish(*publish.void([2]))
    await office.bring(4)
    await applier.look()
    assert (applier.told().applied, applier.told().fault) == (4, "")
    assert [(one["record"], one.get("code")) for one in await sent(office)] == [
        ("pack_applied", ""),
        ("pack_refused", "item_older"),
        ("pack_refused", "void"),
        ("pack_applied", ""),
        ("pack_applied", ""),
    ]


async def test_what_a_newer_version_made_waits_and_is_taken_after_an_upgrade(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = items.KINDS["policy"]
    await office.publish(policy(1))
    await office.publish(agreement(1))
    await office.bring(1, 2)
    monkeypatch.delitem(items.KINDS, "policy")
    applier = office.applier()
    await applier.look()
    await applier.look()
    assert (applier.told().applied, applier.told().fault) == (0, "unsupported_version")
    assert [one["code"] for one in await sent(office)] == ["unsupported_version"]  # told once
    monkeypatch.setitem(items.KINDS, "policy", known)
    await applier.look()
    assert applier.told().applied == 0  # nothing is new for this process
    upgraded = office.applier()
    await upgraded.look()
    assert (upgraded.told().applied, upgraded.told().fault) == (2, "")


async def test_an_unknown_format_of_a_known_kind_is_a_newer_version_too(office: Office) -> None:
    office.put(1, office.sealed([Record(1, "policy", AT, b'{"format":2,"version":1,"mood":"kind"}')]))
    applier = office.applier()
    await applier.look()
    assert applier.told().fault == "unsupported_version"


# -- attacks -----------------------------------------------------------------------------------------------------------


async def refused(office: Office, raw: bytes, number: int = 1) -> str:
    """Why a file is not taken; nothing of it may be in the store."""
    office.put(number, raw)
    applier = office.applier()
    await applier.look()
    assert applier.told().applied == number - 1
    assert await count(office, "agreements") == 0
    return applier.told().fault


def other_pack(office: Office, **changed: Any) -> bytes:
    facts: dict[str, Any] = {
        "kind": pack.ITEMS,
        "box": office.box.box,
        "number": 1,
        "previous": NO_PREVIOUS,
        "inbox_key": office.box.inbox_key,
        "signing_key": hq_folder.pack_signing_key(office.folder),
        "at": 1,
    }
    body = items.encode(agreement(1))
    return pack.seal([Record(1, "agreement", AT, body)], **{**facts, **changed})


async def test_a_pack_of_another_hq_is_not_taken(office: Office) -> None:
    assert await refused(office, other_pack(office, signing_key=suite.SigningKey(suite.new_seed()))) == "pack_other_key"


async def test_a_pack_for_another_box_is_not_taken(office: Office) -> None:
    assert await refused(office, other_pack(office, box=b"X" * 16)) == "pack_other_box"


async def test_a_changed_byte_is_not_taken(office: Office) -> None:
    raw = bytearray(other_pack(office))
    raw[-100] ^= 1
    assert await refused(office, bytes(raw)) == "bad_signature"


async def test_what_is_larger_than_a_pack_is_not_read_whole(office: Office) -> None:
    assert await refused(office, bytes(pack.MAX_PACK + 1000)) == "too_large"


async def test_a_pack_sealed_to_another_key_waits_and_is_told(office: Office) -> None:
    elsewhere = suite.RecordKey(suite.new_seed()).public
    assert await refused(office, other_pack(office, inbox_key=elsewhere)) == "unknown_recipient"


async def test_a_pack_that_does_not_follow_ours_is_a_fork_and_hq_hears_of_it(office: Office) -> None:
    await office.send(policy(1))
    assert await refused(office, other_pack(office, number=2, previous=b"p" * 32), number=2) == "pack_fork"
    assert (await sent(office))[-1]["code"] == "pack_fork"


async def test_other_bytes_under_a_number_that_we_have_are_a_fork(office: Office) -> None:
    await office.send(policy(1))
    office.put(1, other_pack(office))
    applier = office.applier()
    await applier.look()
    assert (applier.told().applied, applier.told().fault) == (1, "pack_fork")


async def test_an_older_pack_under_a_new_number_brings_nothing_back(office: Office) -> None:
    await office.send(agreement(2))
    applier = await office.send(agreement(1))
    assert applier.told().fault == "item_older"
    assert (await office.db.read(rows.counting_agreement)).version == 2  # type: ignore[union-attr]


async def test_swapped_items_of_one_version_are_older(office: Office) -> None:
    await office.send(policy(3, days=9))
    applier = await office.send(policy(3, days=90))
    assert applier.told().fault == "item_older"


async def test_an_item_that_does_not_fit_its_words_refuses_the_pack(office: Office) -> None:
    for body in (b"{}", b"[]", b'{"format":1,"version":0}', b'{"format":1,"version":1,"more":1}', b"\xff"):
        office.put(1, office.sealed([Record(1, "policy", AT, body)]))
        applier = office.applier()
        await applier.look()
        assert applier.told().fault == "malformed_item", body
        await office.db.write(lambda tx: tx.execute("DELETE FROM packs"))


async def test_parts_without_their_end_are_bounded(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "MAX_PARTS_HELD", 100_000)
    applier = await office.send(*items.parts_of(os.urandom(200_000), 1))
    assert applier.told().fault == "too_large"
    row = await office.db.read(lambda tx: tx.one("SELECT sum(length(data)) AS held FROM resource_parts"))
    assert row is not None and row["held"] <= 100_000


async def test_a_file_that_hq_began_and_never_ended_keeps_no_later_one_out(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules, "MAX_PARTS_HELD", 100_000)
    left = items.parts_of(os.urandom(90_000), 1)
    await office.send(*left)
    whole = os.urandom(80_000)
    parts = items.parts_of(whole, 1)
    file = items.Resource(
        version=1, id="later", title="Later", kind="document", media_type="application/pdf",
        digest=parts[0].digest, size=len(whole),
    )  # fmt: skip
    told = (await office.send(*parts, file)).told()
    assert told.fault == "" and await count(office, "resources") == 1
    assert await count(office, "resource_parts") == 0
