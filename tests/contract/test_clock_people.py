"""A box that lost its time: staff get in by printed codes, at portal and console, set it, and phones fit again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pyotp
import pytest

from appliance import clock, terminal
from appliance.control.client import ControlClient, ControlFault
from appliance.control.feed import Feed
from appliance.control.listener import ControlListener
from appliance.faults import Fault
from appliance.identity import passwords
from appliance.timekeeping import rows
from appliance.timekeeping.keeper import Machine
from appliance.timekeeping.rules import DAY, Kept
from tests.fakes.box import PASSPHRASE, PASSWORD, OpenBox, open_box
from tests.fakes.control import Box
from tests.fakes.portal import Newcomer
from tests.fakes.sign_in import Hand, give_code, give_password, set_up
from tests.fakes.visitor import Visitor

AWAY = DAY // 2  # so long the box was without power; its clock is wrong by a year on top of that


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MEMORY_KIB", 64)
    monkeypatch.setattr(passwords, "_PASSES", 1)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[OpenBox]:
    async with open_box(tmp_path, second_factor="required") as found:
        yield found
    clock.let_go()


@pytest.fixture
async def console(box: OpenBox) -> AsyncIterator[ControlClient]:
    feed = Feed(1000)
    with TemporaryDirectory(prefix="hearth-") as folder:  # short: a Unix socket's path has at most 107 bytes
        listener = ControlListener(Box(box, feed), feed)
        await listener.start(Path(folder) / "control.sock")
        client = ControlClient(Path(folder) / "control.sock")
        await client.unlock(PASSPHRASE)
        yield client
        await client.close()
        await listener.close()


async def _loses_its_time(box: OpenBox, monkeypatch: pytest.MonkeyPatch, off: int) -> None:
    """Power comes back after half a day, and the machine shows another year."""
    real, seen = time.time, int(time.time())
    await box.clinic.db.write(lambda tx: rows.note(tx, Kept(0, seen, clock.steady_seconds(), "before")))
    monkeypatch.setattr(clock, "_wall", lambda: real() + AWAY + off)
    box.clinic.clock._machine = Machine(lambda: False, lambda: True, lambda: "this")
    await box.clinic.clock.begin()


def _there() -> float:
    """What time it is when the power is back."""
    return time.time() + AWAY


def _phone(hand: Hand, now: float) -> str:
    """What a phone shows next whose clock says `now`; the present code was used when it was set up."""
    return pyotp.TOTP(hand.secret).at(int(now) + 30)


async def _by_code(visitor: Visitor, code: str) -> int:
    await give_password(visitor, "jonas")
    return (await give_code(visitor, code)).status


@pytest.mark.parametrize("off", [365 * DAY, -365 * DAY])
async def test_a_year_off_nobody_is_locked_out_and_after_the_clock_was_set_phones_fit_again(
    box: OpenBox, newcomer: Newcomer, console: ControlClient, monkeypatch: pytest.MonkeyPatch, off: int
) -> None:
    hand = await set_up(newcomer(), "jonas")
    await _loses_its_time(box, monkeypatch, off)

    portal = newcomer()
    assert await _by_code(portal, _phone(hand, _there())) == 401
    assert "The clock of this box is wrong" in portal.last.text
    assert await _by_code(newcomer(), hand.codes[0]) == 200

    way = await console.sign_in("jonas", PASSWORD)
    assert (way.stage, way.authenticator, way.codes) == ("second", True, 9)
    with pytest.raises(ControlFault, match="wrong_code"):
        await console.second_step(_phone(hand, _there()))
    assert (await console.second_step(hand.codes[1])).stage == "full"
    assert (await console.clock()).trouble in ("ahead", "behind")
    with pytest.raises(ControlFault, match="clock_wrong"):
        await console.set_clock("1999-12-31T23:59:00Z")
    told = await console.set_clock(clock.text(_there()))
    assert told.trouble == "" and abs(clock.now() - _there()) < 5

    assert (await console.snapshot()).login is not None  # setting the clock signs nobody out
    # By the box's clock: within a second of the real one, but on the same side of a step's border.
    assert await _by_code(newcomer(), _phone(hand, clock.now())) == 200
    await box.patient(0)  # and the ticket of before opens


async def test_who_may_not_set_the_clock_is_refused_at_the_box_too(
    box: OpenBox, newcomer: Newcomer, console: ControlClient
) -> None:
    hand = await set_up(newcomer())
    await console.sign_in("mara", PASSWORD)
    assert (await console.second_step(hand.codes[0])).login is not None
    with pytest.raises(ControlFault, match="refused"):
        await console.set_clock(clock.text(time.time()))


async def test_who_has_no_second_step_yet_makes_printed_codes_at_the_console(
    console: ControlClient, newcomer: Newcomer
) -> None:
    assert (await console.sign_in("jonas", PASSWORD)).stage == "set_up"
    codes = (await console.begin_codes()).codes
    with pytest.raises(ControlFault, match="wrong_code"):
        await console.confirm_codes("AAAAA-AAAAA")
    assert (await console.snapshot()).login is None
    assert (await console.confirm_codes(codes[0])).stage == "full"
    assert (await console.snapshot()).login is not None
    assert await _by_code(newcomer(), codes[0]) == 200


async def test_a_command_at_the_terminal_asks_for_the_second_step_and_gives_three_tries(
    console: ControlClient, newcomer: Newcomer, capsys: pytest.CaptureFixture[str]
) -> None:
    hand = await set_up(newcomer(), "jonas")
    typed = iter(["wrong", PASSWORD, "AAAAA-AAAAA", hand.codes[0]])
    await terminal.sign_in(console, lambda _words: "jonas", lambda _words: next(typed))
    assert (await console.snapshot()).login is not None
    assert hand.codes[0] not in capsys.readouterr().err


async def test_a_command_sends_one_whose_sign_in_is_not_set_up_to_the_console(console: ControlClient) -> None:
    with pytest.raises(Fault, match="sign_in_unfinished"):
        await terminal.sign_in(console, lambda _words: "jonas", lambda _words: PASSWORD)
    assert (await console.snapshot()).login is None
