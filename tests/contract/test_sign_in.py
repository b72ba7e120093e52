"""Two steps to sign in, through the portal as a browser without script goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance import clock
from appliance.audit import rows as audit
from appliance.clock import now_text, steady_seconds
from appliance.faults import Fault
from appliance.identity import actions as identity
from appliance.identity import passwords
from appliance.identity import rows as accounts
from appliance.identity.rules import OWN_DEVICE, SHARED_DEVICE
from appliance.ids import token_hash
from appliance.policy import Actor
from appliance.portal.sockets import SIGNED_OUT
from tests.fakes.box import PASSWORD, OpenBox, open_box
from tests.fakes.portal import Newcomer, events
from tests.fakes.sign_in import Hand, closed_with, give_code, give_password, set_up
from tests.fakes.visitor import Visitor

HALF, LOGIN, KNOWN = "__Host-half", "__Host-login", "__Host-known"
NEW = "violet harbour tortoise"


@pytest.fixture(autouse=True)
def cheap_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_MEMORY_KIB", 64)
    monkeypatch.setattr(passwords, "_PASSES", 1)


@pytest.fixture
async def box(tmp_path: Path) -> AsyncIterator[OpenBox]:
    async with open_box(tmp_path, second_factor="required") as found:
        yield found


async def stands(box: OpenBox, token: str) -> bool:
    digest, now = token_hash(token), steady_seconds()
    return await box.clinic.db.read(lambda tx: accounts.login(tx, digest, "portal", now)) is not None


async def outcomes(box: OpenBox, action: str) -> list[str]:
    return [entry.outcome for entry in await box.clinic.db.read(audit.entries) if entry.action == action]


# -- the steps ---------------------------------------------------------------------------------------------------------


async def test_a_first_sign_in_leads_to_a_second_factor_before_anything_else(box: OpenBox, newcomer: Newcomer) -> None:
    mara = newcomer()
    shown = await give_password(mara)
    assert (shown.path, shown.title) == ("/staff/sign-in/set-up", "Set up your second step")
    assert mara.cookie(LOGIN) == ""
    assert (await mara.get("/staff")).path == "/staff/sign-in"
    assert (await mara.get(f"/staff/sessions/{box.session}")).path == "/staff/sign-in"


async def test_an_authenticator_is_set_up_by_its_first_code_and_comes_with_a_printed_sheet(newcomer: Newcomer) -> None:
    mara = newcomer()
    hand = await set_up(mara)
    assert len(set(hand.codes)) == 10
    assert (await mara.get("/staff")).title == "Sessions today"
    assert hand.codes[0] not in (await mara.get("/staff/account")).text


async def test_a_role_without_sessions_begins_with_what_it_has(newcomer: Newcomer) -> None:
    ruth = newcomer()
    await set_up(ruth, "ruth")
    shown = await ruth.get("/staff")
    assert (shown.status, "There is no session" in shown.text) == (200, False)
    assert shown.path.startswith("/staff/")


async def test_the_key_is_the_same_until_it_was_confirmed(newcomer: Newcomer) -> None:
    mara, hand, again = newcomer(), Hand(), Hand()
    hand.read(await give_password(mara))
    shown = await mara.post("/staff/sign-in/set-up/authenticator", code="000000", next="/staff")
    assert (shown.status, "That code is not right" in shown.text) == (401, True)
    again.read(shown)
    assert hand.secret == again.secret != ""


async def test_the_next_sign_in_asks_for_a_code(newcomer: Newcomer) -> None:
    mara, later = newcomer(), newcomer()
    hand = await set_up(mara)
    assert (await give_password(later)).path == "/staff/sign-in/second"
    assert (await give_code(later, hand.code(1))).path == "/staff"
    assert later.cookie(HALF) == ""


async def test_a_code_of_the_phone_works_once(newcomer: Newcomer) -> None:
    hand = await set_up(newcomer())
    for visitor, status in ((newcomer(), 200), (newcomer(), 401)):
        await give_password(visitor)
        assert (await give_code(visitor, hand.code(1))).status == status


async def test_a_printed_code_works_once_in_whatever_way_it_is_typed(newcomer: Newcomer) -> None:
    hand = await set_up(newcomer())
    first, second = newcomer(), newcomer()
    await give_password(first)
    assert (await give_code(first, hand.codes[0].replace("-", " ").lower())).path == "/staff"
    await give_password(second)
    assert (await give_code(second, hand.codes[0])).status == 401
    assert (await give_code(second, hand.codes[1])).path == "/staff"


async def test_somebody_elses_codes_open_nothing(newcomer: Newcomer) -> None:
    await set_up(newcomer())
    paul = await set_up(newcomer(), "paul")
    mara = newcomer()
    await give_password(mara)
    assert (await give_code(mara, paul.codes[0])).status == 401
    assert (await give_code(mara, paul.code(1))).status == 401


@pytest.mark.parametrize("year", [-365 * 24 * 3600, 365 * 24 * 3600])
async def test_with_a_clock_wrong_by_a_year_the_printed_codes_let_everybody_in(
    newcomer: Newcomer, year: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand, mara = await set_up(newcomer()), newcomer()
    phone = hand.code(1)
    wall = clock._wall
    monkeypatch.setattr(clock, "_wall", lambda: wall() + year)
    monkeypatch.setattr(clock, "_steady", wall() - clock.elapsed())
    await give_password(mara)
    assert (await give_code(mara, phone)).status == 401
    assert (await give_code(mara, hand.codes[3])).path == "/staff"
    monkeypatch.undo()
    last = newcomer()
    await give_password(last)
    assert (await give_code(last, phone)).path == "/staff"  # a wrong clock in between spoils no authenticator


async def test_without_a_phone_a_sheet_counts_once_one_of_its_codes_was_typed(newcomer: Newcomer) -> None:
    mara, hand = newcomer(), Hand()
    await give_password(mara)
    hand.read(await mara.post("/staff/sign-in/set-up/codes", next="/staff"))
    lost = newcomer()
    assert (await give_password(lost)).path == "/staff/sign-in/set-up"  # nobody is locked out by a sheet never printed
    await mara.get("/staff/sign-in/set-up")
    assert (await mara.post("/staff/sign-in/set-up/codes/confirm", code="AAAAA-AAAAA", next="/staff")).status == 401
    shown = await mara.post("/staff/sign-in/set-up/codes/confirm", code=hand.codes[4], next="/staff")
    assert shown.path == "/staff"
    later = newcomer()
    assert (await give_password(later)).path == "/staff/sign-in/second"
    assert (await give_code(later, hand.codes[4])).path == "/staff"


async def test_who_used_up_the_sheet_is_led_to_a_new_one_and_never_back_to_a_password_alone(
    box: OpenBox, newcomer: Newcomer
) -> None:
    mara, hand = newcomer(), Hand()
    await give_password(mara)
    hand.read(await mara.post("/staff/sign-in/set-up/codes", next="/staff"))
    await mara.post("/staff/sign-in/set-up/codes/confirm", code=hand.codes[0], next="/staff")
    await box.clinic.db.write(lambda tx: tx.execute("UPDATE printed_codes SET state = 'used' WHERE rowid > 1"))
    last, left = newcomer(), hand.codes
    await give_password(last)
    paths = [(await give_code(last, code)).path for code in left if last.cookie(LOGIN) == ""]
    assert paths[-1] == "/staff/account/codes"
    thief = newcomer()
    shown = await give_password(thief)
    assert (shown.path, "used up" in shown.text) == ("/staff/sign-in/second", True)


async def test_each_step_has_its_own_token(newcomer: Newcomer) -> None:
    hand, mara = await set_up(newcomer()), newcomer()
    await give_password(mara)
    half = mara.cookie(HALF)
    await give_code(mara, hand.code(1))
    assert half not in ("", mara.cookie(LOGIN))


async def test_a_half_login_opens_nothing(box: OpenBox, newcomer: Newcomer) -> None:
    await set_up(newcomer())
    mara = newcomer()
    await give_password(mara)
    assert not await stands(box, mara.cookie(HALF))
    forged = Visitor(mara.origin)
    forged._http.cookie_jar.update_cookies({LOGIN: mara.cookie(HALF)})
    assert (await forged.get("/staff")).path == "/staff/sign-in"
    await forged.close()


async def test_no_step_can_be_left_out(newcomer: Newcomer) -> None:
    await set_up(newcomer())
    mara = newcomer()
    await give_password(mara)
    word = mara.last.hidden("csrf")
    for path in ("set-up/authenticator", "set-up/codes", "set-up/codes/confirm", "password"):
        shown = await mara.post(f"/staff/sign-in/{path}", csrf=word, code="123456", new=NEW, again=NEW)
        assert (shown.path, mara.cookie(LOGIN)) == ("/staff/sign-in/second", "")


async def test_a_step_is_refused_without_the_forms_own_word(newcomer: Newcomer) -> None:
    hand, mara = await set_up(newcomer()), newcomer()
    await give_password(mara)
    assert (await mara.post("/staff/sign-in/second", csrf="no", code=hand.codes[0])).status == 403


async def test_a_half_login_ends_after_a_quarter_of_an_hour(box: OpenBox, newcomer: Newcomer) -> None:
    hand, mara = await set_up(newcomer()), newcomer()
    await give_password(mara)
    await box.clinic.db.write(lambda tx: tx.execute("UPDATE half_logins SET expires_at = ?", (steady_seconds(),)))
    assert (await give_code(mara, hand.codes[0])).path == "/staff/sign-in"


async def test_nobody_learns_whether_name_or_password_was_wrong(newcomer: Newcomer) -> None:
    await set_up(newcomer())
    one, other = await give_password(newcomer(), "mara", "wrong"), await give_password(newcomer(), "nobody", "wrong")
    assert one.text.replace("mara", "nobody") == other.text


async def test_every_wrong_step_is_in_the_audit(box: OpenBox, newcomer: Newcomer) -> None:
    hand, mara = await set_up(newcomer()), newcomer()
    await give_password(mara, password="wrong")
    await give_password(mara)
    await give_code(mara, "000000")
    await give_code(mara, hand.code(1))
    assert await outcomes(box, "sign_in") == ["done", "wrong_sign_in", "wrong_code", "done"]
    assert await outcomes(box, "set_second_factor") == ["done", "done"]


# -- a password of one's own -------------------------------------------------------------------------------------------


async def appointed(box: OpenBox) -> str:
    phc, ruth = await box.clinic.door.hash(PASSWORD), Actor(box.staff["ruth"], "administrator", "portal")
    return await box.clinic.db.write(
        lambda tx: identity.appoint(tx, ruth, "Lena Park", "lena", "operator", phc, now_text(), must_change=True)
    )


async def test_a_password_that_somebody_else_made_up_is_changed_first(box: OpenBox, newcomer: Newcomer) -> None:
    await appointed(box)
    lena, step = newcomer(), "/staff/sign-in/password"
    assert (await give_password(lena, "lena")).path == step
    for new, again, word in (
        ("short", "short", "too short"),
        (PASSWORD, PASSWORD, "not the one you have now"),
        ("qwertyuiop12", "qwertyuiop12", "Many people"),
        ("lena lena park", "lena lena park", "has your name"),
        (NEW, NEW + "s", "not the same"),
    ):
        shown = await lena.post(step, new=new, again=again, next="/staff")
        assert (shown.status, word in shown.text) == (422, True), word
    assert (await lena.post(step, new=NEW, again=NEW, next="/staff")).path == "/staff/sign-in/set-up"
    other = newcomer()
    assert (await give_password(other, "lena")).status == 401
    assert (await give_password(other, "lena", NEW)).path == "/staff/sign-in/set-up"


async def test_a_reset_asks_for_the_password_and_a_new_factor_and_the_old_ones_are_gone(
    box: OpenBox, newcomer: Newcomer
) -> None:
    mara = newcomer()
    hand = await set_up(mara)
    phc, ruth = await box.clinic.door.hash(NEW), Actor(box.staff["ruth"], "administrator", "portal")
    await box.clinic.db.write(lambda tx: identity.reset_sign_in(tx, ruth, box.staff["mara"], phc, now_text()))
    await box.clinic.end_logins_of(box.staff["mara"])
    assert (await mara.get("/staff")).path == "/staff/sign-in"
    assert (await give_password(mara, password=NEW)).path == "/staff/sign-in/password"
    shown = await mara.post("/staff/sign-in/password", new="another " + NEW, again="another " + NEW, next="/staff")
    assert shown.path == "/staff/sign-in/set-up"
    fresh = Hand()
    fresh.read(shown)
    assert fresh.secret not in ("", hand.secret)


# -- how long ----------------------------------------------------------------------------------------------------------


async def later(box: OpenBox, seconds: int) -> None:
    """So much time has passed for every login."""
    await box.clinic.db.write(
        lambda tx: tx.execute(
            "UPDATE logins SET began = began - ?, seen = seen - ?, proved = proved - ?,"
            " idle_ends = idle_ends - ?, expires_at = expires_at - ?",
            (seconds,) * 5,
        )
    )


@pytest.mark.parametrize("shared", [False, True])
async def test_a_login_ends_when_nothing_happens_and_its_page_says_why_and_leads_back(
    box: OpenBox, newcomer: Newcomer, shared: bool
) -> None:
    mara, limits = newcomer(), SHARED_DEVICE if shared else OWN_DEVICE
    hand = await set_up(mara, shared=shared)
    for _ in range(3):
        await later(box, limits.idle - 60)
        assert (await mara.get("/staff")).path == "/staff"
    await later(box, limits.idle)
    shown = await mara.get("/staff/account")
    assert (shown.path, "because nothing happened" in shown.text) == ("/staff/sign-in", True)
    await mara.post("/staff/sign-in", username="mara", password=PASSWORD, next=shown.hidden("next"))
    assert (await give_code(mara, hand.code(1))).path == "/staff/account"


@pytest.mark.parametrize("shared", [False, True])
async def test_a_login_ends_after_a_working_day_or_an_hour_whatever_happens(
    box: OpenBox, newcomer: Newcomer, shared: bool
) -> None:
    mara, limits = newcomer(), SHARED_DEVICE if shared else OWN_DEVICE
    await set_up(mara, shared=shared)
    for _ in range((limits.absolute - 1) // (limits.idle - 60)):
        await later(box, limits.idle - 60)
        assert (await mara.get("/staff")).path == "/staff"
    await later(box, limits.idle - 60)
    shown = await mara.get("/staff")
    assert (shown.path, "for a long time" in shown.text) == ("/staff/sign-in", True)


async def test_who_leads_a_running_session_is_not_signed_out_of_it(box: OpenBox, newcomer: Newcomer) -> None:
    mara = newcomer()
    await set_up(mara, shared=True)
    await box.clinic.act(box.leader(), "open", box.session)
    async with mara.socket(f"/staff/sessions/{box.session}/ws"):
        for _ in range(20):
            await later(box, SHARED_DEVICE.idle - 60)
            await box.clinic.look_after_logins()
        assert await stands(box, mara.cookie(LOGIN))
        await box.clinic.act(box.leader(), "end", box.session)
        await later(box, SHARED_DEVICE.idle)
        await box.clinic.look_after_logins()
        assert not await stands(box, mara.cookie(LOGIN))


async def test_a_clock_set_forward_or_back_ends_nobodys_login(
    box: OpenBox, newcomer: Newcomer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mara, wall = newcomer(), clock._wall
    await set_up(mara)
    monkeypatch.setattr(clock, "_steady", wall() - clock.elapsed())
    for year in (-365 * 24 * 3600, 365 * 24 * 3600):
        monkeypatch.setattr(clock, "_wall", lambda: wall() + year)  # noqa: B023
        assert (await mara.get("/staff")).path == "/staff"


async def test_a_device_of_others_is_not_remembered_and_forgets_at_sign_out(newcomer: Newcomer) -> None:
    mara, own = newcomer(), newcomer()
    hand = await set_up(mara, shared=True)
    assert mara.cookie(KNOWN) == ""
    await mara.get("/staff")
    await mara.post("/staff/sign-out")
    assert mara.cookie(LOGIN) == ""
    await give_password(own)
    await give_code(own, hand.code(1))
    assert own.cookie(KNOWN) != ""


# -- my account --------------------------------------------------------------------------------------------------------


async def test_a_changed_password_signs_out_everywhere_else(box: OpenBox, newcomer: Newcomer) -> None:
    here, there = newcomer(), newcomer()
    hand = await set_up(here)
    await give_password(there)
    await give_code(there, hand.code(1))
    await here.get("/staff/account/password")
    wrong = await here.post("/staff/account/password", old="wrong", new=NEW, again=NEW)
    assert (wrong.status, "That is not your password" in wrong.text) == (401, True)
    done = await here.post("/staff/account/password", old=PASSWORD, new=NEW, again=NEW)
    assert (done.path, "is changed" in done.text) == ("/staff/account", True)
    assert (await there.get("/staff")).path == "/staff/sign-in"
    assert (await give_password(there, password=NEW)).path == "/staff/sign-in/second"
    assert await outcomes(box, "change_password") == ["done"]


async def test_a_changed_password_stops_who_is_halfway_in_with_the_old_one(newcomer: Newcomer) -> None:
    mara, thief = newcomer(), newcomer()
    hand = await set_up(mara)
    await give_password(thief)
    await mara.get("/staff/account/password")
    await mara.post("/staff/account/password", old=PASSWORD, new=NEW, again=NEW)
    assert (await give_code(thief, hand.codes[0])).path == "/staff/sign-in"


async def test_a_sensitive_change_asks_for_the_password_again_after_five_minutes(
    box: OpenBox, newcomer: Newcomer
) -> None:
    mara = newcomer()
    await set_up(mara)
    assert (await mara.get("/staff/account/codes")).path == "/staff/account/codes"
    await later(box, 301)
    shown = await mara.get("/staff/account/codes")
    assert (shown.path, shown.hidden("next")) == ("/staff/account/again", "/staff/account/codes")
    assert (await mara.post("/staff/account/codes")).path == "/staff/account/again"
    word = mara.last.hidden("csrf")
    assert (await mara.post("/staff/account/again", csrf=word, password="wrong", next="/staff")).status == 401
    shown = await mara.post("/staff/account/again", csrf=word, password=PASSWORD, next="/staff/account/codes")
    assert shown.path == "/staff/account/codes"


async def test_a_new_sheet_stops_the_old_one(newcomer: Newcomer) -> None:
    mara, later = newcomer(), newcomer()
    hand = await set_up(mara)
    old = hand.codes
    await mara.get("/staff/account/codes")
    hand.read(await mara.post("/staff/account/codes"))
    assert "10 codes left" in (await mara.get("/staff/account")).text
    await give_password(later)
    assert (await give_code(later, old[0])).status == 401
    assert (await give_code(later, hand.codes[0])).path == "/staff"
    assert "9 codes left" in (await later.get("/staff/account")).text


async def test_a_new_phone_takes_the_place_of_the_old_one_with_its_first_code(newcomer: Newcomer) -> None:
    mara, later = newcomer(), newcomer()
    old, new = await set_up(mara), Hand()
    new.read(await mara.get("/staff/account/authenticator"))
    assert (await mara.post("/staff/account/authenticator", code=old.code(1))).status == 401
    done = await mara.post("/staff/account/authenticator", code=new.code())
    assert "authenticator is set up" in done.text
    await give_password(later)
    assert (await give_code(later, old.code(1))).status == 401
    assert (await give_code(later, new.code(1))).path == "/staff"


async def test_the_last_second_factor_cannot_be_removed(box: OpenBox, newcomer: Newcomer) -> None:
    mara = newcomer()
    await set_up(mara)
    await box.clinic.db.write(lambda tx: tx.execute("UPDATE printed_codes SET state = 'used'"))
    await mara.get("/staff/account")
    shown = await mara.post("/staff/account/authenticator/remove")
    assert (shown.status, "at least one second step" in shown.text) == (409, True)
    await mara.get("/staff/account/codes")
    await mara.post("/staff/account/codes")
    await mara.get("/staff/account")
    assert "second step is removed" in (await mara.post("/staff/account/authenticator/remove")).text


async def test_one_sees_where_one_is_signed_in_and_ends_it_there(newcomer: Newcomer) -> None:
    here, there = newcomer(), newcomer()
    hand = await set_up(here)
    await give_password(there, shared=True)
    await give_code(there, hand.code(1))
    page = await here.get("/staff/account")
    assert (page.text.count("127.0.0.1"), page.text.count("Not my own device")) == (2, 1)
    place = page.text.split("/staff/account/logins/")[1].split("/end")[0]  # the newest comes first
    assert "You are signed out there" in (await here.post(f"/staff/account/logins/{place}/end")).text
    assert (await there.get("/staff")).path == "/staff/sign-in"
    await here.get("/staff/account")
    assert (await here.post("/staff/account/logins/nowhere/end")).status == 404


async def test_nobody_ends_a_login_of_somebody_else_by_its_name(newcomer: Newcomer) -> None:
    mara, paul = newcomer(), newcomer()
    await set_up(mara)
    await set_up(paul, "paul")
    place = (await mara.get("/staff/account")).text.split("/staff/account/logins/")[1].split("/end")[0]
    await paul.get("/staff/account")
    assert (await paul.post(f"/staff/account/logins/{place}/end")).status == 404
    assert (await mara.get("/staff")).path == "/staff"


async def test_signing_out_everywhere_closes_what_is_live(box: OpenBox, newcomer: Newcomer) -> None:
    mara, there = newcomer(), newcomer()
    hand = await set_up(mara)
    await give_password(there)
    await give_code(there, hand.code(1))
    async with there.socket(f"/staff/sessions/{box.session}/ws") as socket:
        await mara.get("/staff/account")
        assert (await mara.post("/staff/account/sign-out-everywhere")).path == "/staff/sign-in"
        assert await closed_with(socket) == SIGNED_OUT
    assert (await there.get("/staff")).path == "/staff/sign-in"
    assert await outcomes(box, "sign_out_everywhere") == ["done"]


# -- leaving the clinic ------------------------------------------------------------------------------------------------


async def retire(box: OpenBox, by: str, who: str) -> None:
    actor = Actor(box.staff[by], "administrator", "portal")
    await box.clinic.db.write(lambda tx: identity.retire(tx, actor, box.staff[who], now_text()))
    await box.clinic.end_logins_of(box.staff[who])


async def test_who_is_retired_is_out_at_once_with_what_they_lead(box: OpenBox, newcomer: Newcomer) -> None:
    mara, halfway = newcomer(), newcomer()
    hand = await set_up(mara)
    await box.clinic.act(box.leader(), "open", box.session)
    await give_password(halfway)
    async with mara.socket(f"/staff/sessions/{box.session}/ws") as socket:
        await events(socket, lambda f: f["event"] == "roster")
        await retire(box, "ruth", "mara")
        assert await closed_with(socket) == SIGNED_OUT
    assert (await mara.get("/staff")).path == "/staff/sign-in"
    assert (await give_code(halfway, hand.codes[0])).path == "/staff/sign-in"
    assert (await give_password(mara)).status == 401
    assert set(await outcomes(box, "retire")) == {"done"}


async def test_who_comes_back_starts_with_a_new_password(box: OpenBox, newcomer: Newcomer) -> None:
    await set_up(newcomer())
    await retire(box, "ruth", "mara")
    phc, ruth = await box.clinic.door.hash(NEW), Actor(box.staff["ruth"], "administrator", "portal")
    await box.clinic.db.write(lambda tx: identity.reset_sign_in(tx, ruth, box.staff["mara"], phc, now_text()))
    mara = newcomer()
    assert (await give_password(mara)).status == 401
    assert (await give_password(mara, password=NEW)).path == "/staff/sign-in/password"


@pytest.mark.parametrize(("who", "code"), [("ruth", "own_account"), ("nobody", "not_found")])
async def test_nobody_retires_themselves_or_nobody(box: OpenBox, who: str, code: str) -> None:
    ruth = Actor(box.staff["ruth"], "administrator", "portal")
    person = box.staff.get(who, "nobody")
    with pytest.raises(Fault, match=code):
        await box.clinic.db.write(lambda tx: identity.retire(tx, ruth, person, now_text()))


async def test_the_last_administrator_stays(box: OpenBox) -> None:
    lead = Actor("somebody", "clinical_lead", "portal")
    with pytest.raises(Fault, match="last_administrator"):
        await box.clinic.db.write(lambda tx: identity.retire(tx, lead, box.staff["ruth"], now_text()))
