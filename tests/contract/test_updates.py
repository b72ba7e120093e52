"""Releases as the appliance has them: found, wanted of the courier, installed and started because a person asks."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errands import Told, Word
from appliance.faults import Fault
from appliance.policy import Actor
from appliance.store.database import Database
from appliance.updates import rows, rules
from appliance.updates.actions import Updates
from sync import items
from sync.releases import Wanted
from tests.fakes.box import OpenBox, open_box
from tests.fakes.updates import STICK, Slotted, updates
from tests.fakes.waiting import until

NIGHT = datetime(2031, 3, 4, 22, 0, tzinfo=UTC)
TOLD = items.Update(version=1, release="0.7.1", since="2031-03-01", digest="a" * 64, size=4000)


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[OpenBox]:
    async with open_box(tmp_path) as box:
        yield box


@pytest.fixture
def admin(opened: OpenBox) -> Actor:
    return Actor(person=opened.staff["ruth"], role="administrator", surface="console", address="console")


class Looking(Slotted):
    """A steward whose looks find what stands in the file's name."""

    async def ask(self, word: Word, what: dict[str, Any], seconds: float = 30.0) -> Told:
        told = await super().ask(word, what, seconds)
        if what.get("do") != "look":
            return told
        return msgspec.structs.replace(told, facts={"version": Path(what["path"]).stem, "refused": ""})


def deeds(errands: Slotted) -> list[str]:
    return [what["do"] for _, what in errands.asked]


# -- rules


def test_only_what_is_newer_is_fetched() -> None:
    assert rules.newer("0.7.10", "0.7.9")
    assert not rules.newer("0.7.0", "0.7.0")
    assert not rules.newer("rubbish", "0.7.0")
    assert not rules.newer("0.7", "0.6.0")


@given(st.integers(1_770_000_000, 3_700_000_000), st.integers(-12, 14))
def test_tonight_is_within_a_day_at_three_in_the_clinics_own_time(moment: int, hours: int) -> None:
    now = datetime.fromtimestamp(moment, timezone(timedelta(hours=hours)))
    at = rules.tonight(now)
    assert timedelta(0) < at - now <= timedelta(days=1)
    assert (at.hour, at.minute) == (3, 0)
    assert rules.due(at.timestamp(), at.timestamp())
    assert not rules.missed(at.timestamp(), now.timestamp())


# -- what is there


async def test_sticks_and_spool_are_looked_at_once_each(tmp_path: Path, opened: OpenBox) -> None:
    errands = Looking()
    held = updates(tmp_path, errands, ())
    for place in ("spool/update/aa.raucb", "media/blue/0.7.1.raucb", "media/blue/notes.txt", "media/blue/deep/x.raucb"):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(b"a bundle")
    await held.look(opened.clinic.db)
    await held.look(opened.clinic.db)
    assert [(one.where, one.version) for one in held.told().found] == [("", "aa"), ("blue", "0.7.1")]
    assert deeds(errands) == ["look", "look"]
    (tmp_path / "media/blue/0.7.1.raucb").write_bytes(b"another bundle")
    await held.look(opened.clinic.db)
    assert deeds(errands) == ["look"] * 3


def test_the_courier_is_asked_for_what_is_newer_and_for_this_kind_of_box(tmp_path: Path) -> None:
    held, wanted = updates(tmp_path), tmp_path / "spool" / "update" / "wanted.json"
    (tmp_path / "spool").mkdir()
    held._want(TOLD, "0.7.0")
    assert not wanted.exists()  # no kind of box: not ours
    (tmp_path / "system.conf").write_text("[system]\ncompatible = hearth-box-amd64\n")
    held._want(TOLD, "0.7.0")
    said = msgspec.json.decode(wanted.read_bytes(), type=Wanted)
    assert (said.release, said.digest, said.compatible) == ("0.7.1", "a" * 64, "hearth-box-amd64")
    before = wanted.stat().st_mtime_ns
    held._want(TOLD, "0.7.0")
    assert wanted.stat().st_mtime_ns == before
    held._want(TOLD, "0.7.1")
    assert not wanted.exists()  # it runs: what lies in the spool goes


# -- what a person asks for


async def test_who_may_not_installs_nothing(tmp_path: Path, opened: OpenBox, admin: Actor) -> None:
    errands = Slotted()
    held = updates(tmp_path, errands)
    other = Actor(person=admin.person, role="operator", surface="console", address="console")
    with pytest.raises(Fault, match="refused"):
        await held.begin(opened.clinic.db, other, STICK.path, anyway=False)
    assert errands.asked == []


