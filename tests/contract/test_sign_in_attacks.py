"""What somebody tries who has one half of what it takes: a password, an old token, a device of others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from appliance import door as door_module
from appliance.audit import rows as audit
from appliance.clock import steady_seconds
from appliance.door import Caller
from appliance.faults import Fault
from appliance.identity import passwords
from appliance.identity import rows as accounts
from appliance.identity.doors import rows as doors
from appliance.identity.lanes import AT_ONCE, DEEP
from appliance.ids import token_hash
from tests.fakes.box import PASSWORD, OpenBox, open_box
from tests.fakes.portal import Newcomer
from tests.fakes.sign_in import Hand, give_code, give_password, set_up
from tests.fakes.waiting import until

LOGIN = "__Host-login"
CONSOLE = Caller("console", "console")


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MEMORY_KIB", 64)
    monkeypatch.setattr(passwords, "_PASSES", 1)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[OpenBox]:
    async with open_box(tmp_path, second_factor="required") as found:
        yield found


async def stands(box: OpenBox, token: str, surface: str = "portal") -> bool:
    digest, now = token_hash(token), steady_seconds()
    return await box.clinic.db.read(lambda tx: accounts.login(tx, digest, surface, now)) is not None


async def test_who_looked_at_a_key_before_its_owner_set_one_up_does_not_know_the_owners(newcomer: Newcomer) -> None:
    """Somebody with the password alone opens the page, goes away, and waits until the owner has scanned the key."""
    thief, mara, seen, own = newcomer(), newcomer(), Hand(), Hand()
    seen.read(await give_password(thief))
    own.read(await give_password(mara))
    assert own.secret not in ("", seen.secret)
    await thief.get("/staff/sign-in/set-up")  # and looks again while the owner types
    again = Hand()
    again.read(await mara.post("/staff/sign-in/set-up/authenticator", code="000000", next="/staff"))
    assert again.secret not in ("", seen.secret)
    shown = await mara.post("/staff/sign-in/set-up/authenticator", code=again.code(), next="/staff")
    assert shown.status == 200
    assert (await give_password(thief)).path == "/staff/sign-in/second"
    assert (await give_code(thief, seen.code(1))).status == 401


async def test_a_key_that_another_login_looked_at_is_not_shown_in_my_account(newcomer: Newcomer) -> None:
    here, there, seen, own = newcomer(), newcomer(), Hand(), Hand()
    hand = await set_up(here)
    await give_password(there)
    await give_code(there, hand.code(1))
    seen.read(await there.get("/staff/account/authenticator"))
    own.read(await here.get("/staff/account/authenticator"))
    assert own.secret not in ("", seen.secret, hand.secret)


async def test_one_code_opens_once_however_many_try_it_at_the_same_moment(box: OpenBox, newcomer: Newcomer) -> None:
    hand = await set_up(newcomer())
    door, here = box.clinic.door, Caller("portal", "10.0.0.7")
    steps = [await door.password(here, "mara", PASSWORD) for _ in range(4)]
    for code, way in ((hand.code(1), door.code), (hand.codes[0], door.printed_code)):
        found = await asyncio.gather(*(way(here, step.token, code) for step in steps), return_exceptions=True)
        assert [isinstance(one, Fault) for one in found].count(False) == 1
        steps = [await door.password(here, "mara", PASSWORD) for _ in range(4)]


async def test_a_token_is_worth_something_at_its_own_surface_and_step_only(box: OpenBox, newcomer: Newcomer) -> None:
    mara = newcomer()
    hand = await set_up(mara)
    door = box.clinic.door
    half = await door.password(CONSOLE, "mara", PASSWORD)
    full = await door.printed_code(CONSOLE, half.token, hand.codes[1])
    assert await stands(box, full.token, "console") and not await stands(box, full.token)
    assert await stands(box, mara.cookie(LOGIN)) and not await stands(box, mara.cookie(LOGIN), "console")
    for dead in (half.token, full.token):
        for surface in ("portal", "console"):
            with pytest.raises(Fault, match="not_signed_in"):
                await door.on_the_way(dead, surface)
    other = await door.password(CONSOLE, "mara", PASSWORD)
    with pytest.raises(Fault, match="not_signed_in"):
        await door.printed_code(Caller("portal", "10.0.0.7"), other.token, hand.codes[2])


async def test_an_open_page_wakes_no_login_that_has_ended(box: OpenBox, newcomer: Newcomer) -> None:
    """Its person has gone; then somebody else opens the session."""
    mara = newcomer()
    await set_up(mara, shared=True)
    async with mara.socket(f"/staff/sessions/{box.session}/ws"):
        await box.clinic.db.write(lambda tx: tx.execute("UPDATE logins SET idle_ends = ?", (steady_seconds(),)))
        await box.clinic.act(box.leader(), "open", box.session)
        await box.clinic.look_after_logins()
        assert not await stands(box, mara.cookie(LOGIN))


async def test_a_crowd_at_the_door_lets_others_through(box: OpenBox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred passwords for made-up names from one address do not stand in line before everybody else's."""
    door, hashed, verified = box.clinic.door, asyncio.Semaphore(0), door_module._verified

    async def slow(password: str, phc: str | None) -> bool:
        if password == "x":
            await hashed.acquire()
        return await verified(password, phc)

    monkeypatch.setattr(door_module, "_verified", slow)
    crowd = [asyncio.create_task(door.password(Caller("portal", "10.0.0.66"), f"made up {n}", "x")) for n in range(100)]
    await until(lambda: sum(one.done() for one in crowd) == 100 - AT_ONCE - DEEP)
    known, now = token_hash("a device's own word"), steady_seconds()
    await box.clinic.db.write(lambda tx: doors.remember_device(tx, known, box.staff["mara"], now + 60))
    own = Caller("portal", "10.0.0.66", "a device's own word")  # behind the same address as the crowd
    for caller, lane in ((Caller("portal", "10.0.0.7"), "10.0.0.7"), (CONSOLE, "console"), (own, known.hex())):
        mara = asyncio.create_task(door.password(caller, "mara", PASSWORD))
        await until(partial(door._hashing._waiting.__contains__, lane))
        hashed.release()
        hashed.release()
        assert (await mara).stage == "set_up"
    for _ in crowd:
        hashed.release()
    done = [one for one in await asyncio.gather(*crowd, return_exceptions=True) if isinstance(one, Fault)]
    assert {one.code for one in done} == {"wrong_sign_in", "too_many_tries"}


