"""Wrong tries on a real store: who waits, who does not, and what a restart changes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance import clock
from appliance import door as door_module
from appliance.door import Caller, Door
from appliance.faults import Fault
from appliance.identity import passwords
from appliance.identity.doors import rows
from appliance.identity.factors import actions as second
from appliance.identity.rules import PACES
from appliance.identity.throttles import Throttles
from appliance.policy import Actor
from tests.fakes.box import PASSWORD, OpenBox, open_box
from tests.fakes.portal import Newcomer
from tests.fakes.sign_in import give_code, give_password

DAY = 24 * 3600.0
WRONG = "not the password"


class Running:
    """A clock that nobody can set, moved by the test."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MEMORY_KIB", 64)
    monkeypatch.setattr(passwords, "_PASSES", 1)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[OpenBox]:
    async with open_box(tmp_path) as found:
        yield found


@pytest.fixture
def running(box: OpenBox) -> Running:
    found = Running()
    box.clinic.door.throttles = Throttles(box.clinic.db, found)
    return found


async def wait_of(box: OpenBox, caller: Caller, username: str = "mara", password: str = WRONG) -> float:
    """One try; 0 if it was heard, else how long it is to wait."""
    try:
        await box.clinic.door.password(caller, username, password)
    except Fault as fault:
        return fault.seconds
    return 0.0


async def attack(box: OpenBox, running: Running, caller: Caller, username: str = "mara") -> None:
    """Guess as fast as the box allows, until the wait is as long as it gets."""
    while (held := await wait_of(box, caller, username)) < PACES["account"].cap:
        running.now += held


STRANGER, OFFICE, CONSOLE = Caller("portal", "10.0.0.66"), Caller("portal", "10.0.0.1"), Caller("console", "console")


async def test_a_guesser_waits_up_to_five_minutes_and_is_never_locked_out_for_good(
    box: OpenBox, running: Running
) -> None:
    await attack(box, running, STRANGER)
    assert 0 < await wait_of(box, STRANGER) <= PACES["account"].cap
    running.now += PACES["account"].cap
    assert await wait_of(box, STRANGER, password=PASSWORD) == 0


async def test_the_wait_is_told_in_the_pages_language_and_to_the_script(newcomer: Newcomer) -> None:
    mara = newcomer("es")
    for _ in range(PACES["account"].free):
        await give_password(mara, password="wrong")
    assert "2 segundos" in (await give_password(mara, password="wrong")).text


async def test_who_guesses_at_one_account_holds_up_no_other(box: OpenBox, running: Running) -> None:
    await attack(box, running, STRANGER)
    for username in ("paul", "ines", "jonas"):
        assert await wait_of(box, STRANGER, username, PASSWORD) == 0


async def test_a_guesser_elsewhere_keeps_no_owner_from_a_device_that_is_not_known(
    box: OpenBox, running: Running
) -> None:
    """A tablet that everybody uses is never known; somebody in the waiting area guesses at all of the staff."""
    for username in ("mara", "paul", "ruth"):
        await attack(box, running, STRANGER, username)
    for username in ("ruth", "paul", "mara"):
        assert await wait_of(box, OFFICE, username, PASSWORD) == 0