async def test_what_was_not_found_is_not_installed(tmp_path: Path, opened: OpenBox, admin: Actor) -> None:
    errands = Slotted()
    with pytest.raises(Fault, match="not_found"):
        await updates(tmp_path, errands).begin(opened.clinic.db, admin, "/etc/shadow", anyway=False)
    assert errands.asked == []


async def test_an_installation_that_failed_is_told(tmp_path: Path, opened: OpenBox, admin: Actor) -> None:
    held = updates(tmp_path, Slotted("update_damaged"))
    await held.begin(opened.clinic.db, admin, STICK.path, anyway=False)
    assert held.told().step == "installing"
    await until(lambda: held.told().step == "")
    assert held.told().fault == "update_damaged"


async def test_a_restart_at_night_is_kept_over_a_power_cut(tmp_path: Path, opened: OpenBox, admin: Actor) -> None:
    db, seconds = opened.clinic.db, [NIGHT.timestamp()]

    def box(errands: Slotted) -> Updates:
        made = updates(tmp_path, errands)
        made.wall = lambda: seconds[0]
        return made

    await box(Slotted(installed="0.7.1")).restart(db, admin, "tonight", anyway=False)
    errands = Slotted(installed="0.7.1")
    held = box(errands)
    promised = json.loads((tmp_path / "restart.json").read_bytes())
    held._tell(restart_at=promised)
    await held._keep_promise(db)
    assert errands.asked == []
    seconds[0] = promised + 10
    await held._keep_promise(db)
    assert errands.asked == [("power", {"do": "restart"})]
    assert not (tmp_path / "restart.json").exists()


async def test_a_night_that_the_box_was_off_is_followed_by_another(
    tmp_path: Path, opened: OpenBox, admin: Actor
) -> None:
    db, seconds, errands = opened.clinic.db, [NIGHT.timestamp()], Slotted(installed="0.7.1")
    held = updates(tmp_path, errands)
    held.wall = lambda: seconds[0]
    await held.restart(db, admin, "tonight", anyway=False)
    first = held.told().restart_at
    seconds[0] = first + 6 * 3600
    await held._keep_promise(db)
    assert errands.asked == []
    assert held.told().restart_at > seconds[0]


async def test_in_a_session_the_night_waits_for_the_next_one(
    tmp_path: Path, opened: OpenBox, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    db, errands = opened.clinic.db, Slotted(installed="0.7.1")
    held = updates(tmp_path, errands)
    await held.restart(db, admin, "tonight", anyway=False)
    at = held.told().restart_at
    held.wall = lambda: at + 10
    monkeypatch.setattr(rows, "sessions_go_on", lambda tx: True)
    await held._keep_promise(db)
    assert errands.asked == []
    assert held.told().restart_at == pytest.approx(at + 86_400, abs=3700)
    with pytest.raises(Fault, match="session_open"):
        await held.restart(db, admin, "now", anyway=False)
    await held.restart(db, admin, "now", anyway=True)
    assert errands.asked == [("power", {"do": "restart"})]


# -- on trial


async def test_on_trial_no_store_is_opened_and_afterwards_it_is(tmp_path: Path) -> None:
    errands, opened = Slotted(trial=True), []
    held = updates(tmp_path, errands)
    assert held.on_trial
    assert held.waiting() == ("trial", "0.7.0")

    async def opening() -> None:
        opened.append(held.on_trial)
        raise StopAsyncIteration

    errands.slots["trial"] = False
    with pytest.raises((StopAsyncIteration, RuntimeError)):
        await held.until_proved(opening)
    assert opened == [False]


def test_what_the_steward_cannot_have_said_counts_as_nothing(tmp_path: Path) -> None:
    held = updates(tmp_path, Slotted(trial="perhaps"))
    assert not held.on_trial
    assert not held.possible


async def test_the_note_of_an_installation_stands_in_the_audit(tmp_path: Path, opened: OpenBox, admin: Actor) -> None:
    db: Database = opened.clinic.db
    held = updates(tmp_path)
    await held.begin(db, admin, STICK.path, anyway=False)
    newest = await db.read(lambda tx: tx.one("SELECT action FROM audit ORDER BY sequence DESC LIMIT 1"))
    assert newest is not None
    assert newest["action"] == "install_update"
