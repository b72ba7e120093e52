"""How a room's keys live through an ordinary evening: who comes back and how, who leads, what is written."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import cast

import pytest
from playwright.async_api import Playwright, expect

from appliance.control.client import ControlClient
from appliance.home import Home
from appliance.store import keyslots
from appliance.store.database import Database, Transaction
from tests.browser.keys import (
    agree,
    compare,
    gather,
    has,
    holders,
    is_silent,
    lead,
    lead_along,
    opens_nothing_of,
    panel,
    people,
    say,
    together,
    wait,
    words,
)
from tests.browser.looks import WAIT, admit, remove, until
from tests.browser.people import Person, sign_in
from tests.browser.tampering import LINE
from tests.fakes.boxes import Box

pytestmark = pytest.mark.browser

SLOW = WAIT * 1000  # milliseconds, as Playwright counts
SAID = "the heron stands on one leg in the reeds"


async def let_in(leader: Person, name: str) -> None:
    """The tap on the list of those who have no keys."""
    row = leader.page.locator("#pending .person", has_text=name)
    await row.get_by_role("button", name="Let in").click(timeout=SLOW)


async def admit_at_the_desk(box: Box, who: Person) -> None:
    """Over the control socket, with a facilitator's own login: the box calls that member admitted."""
    member = await who.page.locator("#room").get_attribute("data-member") or ""
    desk = ControlClient(box.home / "run" / "control.sock")
    await desk.sign_in(box.demo["facilitator_username"], box.demo["facilitator_password"])
    await desk.member_action(box.demo["session"], member, "admit")
    await desk.close()


async def on_another_page(who: Person, address: str) -> Person:
    """The same login in another window, which knows nothing of the keys that the first one has."""
    made = Person(who.name, who.colour, who.context, await who.context.new_page())
    await made.page.goto(address)
    return made


@pytest.mark.parametrize("kind", ["chromium", pytest.param("firefox", marks=pytest.mark.again)])
async def test_keys_come_by_a_tap_on_a_leaders_page_alone_and_without_one_to_the_page_that_had_them(
    playwright: Playwright, box: Box, kind: str
) -> None:
    mara, ada = await people(playwright, mara="chromium", ada=kind)
    await lead(mara, box)
    await wait(ada, box, 0)

    await admit_at_the_desk(box, ada)
    await until(partial(has, mara, "pending", ["Ada"]), "Mara is asked about whom the box calls admitted")
    await until(partial(is_silent, ada, "keysAwaited"), "Ada is told that she has no keys yet")
    await opens_nothing_of(ada, "Mara", streams=2)
    assert not await words(ada) and await holders(mara) == {"Mara"}
    await let_in(mara, "Ada")
    await together(mara, ada)

    before = await words(mara)
    await ada.page.reload()
    await until(partial(agree, mara, ada, other_than=before), "the same page has new keys, without a tap")
    await together(mara, ada)

    before = await words(mara)
    again = await on_another_page(ada, f"{box.portal}/join/wait")
    await until(partial(has, mara, "pending", ["Ada"]), "Mara is asked about another page of Ada's")
    await until(partial(is_silent, again, "keysAwaited"), "Ada is told there")
    assert not await words(again) and await words(mara) == before
    await let_in(mara, "Ada")
    await until(partial(agree, mara, again, other_than=before), "Ada has keys on her new page")
    await together(mara, again)
    assert not await words(ada), "and none on the older one"


