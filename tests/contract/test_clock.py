"""A box whose machine shows the wrong time: what it goes by, who can set it, what goes on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from appliance import clock
from appliance.audit import rows as audit
from appliance.audit.actions import signature_due
from appliance.errands import Told, Word
from appliance.faults import Fault
from appliance.policy import Actor
from appliance.sessions import actions as sessions
from appliance.store import birth
from appliance.store.database import Database
from appliance.timekeeping import rows
from appliance.timekeeping.headquarters import Heard, Listening
from appliance.timekeeping.keeper import Machine, Timekeeper
from appliance.timekeeping.rules import BACK, DAY, Kept
from sync.spool import CourierStatus, Spool
from tests.fakes.box import OpenBox
from tests.fakes.steward import Obedient
from tests.fakes.stores import CHEAP, PASSPHRASE

YEAR = 365 * DAY
DESK, LEADER = Actor("jonas", "operator", "console"), Actor("mara", "facilitator", "console")
ADMIN = Actor("ines", "administrator", "console")


@dataclass
class Wrong:
    """A machine's clock that can be set, and what the machine says of it."""

    off: float = 0.0
    server: bool = False
    battery: bool = True
    boot: str = "this"

    def machine(self) -> Machine:
        return Machine(lambda: self.server, lambda: self.battery, lambda: self.boot)


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wrong]:
    wrong, real = Wrong(), time.time
    monkeypatch.setattr(clock, "_wall", lambda: real() + wrong.off)
    yield wrong
    clock.let_go()


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    """The store of a box that has run before with a right clock."""
    made = await birth.give_birth(tmp_path / "clock", PASSPHRASE, CHEAP)
    await _ran_before(made)
    yield made
    await made.close()


@pytest.fixture
async def keeper(db: Database, wall: Wrong) -> Timekeeper:
    return Timekeeper(db, wall.machine())


@pytest.fixture
async def in_session(box: OpenBox, wall: Wrong) -> Timekeeper:
    """The time of a box with people in it."""
    await _ran_before(box.clinic.db)
    return Timekeeper(box.clinic.db, wall.machine())


async def _ran_before(db: Database) -> None:
    now = int(time.time())
    await db.write(lambda tx: rows.note(tx, Kept(0, now, now, "before")))


def right() -> bool:
    return abs(clock.now() - time.time()) < 5


@pytest.mark.parametrize(("off", "trouble"), [(YEAR, "ahead"), (-YEAR, "behind")])
async def test_a_year_off_the_box_goes_on_from_the_last_time_it_saw(
    keeper: Timekeeper, wall: Wrong, off: float, trouble: str
) -> None:
    wall.off = off
    await keeper.begin()
    assert keeper.trouble == trouble and right()


@pytest.mark.parametrize("off", [YEAR, -YEAR])
async def test_what_staff_said_holds_and_survives_a_restart(
    db: Database, keeper: Timekeeper, wall: Wrong, off: float
) -> None:
    wall.off = off
    await keeper.begin()
    await keeper.set(DESK, time.time() + 3 * DAY)  # it had been off for three days
    assert keeper.trouble == "" and abs(clock.now() - time.time() - 3 * DAY) < 5
    await keeper.end()
    wall.off = off + 3 * DAY
    again = Timekeeper(db, wall.machine())
    wall.off = off
    await again.begin()
    assert again.trouble == "" and again.correction == keeper.correction


async def test_a_machine_that_was_set_right_meanwhile_is_followed_again(
    db: Database, keeper: Timekeeper, wall: Wrong
) -> None:
    wall.off = -YEAR
    await keeper.begin()
    await keeper.set(DESK, time.time())
    await keeper.end()
    wall.off = 0
    again = Timekeeper(db, wall.machine())
    await again.begin()
    assert (again.correction, again.trouble) == (0, "") and right()


async def test_a_step_under_a_running_box_is_seen_and_not_followed(keeper: Timekeeper, wall: Wrong) -> None:
    told: list[str] = []
    await keeper.begin()
    keeper.changed = lambda: told.append(keeper.trouble)
    wall.off = YEAR
    assert right()  # before anybody has looked
    await keeper.look()
    assert right() and told == ["jumped"]
    await keeper.look()
    assert told == ["jumped"]


async def test_a_restart_does_not_make_a_step_right(db: Database, keeper: Timekeeper, wall: Wrong) -> None:
    await keeper.begin()
    wall.off = 3 * 3600
    await keeper.look()
    await keeper.end()
    again = Timekeeper(db, wall.machine())
    await again.begin()
    before = again.trouble
    await again.set(DESK, clock.now())
    assert (before, again.trouble) == ("unsure", "")


