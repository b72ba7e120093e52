"""The whole hour for four people in real browsers: from the invitation to the short questions, nothing of it skipped.

Mara leads at a desk. Ada has a phone, uses the keyboard alone and wants less motion; Tomás reads Spanish at a desk; Wen
reads Spanish on a phone and loads every page anew. Each page and state is judged on the way: axe, width, large letters.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial

import pytest
from playwright.async_api import Browser, Locator, Playwright, expect

from tests.browser.hour import Hands, Look, act, come, in_the_room, phase, row
from tests.browser.looks import WAIT, sees, until
from tests.browser.people import Person, launch, person, sign_in
from tests.fakes.boxes import Box

pytestmark = pytest.mark.browser

SOON = WAIT * 1000  # milliseconds, for `expect`
# Who sits at which browser: who leads, then Ada, Tomás, Wen.
TABLES = {
    "both": ("chromium", "firefox", "chromium", "chromium"),
    "chromium": ("chromium",) * 4,
    "firefox": ("firefox",) * 4,
}
# What a screen reader calls the controls of the room, in their order.
CONTROLS = ["Microphone", "Camera", "Hand", "Help", "More", "Leave"]
DESK = ["Pause everything", "Unlock the door", "Reminder now", "Redirect card", "End for everybody"]
EACH = ["Mute", "Ask to speak", "Private word", "Flag"]


@dataclass
class Group:
    """Who is there, and what was found wrong on the way."""

    mara: Person
    ada: Person
    tom: Person
    wen: Person
    look: Look

    @property
    def guests(self) -> tuple[Person, Person, Person]:
        return self.ada, self.tom, self.wen

    async def see_each_other(self) -> None:
        everybody = (self.mara, *self.guests)
        for who in everybody:
            others = [one for one in everybody if one is not who]
            try:
                await until(partial(sees, who, *others), f"{who.name} sees the others")
            except AssertionError:  # with what there is instead, since an hour is long to repeat
                silence = await who.page.locator("#silence").inner_text() + await who.page.locator("#line").inner_text()
                raise AssertionError(f"{who.name} sees {await who.tiles()}; {silence}") from None


@pytest.fixture(params=["both", *(pytest.param(one, marks=pytest.mark.again) for one in ("chromium", "firefox"))])
async def group(playwright: Playwright, request: pytest.FixtureRequest) -> AsyncIterator[Group]:
    table = TABLES[request.param]
    browsers: dict[str, Browser] = {kind: await launch(playwright, kind) for kind in set(table)}
    at = [browsers[kind] for kind in table]
    made = Group(
        await person(at[0], "Mara", "red"),
        await person(at[1], "Ada", "green", phone=True),
        await person(at[2], "Tomás", "blue", language="es-ES"),
        await person(at[3], "Wen", "green", phone=True, language="es-ES"),
        Look(),
    )
    await made.ada.page.emulate_media(reduced_motion="reduce")
    yield made
    for browser in browsers.values():
        await browser.close()


async def test_the_whole_hour_for_four_people(box: Box, group: Group) -> None:
    await everybody_comes(box, group)
    await the_rules_and_the_beginning(group)
    await hands_help_and_a_word(group)
    await a_pause_and_a_hold(group)
    await a_private_word(group)
    await the_end(box, group)
    assert group.look.wrong == []


async def everybody_comes(box: Box, group: Group) -> None:
    mara, look = group.mara, group.look
    await sign_in(mara, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await look.at(mara.page, "Mara before the session")
    await act(mara, "open")
    await phase(mara, "open")
    for number, guest in enumerate(group.guests):
        hands = Hands(guest.page, keyboard=guest is group.ada)
        await come(guest, hands, box, number, look, reload=guest is group.wen)
        waiting = mara.page.locator("#waiting .person")
        await expect(waiting).to_have_count(1, timeout=SOON)
        await look.at(mara.page, f"Mara while {guest.name} waits")
        if guest is group.ada:
            await a_look_at_who_waits(group)
        await act(mara, "admit", box.name(number), "#waiting")
        await in_the_room(guest)
    await group.see_each_other()
    # Everybody is in: the door has locked itself, and says so.
    await expect(mara.page.locator("main#room")).to_have_attribute("data-locked", "true", timeout=SOON)
    for who in (mara, *group.guests):
        await look.at(who.page, f"{who.name} in the room")
    assert await names(group.ada.page.locator(".controls")) == CONTROLS
    assert await names(mara.page.locator(".desk")) == DESK
    assert await names(row(mara, "Ada")) == [f"{word} Ada" for word in EACH]


async def names(place: Locator) -> list[str]:
    """What a screen reader calls the buttons there, in their order."""
    return re.findall(r'button "([^"]+)"', await place.aria_snapshot())


async def a_look_at_who_waits(group: Group) -> None:
    """A message, the check phrase, the vouching: each reaches the page of who waits, and stays after a reload."""
    mara, ada = group.mara, group.ada
    who = mara.page.locator("#waiting .person")
    await who.locator("form[data-action=message]").locator("xpath=ancestor::details").locator("summary").click()
    await who.locator("form[data-action=message] button[name=text]").first.click()
    await expect(ada.page.get_by_text("We begin in a few minutes.")).to_be_visible(timeout=SOON)
    await ada.page.reload()
    await expect(ada.page.get_by_text("We begin in a few minutes.")).to_be_visible(timeout=SOON)
    await group.look.at(ada.page, "Ada with a message")
    await who.locator("form[data-action=vouch] button").click()
    await expect(who.locator(".p-vouched")).to_be_visible(timeout=SOON)


async def the_rules_and_the_beginning(group: Group) -> None:
    mara, look = group.mara, group.look
    await act(mara, "show_rules")
    await phase(mara, "rules")
    for guest in group.guests:
        sheet = guest.page.locator("#card-sheet")
        await expect(sheet).to_be_visible(timeout=SOON)
        await look.at(guest.page, f"{guest.name} reads the rules")
        await Hands(guest.page, keyboard=guest is group.ada).press(guest.page.locator("#card-done"))
        await expect(sheet).to_be_hidden(timeout=SOON)
    await look.at(mara.page, "Mara while the rules are read")
    await act(mara, "begin")
    await phase(mara, "running")
    # Whoever comes back on a page loaded anew reads the rules again (C21).
    wen = group.wen.page
    await wen.reload()
    await expect(wen.locator("#card-sheet")).to_be_visible(timeout=SOON)
    await wen.locator("#card-done").click()
    await group.see_each_other()


async def hands_help_and_a_word(group: Group) -> None:
    mara, ada, look = group.mara, group.ada, group.look
    await Hands(ada.page, keyboard=True).press(ada.page.locator("#hand"))
    await group.tom.page.locator("#hand").click()
    await expect(mara.page.locator("#hands .p-name")).to_have_text(["Ada", "Tomás"], timeout=SOON)
    await look.at(mara.page, "Mara with hands up")
    await act(mara, "lower_hand", "Ada", "#hands")
    await expect(mara.page.locator("#hands .p-name")).to_have_text(["Tomás"], timeout=SOON)

    wen = group.wen.page
    await wen.locator("#help").click()
    await look.at(wen, "Wen asks for help")
    await wen.locator(".help-choice[data-kind=distress]").click()
    concern = mara.page.locator(".concern[data-kind=distress]")
    await expect(concern).to_contain_text("Wen", timeout=SOON)
    await look.at(mara.page, "Mara with a concern")
    assert "Wen" not in await ada.page.locator("#news").inner_text()  # the group is told nothing
    await expect(ada.page.locator(".concern")).to_have_count(0)
    await look.at(wen, "Wen was heard")
    await wen.keyboard.press("Escape")
    await concern.locator("form[data-action=handle_concern] button").click()
    await expect(concern).to_be_hidden(timeout=SOON)

    await ada.page.locator("#more").click()
    await look.at(ada.page, "Ada with more")
    await ada.page.locator(".whisper-open:visible").click()
    await ada.page.locator("#whisper-text").fill("I would rather listen today")
    await ada.page.keyboard.press("Enter")
    await expect(mara.page.locator("#threads .t-log")).to_contain_text("I would rather listen", timeout=SOON)
    await look.at(mara.page, "Mara with a whisper")
    await expect(group.tom.page.get_by_text("I would rather listen")).to_have_count(0)
    await ada.page.keyboard.press("Escape")


async def a_pause_and_a_hold(group: Group) -> None:
    mara, look = group.mara, group.look
    await act(mara, "pause")
    await phase(mara, "paused")
    for guest in group.guests:
        await expect(guest.page.locator("#held")).to_be_visible(timeout=SOON)
        await until(partial(_nothing_comes, guest), f"{guest.name} gets no picture")
        await look.at(guest.page, f"{guest.name} while all is paused")
    await look.at(mara.page, "Mara while all is paused")
    await act(mara, "resume")
    await group.see_each_other()
    await act(mara, "hold", "Tomás")
    await expect(group.tom.page.locator("#held")).to_be_visible(timeout=SOON)
    await until(partial(_nothing_comes, group.tom), "Tomás gets no picture while he is held")
    await look.at(group.tom.page, "Tomás on hold")
    await act(mara, "release", "Tomás")
    await group.see_each_other()


async def a_private_word(group: Group) -> None:
    mara, wen, look = group.mara, group.wen, group.look
    await row(mara, "Wen").locator("form[data-action=aside] button").first.click()
    for who in (mara, wen):  # both pages are loaded anew
        await expect(who.page.locator("main[data-home]")).to_be_visible(timeout=SOON)
    await until(lambda: sees(wen, mara), "Wen sees Mara alone")
    await until(lambda: sees(mara, wen), "Mara sees Wen alone")
    await look.at(mara.page, "Mara in a private word")
    await look.at(wen.page, "Wen in a private word")
    await look.at(group.ada.page, "Ada while they are away")
    await mara.page.locator('form[action$="/end_aside"] button').first.click()
    for who in (mara, wen):
        await expect(who.page.locator("main#room:not([data-home])")).to_be_visible(timeout=SOON)
    await group.see_each_other()


async def the_end(box: Box, group: Group) -> None:
    mara, look = group.mara, group.look
    await act(mara, "end")
    await look.at(mara.page, "Mara before the end")
    await mara.page.locator("#confirm-end button[value=yes]").click()
    for guest in group.guests:
        await expect(guest.page.locator('form[action="/join/feedback"]')).to_be_visible(timeout=SOON)
        await look.at(guest.page, f"{guest.name} at the end")
        for question in ("heard", "respected", "feeling"):
            await guest.page.locator(f'input[name={question}][value="4"]').check()
        await guest.page.locator('form[action="/join/feedback"] button').click()
        await expect(guest.page.locator('form[action="/join/feedback"]')).to_have_count(0, timeout=SOON)
        kept = await guest.page.evaluate("() => [sessionStorage.length, localStorage.length]")
        assert kept == [0, 0], f"{guest.name}'s browser keeps nothing of the hour"
    await phase(mara, "ended")
    await look.at(mara.page, "Mara after the end")
    session = mara.page.url
    await mara.page.goto(f"{session}/summary")
    await look.at(mara.page, "the summary")
    await expect(mara.page.get_by_text("3 people have answered")).to_be_visible()
    await mara.page.goto(f"{session}/incident")
    await look.at(mara.page, "the incident")
    await until(box.sessions_at_hq, "the record is at HQ")
    (record,) = await box.sessions_at_hq()
    assert len(record["body"]["attendees"]) == 4  # one each, whatever private rooms and reloads there were


async def _nothing_comes(who: Person) -> bool:
    return not await who.inbound()