async def test_the_room_outlives_the_page_the_device_and_the_absence_of_who_leads(
    playwright: Playwright, box: Box
) -> None:
    mara, ada, tom = await people(playwright, mara="chromium", ada="firefox", tom="chromium")
    await gather(mara, box, ada)
    await compare(mara, ada)

    before = await words(mara)
    await mara.page.reload()
    await until(partial(agree, mara, ada, other_than=before), "Mara is back by herself")
    await together(mara, ada)
    for who in (mara, ada):
        assert await has(who, "state", "changed"), "there was a comparison, of other words"
    await compare(mara, ada)

    before = await words(mara)
    (elsewhere,) = await people(playwright, mara="firefox")
    await sign_in(elsewhere, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await expect(mara.page.locator("#room")).to_have_attribute("data-line", "replaced", timeout=SLOW)
    await until(partial(agree, elsewhere, ada, other_than=before), "Mara leads from another device")
    await together(elsewhere, ada)
    assert not await words(mara), "the older page has no keys any more"

    for page in (mara, elsewhere):
        await page.context.close()
    (ines,) = await people(playwright, ines="chromium")
    await lead_along(ines, box)
    await until(partial(agree, ines, ada), "Ines has come in")
    await wait(tom, box, 1)
    before = await words(ada)
    await admit(ines, tom, box.name(1))
    await until(partial(agree, ines, ada, tom, other_than=before), "Ines has let Tom in")
    before = await words(ada)
    await remove(ines, ada)
    await until(partial(has_others, ines, before), "Ines's page has made new keys without Ada")
    assert "Ada" not in await holders(tom)


async def has_others(who: Person, before: list[str]) -> bool:
    return bool(await words(who)) and await words(who) != before


@pytest.mark.again
async def test_two_who_lead_let_in_at_the_same_moment_and_who_was_off_the_line_catches_up(
    playwright: Playwright, box: Box
) -> None:
    everybody = mara, ines, ada, tom = await people(
        playwright, mara="chromium", ines="chromium", ada="firefox", tom="chromium"
    )
    await ada.context.add_init_script(LINE)
    await lead(mara, box)
    await lead_along(ines, box)
    await until(partial(agree, mara, ines), "both hold keys")
    await asyncio.gather(wait(ada, box, 0), wait(tom, box, 1))
    await asyncio.gather(admit(mara, ada, box.name(0)), admit(ines, tom, box.name(1)))
    await until(partial(agree, *everybody), "both are in")

    # Two changes of keys that Ada hears nothing of.
    await ada.page.evaluate("() => { window.mark = 'this very page'; window.hangUp(); }")
    await expect(ada.page.locator("#room")).to_have_attribute("data-line", "lineLost", timeout=SLOW)
    for _ in range(2):
        before = await words(mara)
        await tom.page.reload()
        await until(partial(agree, mara, ines, tom, other_than=before), "Tom has come back with new keys")
    await ada.page.evaluate("() => window.dial()")
    await until(partial(agree, *everybody), "Ada has caught up")
    assert await ada.page.evaluate("() => window.mark") == "this very page"


@pytest.mark.again
async def test_what_is_written_is_read_by_who_has_keys_and_kept_nowhere(playwright: Playwright, box: Box) -> None:
    mara, ada, tom = await people(playwright, mara="chromium", ada="firefox", tom="chromium")
    await tom.context.add_init_script(LINE)
    await gather(mara, box, ada)
    await wait(tom, box, 1)
    await say(ada, SAID)
    await say(mara, "yes")
    for who in (mara, ada):
        await until(partial(has, who, "chat", [f"Ada: {SAID}", "Mara: yes"]), f"{who.name} reads both lines")
    heard = list(await tom.page.evaluate("() => window.heard"))
    assert "standing" in heard and "groupSaid" not in heard, "who waits is not even sent it"

    await ada.page.reload()
    await together(mara, ada)
    assert (await panel(ada))["chat"] == []
    box.process.terminate()
    await box.process.wait()
    for file in (file for file in box.home.rglob("*") if file.is_file()):
        assert SAID.encode() not in file.read_bytes(), file.name
    rows = await all_that_is_stored(box)
    assert "Thursday circle" in rows and SAID not in rows


async def all_that_is_stored(box: Box) -> str:
    """Every row of the store of a box that has ended, in clear."""
    store = Home(box.home).store
    db = await Database.open(store, keyslots.unlock(store, box.demo["passphrase"]))
    try:
        return await db.read(every_row)
    finally:
        await db.close()


def every_row(tx: Transaction) -> str:
    tables = [row["name"] for row in tx.all("SELECT name FROM sqlite_master WHERE type = 'table'", ())]
    rows = [row for table in tables for row in tx.all(f"SELECT * FROM {table}", ())]  # noqa: S608 - names of our own
    return "\n".join(str(tuple(cast(Iterable[object], row))) for row in rows)