async def test_a_time_server_is_followed_and_nobody_sets_the_clock_against_it(
    db: Database, keeper: Timekeeper, wall: Wrong
) -> None:
    wall.off = -YEAR
    await keeper.begin()
    wall.off, wall.server = 0, True
    await keeper.look()
    assert (keeper.correction, keeper.trouble) == (0, "") and right()
    with pytest.raises(Fault, match="wrong_state"):
        await keeper.set(DESK, time.time() + DAY)


async def test_a_machine_without_a_battery_asks_after_each_start(db: Database, keeper: Timekeeper, wall: Wrong) -> None:
    wall.battery = False
    await keeper.begin()
    assert keeper.trouble == "unsure"
    await keeper.set(DESK, clock.now())
    await keeper.end()
    troubles = []
    for boot in ("this", "next"):
        wall.boot = boot
        again = Timekeeper(db, wall.machine())
        await again.begin()
        troubles.append(again.trouble)
    assert troubles == ["", "unsure"]


async def test_setting_the_clock_is_in_the_audit_and_only_for_who_may(db: Database, keeper: Timekeeper) -> None:
    await keeper.begin()
    with pytest.raises(Fault, match="refused"):
        await keeper.set(LEADER, time.time())
    await keeper.set(DESK, time.time() + DAY)
    entry = (await db.read(audit.entries))[-1]
    assert (entry.action, entry.actor, entry.outcome) == ("set_clock", DESK.person, "done")
    assert entry.at == clock.text(time.time() + DAY)[:17] + entry.at[17:]


@pytest.mark.parametrize("days", [365, -365])
async def test_who_sits_in_a_session_and_who_is_signed_in_stay_there_when_the_clock_is_set(
    box: OpenBox, in_session: Timekeeper, days: int
) -> None:
    await in_session.begin()
    patient, before = await box.patient(0), clock.steady_seconds()
    left = await _left(box)
    await in_session.set(ADMIN, time.time() + days * DAY if days > 0 else clock.now() - 60 * DAY, back=days < 0)
    assert abs(await _left(box) - left) < 5
    assert abs(clock.steady_seconds() - before) < 5
    await box.clinic.db.write(lambda tx: sessions.choose_name(tx, patient, "Ada", clock.now_text()))


async def test_tickets_issued_before_a_year_was_lost_open_again_once_it_is_found(
    box: OpenBox, in_session: Timekeeper, wall: Wrong
) -> None:
    for off in (YEAR, -YEAR):
        wall.off = off
        await in_session.begin()
        await box.patient(0)  # while it is wrong: held at the last time seen
        await in_session.set(box.desk(), time.time())
        await box.patient(0)


async def test_a_ticket_issued_under_a_clock_that_was_ahead_lasts_no_longer_than_a_new_one(
    box: OpenBox, in_session: Timekeeper
) -> None:
    await in_session.begin()
    await in_session.set(box.desk(), time.time() + 50 * DAY)
    await box.reissue(0)
    await in_session.set(ADMIN, time.time(), back=True)
    ends = await box.clinic.db.read(lambda tx: [row["expires_at"] for row in tx.all("SELECT expires_at FROM tickets")])
    assert max(ends) <= time.time() + 8 * DAY


@pytest.mark.parametrize(("ago", "due"), [(0, False), (DAY - 1, False), (DAY, True), (-1, True), (-YEAR, True)])
def test_a_checkpoint_signed_under_a_clock_that_was_ahead_puts_off_no_other(ago: int, due: bool) -> None:
    """One that was signed in what is the future now may be as old as one can be."""
    now = 2_000_000_000
    assert signature_due(clock.text(now - ago), now) is due


async def test_the_machines_own_time_is_never_used_once_the_box_is_open(keeper: Timekeeper, wall: Wrong) -> None:
    await keeper.begin()
    for off in (10 * YEAR, -10 * YEAR):
        wall.off = off
        assert right()


# -- headquarters, and the machine's own clock -------------------------------------------------------------------------


class Steward(Obedient):
    """Sets the machine's clock as it is told to."""

    def __init__(self, wall: Wrong) -> None:
        super().__init__()
        self._wall = wall

    async def ask(self, word: Word, what: dict[str, Any], seconds: float = 30.0) -> Told:
        told = await super().ask(word, what, seconds)
        self._wall.off = what["at"] - time.time()
        return told


def hq(keeper: Timekeeper, off: float = 0.0) -> None:
    """Headquarters said a moment ago what time it is."""
    ahead, at = time.time() + off - clock.elapsed(), clock.elapsed()
    keeper.heard = lambda: Heard(ahead, at)


@pytest.mark.parametrize("off", [-40 * 365 * DAY, -YEAR, YEAR])
async def test_headquarters_puts_a_box_right_whose_machine_is_years_off_and_nobody_is_asked(
    keeper: Timekeeper, wall: Wrong, off: float
) -> None:
    wall.off, wall.battery = max(off, 86400 - time.time()), False
    await keeper.begin()
    assert keeper.trouble in ("behind", "ahead")
    hq(keeper)
    await keeper.look()
    assert (keeper.trouble, keeper.source, keeper.synchronised) == ("", "headquarters", True) and right()
    with pytest.raises(Fault, match="wrong_state"):
        await keeper.set(DESK, time.time() + DAY)