async def test_a_guesser_with_many_addresses_gets_little_more_than_one_try_in_ten_minutes_from_each(
    box: OpenBox, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def no(_password: str, _phc: str | None) -> bool:
        return False

    monkeypatch.setattr(door_module, "_verified", no)
    heard, places, hours = 0, 8, 1
    for _ in range(hours * 360):  # each asks every ten seconds
        for number in range(places):
            heard += await wait_of(box, Caller("portal", f"10.0.1.{number}")) == 0
        running.now += 10
    from_each = hours * 3600 / PACES["account"].forget + 1
    together = PACES["account_everywhere"].most + hours * 3600 / PACES["account_everywhere"].cap
    assert heard <= places * from_each + together


async def test_behind_one_address_everybody_nobody_guesses_at_gets_in_at_once(box: OpenBox, running: Running) -> None:
    """A whole clinic may stand behind one proxy, and the guesser with it."""
    for number in range(PACES["address"].most + 5):
        await wait_of(box, OFFICE, f"made up {number}")
    for username in ("paul", "ines", "jonas", "ruth"):
        assert await wait_of(box, OFFICE, username, PASSWORD) == 0


async def test_a_busy_address_makes_one_who_mistyped_wait_half_a_minute_at_most(box: OpenBox, running: Running) -> None:
    for number in range(PACES["address"].most + 5):
        await wait_of(box, OFFICE, f"made up {number}")
    assert await wait_of(box, OFFICE, "paul") == 0
    held = await wait_of(box, OFFICE, "paul", PASSWORD)
    assert 0 < held <= PACES["address"].cap
    running.now += held
    assert await wait_of(box, OFFICE, "paul", PASSWORD) == 0


async def test_the_console_stands_in_no_line_of_the_network(box: OpenBox, running: Running) -> None:
    await attack(box, running, STRANGER)
    assert await wait_of(box, CONSOLE, password=PASSWORD) == 0


async def test_whose_device_is_known_is_held_up_by_no_stranger(box: OpenBox, running: Running) -> None:
    known = Caller("portal", "10.0.0.66", "a device's own word")
    await box.clinic.door.password(known, "mara", PASSWORD)
    await attack(box, running, STRANGER)
    assert await wait_of(box, STRANGER) > 0
    assert await wait_of(box, known, password=PASSWORD) == 0


async def test_a_known_device_is_known_for_its_own_people_only_and_slowed_down_too(
    box: OpenBox, running: Running
) -> None:
    known = Caller("portal", "10.0.0.66", "a device's own word")
    await box.clinic.door.password(known, "paul", PASSWORD)
    await attack(box, running, STRANGER)
    assert await wait_of(box, known, "mara", PASSWORD) > 0
    waits = [await wait_of(box, known, "paul") for _ in range(PACES["device"].free + 1)]
    assert waits[-1] == PACES["device"].first


@pytest.mark.parametrize("started", [-DAY * 365, 0.0, DAY * 365])
async def test_a_restart_frees_nobody_and_makes_nobody_wait_longer(
    box: OpenBox, running: Running, started: float
) -> None:
    """Whatever the machine's clocks begin with, and how often it is started."""
    await attack(box, running, STRANGER)
    running.now += PACES["account"].cap / 2
    for _ in range(3):
        again = Running()
        again.now += started
        box.clinic.door.throttles = Throttles(box.clinic.db, again)
        assert await wait_of(box, STRANGER) == pytest.approx(PACES["account"].cap)
    again.now += PACES["account"].cap
    assert await wait_of(box, STRANGER, password=PASSWORD) == 0


@pytest.mark.parametrize("jump", [-DAY * 365, DAY * 365])
async def test_a_clock_that_is_set_frees_nobody_and_makes_nobody_wait_longer(
    box: OpenBox, running: Running, jump: float
) -> None:
    await attack(box, running, STRANGER)
    clock.follow(clock.now() + jump, clock.steady_seconds() + jump)
    try:
        box.clinic.door.throttles = Throttles(box.clinic.db, running)
        assert 0 < await wait_of(box, STRANGER) <= PACES["account"].cap
        running.now += PACES["account"].cap
        assert await wait_of(box, STRANGER, password=PASSWORD) == 0
    finally:
        clock.let_go()


async def test_codes_of_the_phone_are_slowed_down_and_the_sheet_still_opens(
    box: OpenBox, running: Running, newcomer: Newcomer
) -> None:
    actor = Actor(box.staff["mara"], "facilitator", "portal")
    codes = await box.clinic.db.write(lambda tx: second.print_codes(tx, actor, "2031-01-01T00:00:00Z"))
    mara = newcomer()
    await give_password(mara)
    statuses = [(await give_code(mara, "000000")).status for _ in range(PACES["code"].free + 1)]
    assert statuses == [401] * PACES["code"].free + [429]
    assert (await give_code(mara, codes[0])).path == "/staff/account"  # which tells of the wrong ones


async def test_who_had_the_right_password_and_wrong_codes_is_told_at_the_next_sign_in(
    box: OpenBox, newcomer: Newcomer
) -> None:
    mara, thief = newcomer(), newcomer()
    actor = Actor(box.staff["mara"], "facilitator", "portal")
    codes = await box.clinic.db.write(lambda tx: second.print_codes(tx, actor, "2031-01-01T00:00:00Z"))
    await give_password(thief)
    for _ in range(3):
        await give_code(thief, "000000")
    await give_password(mara)
    assert "3 wrong codes" in (await give_code(mara, codes[0])).text
    assert "wrong code" not in (await mara.get("/staff/account")).text


async def test_rows_do_not_grow_without_bound_and_the_worst_are_kept(
    box: OpenBox, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rows, "MAX_BUCKETS", 50)
    monkeypatch.setattr(rows, "SWEEP", 10)
    throttles = box.clinic.door.throttles
    for _ in range(4):
        await throttles.take(("account", "the one guessed at"))
    for number in range(120):
        await throttles.take(("account", f"made up {number}"))
    kept = await box.clinic.db.read(lambda tx: tx.all("SELECT tries FROM throttles ORDER BY tries DESC"))
    assert len(kept) <= 50
    assert kept[0]["tries"] == 4


async def test_no_name_and_no_address_stands_in_the_throttles(box: OpenBox, running: Running) -> None:
    await wait_of(box, OFFICE)
    kept = await box.clinic.db.read(lambda tx: tx.all("SELECT key FROM throttles"))
    assert {len(bytes(row["key"])) for row in kept} == {32}
    assert not any(word in bytes(row["key"]) for row in kept for word in (b"mara", b"10.0"))


async def test_a_door_holds_keys_of_nobody_who_has_gone(box: OpenBox) -> None:
    door: Door = box.clinic.door
    step = await door.password(OFFICE, "mara", PASSWORD)
    assert len(door._keyed) == 1
    await box.clinic.db.write(lambda tx: tx.execute("UPDATE logins SET idle_ends = 1"))
    await door.sweep()
    assert (step.stage, door._keyed) == ("full", {})