async def test_who_signs_in_over_the_login_of_another_ends_that(box: OpenBox, newcomer: Newcomer) -> None:
    """The browser forgets the old token, so nobody could end it by hand any more."""
    shared = newcomer()
    await set_up(shared, shared=True)
    old = shared.cookie(LOGIN)
    await shared.get("/protected")
    shown = await shared.post("/staff/sign-in", username="paul", password=PASSWORD, shared="yes")
    hand = Hand()
    hand.read(shown)
    await shared.post("/staff/sign-in/set-up/authenticator", code=hand.code(), next="/staff")
    assert shared.cookie(LOGIN) not in ("", old)
    assert not await stands(box, old)


async def test_wrong_passkeys_are_counted_for_their_owner_and_fill_no_audit(box: OpenBox, newcomer: Newcomer) -> None:
    """Nobody guesses a signature, so it has no throttle; each try would be an entry that stays for ever."""
    await set_up(newcomer())
    door, here = box.clinic.door, Caller("portal", "10.0.0.7")
    half = await door.password(here, "mara", PASSWORD)
    for _ in range(20):
        with pytest.raises(Fault, match="wrong_code"):
            await door.prove(here, half.token, lambda tx, account: False, None)
    noted = [entry for entry in await box.clinic.db.read(audit.entries) if entry.outcome == "wrong_code"]
    assert [(one.actor, one.action) for one in noted] == [(box.staff["mara"], "sign_in")]
    assert (await door.on_the_way(half.token, "portal")).half.account.wrong_codes == 20