async def test_once_the_box_knows_better_its_machine_is_set_and_the_time_goes_on_evenly(
    db: Database, keeper: Timekeeper, wall: Wrong
) -> None:
    steward = Steward(wall)
    wall.off, wall.battery, keeper.errands = -YEAR, False, steward
    await keeper.begin()
    assert steward.asked == []  # nothing is known yet
    hq(keeper)
    await keeper.look()
    assert [word for word, _ in steward.asked] == ["clock"] and abs(steward.asked[0][1]["at"] - time.time()) < 5
    assert abs(wall.off) < 5 and keeper.correction in (0, -1, 1) and right()
    await keeper.look()
    assert len(steward.asked) == 1 and right() and keeper.trouble == ""
    kept = await db.read(rows.kept)
    assert kept is not None and abs(kept.correction) <= 1  # the next start goes by the machine


async def test_what_staff_said_sets_the_machine_too(keeper: Timekeeper, wall: Wrong) -> None:
    steward = Steward(wall)
    wall.off, keeper.errands = -YEAR, steward
    await keeper.begin()
    await keeper.set(DESK, time.time())
    assert len(steward.asked) == 1 and abs(wall.off) < 5 and right() and keeper.source == "staff"


async def test_a_machine_whose_clock_cannot_be_set_is_asked_seldom_and_the_correction_stays(
    keeper: Timekeeper, wall: Wrong
) -> None:
    steward = Obedient("machine_busy")
    wall.off, keeper.errands = -YEAR, steward
    await keeper.begin()
    await keeper.set(DESK, time.time())
    await keeper.look()
    assert len(steward.asked) == 1 and right() and abs(keeper.correction - YEAR) < 5


async def test_a_time_server_on_the_network_does_not_outweigh_headquarters(keeper: Timekeeper, wall: Wrong) -> None:
    wall.server, wall.off = True, 30 * DAY
    hq(keeper)
    await keeper.begin()
    sources: list[str] = [keeper.source]
    assert right()
    wall.off = 0
    await keeper.look()
    assert right() and [*sources, keeper.source] == ["headquarters", "server"]


async def test_a_time_server_does_not_take_the_box_back_past_what_the_audit_noted(
    box: OpenBox, in_session: Timekeeper, wall: Wrong
) -> None:
    await in_session.begin()
    wall.server, wall.off = True, -DAY
    await in_session.look()
    troubles: list[str] = [in_session.trouble]
    assert right()
    await in_session.set(DESK, time.time() - DAY)  # a day is anybody's to give back
    assert abs(clock.now() - time.time() + DAY) < 5
    await in_session.look()
    assert [*troubles, in_session.trouble, in_session.source] == ["contradicted", "", "server"]


async def test_more_than_a_day_back_is_an_administrators_and_stands_in_the_log_from_where_to_where(
    box: OpenBox, in_session: Timekeeper
) -> None:
    await in_session.begin()
    await in_session.set(DESK, time.time() + YEAR)
    with pytest.raises(Fault, match="clock_before_audit"):
        await in_session.set(ADMIN, time.time())
    with pytest.raises(Fault, match="refused"):
        await in_session.set(DESK, time.time(), back=True)
    await in_session.set(ADMIN, time.time(), back=True)
    *_, there, here = await box.clinic.db.read(audit.entries)
    assert (there.action, here.action) == ("set_clock_back", "set_clock") and right()
    assert there.at[:4] > here.at[:4]
    await in_session.set(DESK, time.time() - BACK + 60)


async def test_a_signed_receipt_from_later_shows_that_the_box_is_behind(keeper: Timekeeper, wall: Wrong) -> None:
    await keeper.begin()
    keeper.heard = lambda: Heard(signed=time.time() + 10 * DAY)
    await keeper.look()
    assert keeper.trouble == "behind" and abs(clock.now() - time.time() - 10 * DAY) < 5


def test_what_the_courier_noted_before_this_start_is_not_listened_to(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.put_status(CourierStatus(hq_heard=50.0, hq_ahead=1.8e9))
    listening = Listening(tmp_path)
    assert listening() == Heard()
    spool.put_status(CourierStatus(hq_heard=51.0, hq_ahead=1.8e9))
    assert listening() == Heard(1.8e9, 51.0)
    (tmp_path / "courier.json").unlink()
    assert listening() == Heard(1.8e9, 51.0)


async def _left(box: OpenBox) -> int:
    """Seconds that the patient's visit still has."""
    row = await box.clinic.db.read(lambda tx: tx.one("SELECT max(expires_at) AS ends FROM visits"))
    assert row is not None
    return int(row["ends"]) - clock.now_seconds()
