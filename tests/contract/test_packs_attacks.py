"""Packs against those who would stop or misuse them: another HQ, a wrong clock, words that are none, a full store."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.clock import now_text
from appliance.outbox import pinned
from appliance.packs import rows
from appliance.policy import BOX, Facts, decide
from appliance.store.database import Database
from appliance.store.key import StoreKey
from sync import items
from sync.hq import folder as hq_folder
from tests.fakes.packs import Office, open_office
from tests.fakes.parties import make_hq


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    db = await Database.create(tmp_path / "store", StoreKey(os.urandom(32)))
    yield await open_office(db, tmp_path)
    await db.close()


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
