"""Staff accounts in the portal, in a browser without script."""

from __future__ import annotations

import re

import pytest

from appliance.audit import rows as audit
from tests.fakes.box import OpenBox
from tests.fakes.portal import Newcomer, sign_in
from tests.fakes.visitor import Visitor

PEOPLE = "/staff/people"


async def ruth(newcomer: Newcomer) -> Visitor:
    """The only administrator."""
    visitor: Visitor = newcomer()
    await sign_in(visitor, "ruth")
    return visitor


async def appoint(visitor: Visitor, role: str = "operator", username: str = "nora") -> str:
    """A new colleague's first password."""
    await visitor.get(f"{PEOPLE}/new")
    shown = await visitor.post(f"{PEOPLE}/new", name="Nora Field", username=username, role=role)
    assert shown.status == 200
    return str(re.findall(r'<code class="secret">([^<]+)</code>', shown.text)[1])


async def test_the_list_says_who_has_which_role_and_who_is_signed_in(box: OpenBox, newcomer: Newcomer) -> None:
    visitor = await ruth(newcomer)
    shown = await visitor.get(PEOPLE)
    assert all(name in shown.text for name in ("Mara Lindqvist", "Jonas Okafor", "Front desk", "Administrator"))
    assert shown.text.count("tag good") == 1  # Ruth herself


async def test_a_new_colleague_signs_in_with_the_first_password_and_must_change_it(
    box: OpenBox, newcomer: Newcomer
) -> None:
    visitor, nora = await ruth(newcomer), newcomer()
    password = await appoint(visitor)
    assert password not in (await visitor.get(PEOPLE)).text
    await nora.get("/staff/sign-in")
    shown = await nora.post("/staff/sign-in", username="nora", password=password)
    assert "new-password" in shown.path or 'name="again"' in shown.text


@pytest.mark.parametrize(
    ("username", "status", "words"),
    [("mara", 409, "taken"), ("two words", 400, "without spaces"), ("", 400, "without spaces")],
)
async def test_what_was_typed_stays_when_it_will_not_do(
    box: OpenBox, newcomer: Newcomer, username: str, status: int, words: str
) -> None:
    visitor = await ruth(newcomer)
    await visitor.get(f"{PEOPLE}/new")
    shown = await visitor.post(f"{PEOPLE}/new", name="Nora Field", username=username, role="operator")
    assert shown.status == status
    assert words in shown.text and "Nora Field" in shown.text


async def test_retiring_asks_first_and_ends_the_login_at_once(box: OpenBox, newcomer: Newcomer) -> None:
    visitor, jonas = await ruth(newcomer), newcomer()
    await sign_in(jonas, "jonas")
    person = f"{PEOPLE}/{box.staff['jonas']}"
    await visitor.get(person)
    asked = await visitor.post(f"{person}/retire")
    assert asked.title == "Retire Jonas Okafor?"
    assert (await jonas.get("/staff")).path == "/staff"
    done = await visitor.post(f"{person}/retire", sure="yes")
    assert done.path == PEOPLE and "retired" in done.text
    assert (await jonas.get("/staff")).path == "/staff/sign-in"


async def test_nobody_retires_or_resets_themselves_and_the_page_offers_it_to_nobody(
    box: OpenBox, newcomer: Newcomer
) -> None:
    visitor = await ruth(newcomer)
    person = f"{PEOPLE}/{box.staff['ruth']}"
    assert "Somebody else has to retire you" in (await visitor.get(person)).text
    for deed in ("retire", "reset"):
        shown = await visitor.post(f"{person}/{deed}", sure="yes")
        assert shown.status == 409
        assert "own account" in shown.text


async def test_a_new_beginning_shows_another_first_password_once_and_signs_out(
    box: OpenBox, newcomer: Newcomer
) -> None:
    visitor, jonas = await ruth(newcomer), newcomer()
    await sign_in(jonas, "jonas")
    person = f"{PEOPLE}/{box.staff['jonas']}"
    await visitor.get(person)
    assert (await visitor.post(f"{person}/reset")).title == "Let Jonas Okafor begin anew?"
    shown = await visitor.post(f"{person}/reset", sure="yes")
    assert "Sign-in begins anew" in shown.text
    assert (await jonas.get("/staff")).path == "/staff/sign-in"


async def test_signing_out_everywhere_ends_nothing_but_logins(box: OpenBox, newcomer: Newcomer) -> None:
    visitor, jonas = await ruth(newcomer), newcomer()
    await sign_in(jonas, "jonas")
    person = f"{PEOPLE}/{box.staff['jonas']}"
    await visitor.get(person)
    assert (await visitor.post(f"{person}/end-logins")).path == PEOPLE
    assert (await jonas.get("/staff")).path == "/staff/sign-in"
    await sign_in(jonas, "jonas")
    assert (await jonas.get("/staff")).path == "/staff"


@pytest.mark.parametrize("username", ["mara", "jonas"])
async def test_who_does_not_appoint_sees_no_list_and_it_is_noted(
    box: OpenBox, newcomer: Newcomer, username: str
) -> None:
    visitor = newcomer()
    await sign_in(visitor, username)
    assert (await visitor.get(PEOPLE)).status == 403
    assert PEOPLE not in (await visitor.get("/staff")).text
    last = [e for e in await box.clinic.db.read(audit.entries) if e.outcome == "refused"][-1]
    assert (last.actor, last.action) == (box.staff[username], "see_staff")
