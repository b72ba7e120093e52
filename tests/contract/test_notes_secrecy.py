"""Whoever has the store and its key, and no clinician's password: they find ids, numbers and times, and no word."""

from __future__ import annotations

import base64
from pathlib import Path

from appliance.clinic import Clinic
from appliance.notes.access import actions as access
from appliance.notes.access.rules import RECOVERY
from appliance.store import keyslots
from appliance.store.connection import connect_reader
from appliance.store.database import Transaction, store_path
from tests.fakes.box import PASSPHRASE, PASSWORD, open_box
from tests.fakes.notes import Notes, notes_of
from tests.fakes.stores import everything_in

NOTE, TITLE, REASON = "xylophonewitness sleeps badly", "quaggatitle", "zeppelinreason at night"
LATER = "ocarinaversion of the same"
WORDS = ("xylophonewitness", "quaggatitle", "zeppelinreason", "ocarinaversion")


async def test_the_store_with_its_key_tells_no_word_of_a_note_title_or_reason_and_no_key(tmp_path: Path) -> None:
    async with open_box(tmp_path) as box:
        notes = await notes_of(box)
        secrets = await _a_day(notes)
        with_wal = everything_in(tmp_path)
        assert any(name.endswith("-wal") for name in with_wal)
        _look_at_every_cell(tmp_path / "store", secrets)
    for name, content in [*with_wal.items(), *everything_in(tmp_path).items()]:
        for secret in secrets:
            assert secret not in content, name


async def _a_day(notes: Notes) -> list[bytes]:
    """Write, amend, search, give, recover, break the glass. What must be nowhere: words, and the keys in memory."""
    book, clinic = notes.box.clinic.notebook, notes.box.clinic
    lead, mara = await notes.lead(), await notes.staff("mara")
    note = await notes.write(mara, NOTE, TITLE, await notes.patient())
    await book.amend(mara, note, 1, TITLE, LATER)
    assert len((await book.search(mara, "ocarinavers")).entries) == 1
    await notes.let_in("ines")
    ines = await notes.staff("ines")
    await notes.give_all(mara)
    glass = await book.break_glass(lead, notes.group, await notes.patient(), REASON)
    await book.read_through(lead, glass, note)
    await book.recover(lead, notes.group, ines.actor.person)
    keys = [clinic.ring.key(who.login) for who in (lead, mara, ines)]
    recovery, group = await clinic.db.read(lambda tx: _keys_of(tx, clinic, notes.group, lead.actor.person, lead.login))
    seeds = [key.seed() for key in keys] + [recovery, group]
    return [
        *(form for word in WORDS for form in (word.encode(), word.encode("utf-16-le"))),
        *(form for seed in seeds for form in (seed, seed.hex().encode(), base64.b64encode(seed))),
        PASSWORD.encode(),
    ]


def _keys_of(tx: Transaction, clinic: Clinic, group: str, lead: str, login: bytes) -> tuple[bytes, bytes]:
    """The recovery key's seed and the raw key of the group's epoch, as only a lead's key gets at them."""
    recovery = access.recovery_key(tx, lead, clinic.ring.key(login))
    return recovery.seed(), access.group_keys(tx, group, RECOVERY, recovery)[1]._raw


def _look_at_every_cell(folder: Path, secrets: list[bytes]) -> None:
    """With the store's key alone: every table, every column, every row, and the schema itself."""
    opened = keyslots.unlock(folder, PASSPHRASE)
    store = connect_reader(store_path(folder), getattr(opened, "key", opened))
    seen = set()
    tables = [row[0] for row in store.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    for table in [*tables, "sqlite_schema"]:
        for row in store.execute(f"SELECT * FROM {table}"):  # noqa: S608 - the store's own names
            for value in row:
                seen.add(table)
                cell = value if isinstance(value, bytes) else str(value).encode()
                for secret in secrets:
                    assert secret not in cell and secret.lower() not in cell.lower(), table
    store.close()
    assert {"notes", "note_versions", "glass_breaks", "clinician_keys", "care_group_keys", "audit"} <= seen
