"""Passkeys at the portal: made, shown, removed, refused. The portal is reached by a name, as browsers ask for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.audit import rows as audit
from appliance.identity import passwords
from tests.fakes.authenticator import Authenticator
from tests.fakes.box import OpenBox, open_box
from tests.fakes.portal import Behind, Newcomer
from tests.fakes.sign_in import give_password, set_up
from tests.fakes.visitor import Shown, Visitor

LOGIN = "__Host-login"
SECOND, SET_UP, KEYS = "/staff/sign-in/second/passkey", "/staff/sign-in/set-up/passkey", "/staff/account/passkeys"


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MEMORY_KIB", 64)
    monkeypatch.setattr(passwords, "_PASSES", 1)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[OpenBox]:
    async with open_box(tmp_path, second_factor="required") as found:
        yield found


@pytest.fixture
def named(behind: Behind) -> Behind:
    """The portal under a name: browsers make no passkey for an address in figures."""
    behind.origin = behind.origin.replace("127.0.0.1", "localhost")
    return behind


async def options(visitor: Visitor, path: str) -> str:
    """What the page's script fetches before it asks the browser; the page itself stays the one seen last."""
    page = visitor.last
    shown = await visitor.post(f"{path}/begin")
    visitor.last = page
    assert shown.status == 200, shown.text
    return shown.text


async def made(visitor: Visitor, path: str, key: Authenticator, **fields: str) -> Shown:
    answer = key.make(await options(visitor, path), visitor.origin)
    return await visitor.post(path, answer=answer, **fields)


async def shown_key(visitor: Visitor, key: Authenticator, origin: str = "") -> Shown:
    answer = key.sign(await options(visitor, SECOND), origin or visitor.origin)
    return await visitor.post(SECOND, answer=answer, next="/staff")


async def with_passkey(visitor: Visitor) -> Authenticator:
    """Mara, whose first second factor is a passkey."""
    await give_password(visitor)
    key = Authenticator()
    shown = await made(visitor, SET_UP, key, label="", next="/staff")
    assert shown.status == 200 and visitor.cookie(LOGIN), shown.text
    return key


async def test_a_passkey_is_made_shown_and_opens_the_house(named: Behind, newcomer: Newcomer) -> None:
    key = await with_passkey(newcomer())
    later = newcomer()
    assert (await give_password(later)).path == "/staff/sign-in/second"
    assert "Use my passkey" in later.last.text and 'src="/static/room/passkey.js"' in later.last.text
    assert (await shown_key(later, key)).path == "/staff"
    assert (await later.get("/staff")).title == "Sessions today"


async def test_with_a_first_passkey_comes_a_printed_sheet(named: Behind, newcomer: Newcomer) -> None:
    mara = newcomer()
    await with_passkey(mara)
    assert "10 codes left" in (await mara.get("/staff/account")).text


async def test_what_another_page_had_signed_opens_nothing(box: OpenBox, named: Behind, newcomer: Newcomer) -> None:
    key, later = await with_passkey(newcomer()), newcomer()
    await give_password(later)
    shown = await shown_key(later, key, origin="https://hearth.example")
    assert (shown.status, "That passkey did not fit" in shown.text) == (401, True)
    assert later.cookie(LOGIN) == ""
    outcomes = [one.outcome for one in await box.clinic.db.read(audit.entries) if one.action == "sign_in"]
    assert outcomes[-1] == "wrong_code"


async def test_an_answer_is_good_once_and_for_its_own_way_in_only(named: Behind, newcomer: Newcomer) -> None:
    key, one, other = await with_passkey(newcomer()), newcomer(), newcomer()
    await give_password(one)
    await give_password(other)
    answer = key.sign(await options(one, SECOND), one.origin)
    await options(other, SECOND)
    assert (await other.post(SECOND, answer=answer, next="/staff")).status == 401
    assert (await one.post(SECOND, answer=answer, next="/staff")).path == "/staff"
    again = newcomer()
    await give_password(again)
    assert (await again.post(SECOND, answer=answer, next="/staff")).status == 401


async def test_a_copied_key_is_refused_by_its_count(named: Behind, newcomer: Newcomer) -> None:
    key, later = await with_passkey(newcomer()), newcomer()
    await give_password(later)
    await shown_key(later, key)
    key.count -= 1
    thief = newcomer()
    await give_password(thief)
    assert (await shown_key(thief, key)).status == 401


async def test_more_are_added_and_removed_in_my_account_and_a_removed_one_is_refused(
    named: Behind, newcomer: Newcomer
) -> None:
    mara, first, second = newcomer(), Authenticator(), Authenticator()
    hand = await set_up(mara)
    for key, label in ((first, "blue key"), (second, "")):
        assert (await mara.get(KEYS)).status == 200
        assert (await made(mara, KEYS, key, label=label)).path == "/staff/account"
    page = await mara.get("/staff/account")
    assert "blue key" in page.text and "Your passkey is added." not in page.text
    passkey = page.text.split(f"{KEYS}/")[1].split("/")[0]
    assert "blue key" not in (await mara.post(f"{KEYS}/{passkey}/remove")).text
    later = newcomer()
    await give_password(later)
    assert (await shown_key(later, first)).status == 401
    assert (await shown_key(later, second)).path == "/staff"
    assert hand.codes


async def test_nobody_removes_another_ones_passkey(named: Behind, newcomer: Newcomer) -> None:
    mara, paul = newcomer(), newcomer()
    await with_passkey(mara)
    passkey = (await mara.get("/staff/account")).text.split(f"{KEYS}/")[1].split("/")[0]
    await set_up(paul, "paul")
    await paul.get("/staff/account")
    assert (await paul.post(f"{KEYS}/{passkey}/remove")).status == 404


async def test_under_an_address_in_figures_the_page_says_where_passkeys_work(
    behind: Behind, newcomer: Newcomer
) -> None:
    mara = newcomer()
    await set_up(mara)
    behind.origin = "https://hearth.local:8443"
    page = await mara.get("/staff/account")
    assert "Passkeys work only where the portal is opened by its name" in page.text
    assert 'href="https://hearth.local:8443/staff/sign-in"' in page.text and "Add a passkey" not in page.text
    await mara.get(KEYS)
    assert (await mara.post(f"{KEYS}/begin")).status == 409


async def test_a_challenge_needs_a_page_of_ours_and_a_way_in(named: Behind, newcomer: Newcomer) -> None:
    key, stranger, later = await with_passkey(newcomer()), newcomer(), newcomer()
    assert (await stranger.get("/staff/sign-in")).status == 200
    assert (await stranger.post(f"{SECOND}/begin")).path == "/staff/sign-in"
    await give_password(later)
    assert (await later.post(f"{SECOND}/begin", csrf="wrong")).status == 403
    assert (await later.post(f"{SECOND}/begin", origin="https://hearth.example")).status == 403
    assert key.count == 0


@pytest.mark.parametrize("answer", ["", "{}", "[" * 9000, "\x00", '{"id": 7}'])
async def test_what_is_no_answer_at_all_is_refused_like_a_wrong_one(
    named: Behind, newcomer: Newcomer, answer: str
) -> None:
    await with_passkey(newcomer())
    later = newcomer()
    await give_password(later)
    await options(later, SECOND)
    assert (await later.post(SECOND, answer=answer, next="/staff")).status == 401
    assert later.cookie(LOGIN) == ""
