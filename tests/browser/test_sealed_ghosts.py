"""A box that lies about who somebody is: everybody's words change, or there are none; nobody comes in unseen."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64decode
from functools import partial
from typing import Any

import pytest
from playwright.async_api import Playwright

from tests.browser.keys import (
    agree,
    box_of,
    compare,
    gather,
    holders,
    is_silent,
    lead,
    opens,
    opens_nothing_of,
    panel,
    people,
    received,
    silence,
    wait,
    words,
)
from tests.browser.looks import admit, until
from tests.browser.people import Person
from tests.browser.tampering import ALTERS_MAIN, LINE, LOOKS_AT_ALL
from tests.fakes.boxes import rig_flag

pytestmark = pytest.mark.browser

GROUP = "0" * 32
COMMIT = {"group": GROUP, "epoch": 0, "commit": "AAEAAQ", "groupInfo": "AAEABA", "welcome": None, "added": []}
# What only a facilitator's page asks, and what only pages in the room ask.
ASKED: dict[str, dict[str, Any]] = {
    "groupLook": {},
    "groupFound": {"group": GROUP, "groupInfo": "AAEABA", "instead": None},
    "groupCommit": COMMIT,
    "groupCompared": {"group": GROUP, "epoch": 1},
    "groupCommits": {"group": GROUP, "after": 0},
    "groupSay": {"group": GROUP, "message": "AAEAAg"},
    "join": {},
}


async def altered(who: Person, **attributes: str) -> None:
    """Their page once more, as if the box had sent it with these attributes of its main element."""
    changes = json.dumps({name.replace("_", "-"): value for name, value in attributes.items()})
    await who.context.add_init_script(ALTERS_MAIN)
    await who.page.evaluate("(changes) => sessionStorage.setItem('main', changes)", changes)
    await who.page.reload()


async def names_a_stranger(who: Person) -> bool:
    return "Ghost" in (await panel(who))["strangers"]


async def holds(who: Person, name: str) -> bool:
    return name in await holders(who)


async def member_of(who: Person) -> str:
    return str(await who.page.locator("#room").get_attribute("data-member"))


async def test_a_ghost_that_the_box_vouches_for_is_on_every_page_and_changes_everybodys_words(
    playwright: Playwright,
) -> None:
    async with box_of("forwards_everything,false_leader") as box:
        mara, ada, ghost = await people(playwright, mara="chromium", ada="firefox", ghost="chromium")
        await gather(mara, box, ada)
        await compare(mara, ada)
        before = await words(mara)

        rig_flag(box.home).touch()  # Mara's page could put the ghost out again; the box does not let it
        await wait(ghost, box, 1)
        await altered(ghost, data_facilitator="")
        for who in (mara, ada):
            await until(partial(names_a_stranger, who), f"{who.name}'s page raises the alarm")
        assert await agree(mara, ada, other_than=before)
        for who in (mara, ada):
            seen = await panel(who)
            assert set(seen["holders"]) == {"Mara", "Ada", "Ghost"}
            assert seen["state"] == "changed" and seen["prompt"]
        for who in (mara, ada):
            await until(partial(opens, ghost, who), f"this is no mere name: the ghost sees and hears {who.name}")

        # Without the box's help the ghost is out again, by nobody's tap.
        with_ghost = await words(mara)
        rig_flag(box.home).unlink()
        await until(partial(agree, mara, ada, other_than=with_ghost), "the words are others again")
        for who in (mara, ada):
            assert await holders(who) == {"Mara", "Ada"}
        await opens_nothing_of(ghost, streams=4)


async def test_who_waits_and_makes_their_page_lead_is_refused_everything_and_changes_nobodys_words(
    playwright: Playwright,
) -> None:
    async with box_of() as box:
        mara, ada, ghost = await people(playwright, mara="chromium", ada="chromium", ghost="chromium")
        await ghost.context.add_init_script(LINE)
        await gather(mara, box, ada)
        before = await words(mara)
        await wait(ghost, box, 1)
        await altered(ghost, data_facilitator="")
        await ghost.page.wait_for_function("() => window.line?.readyState === WebSocket.OPEN")
        answers = dict(await ghost.page.evaluate("(asked) => window.askAll(asked)", ASKED))
        assert {method: answer.get("fault", {}).get("code") for method, answer in answers.items()} == dict.fromkeys(
            ASKED, "refused"
        )
        said = await ghost.page.evaluate("(asked) => window.askAll(asked)", {"groupCredential": {"key": "A" * 43}})
        payload = said["groupCredential"]["data"]["credential"].split(".")[0]
        assert json.loads(urlsafe_b64decode(payload + "=="))["role"] == "participant"
        assert not await words(ghost) and not await received(ghost)
        for who in (mara, ada):
            assert await words(who) == before and await holders(who) == {"Mara", "Ada"}


@pytest.mark.again
async def test_a_box_that_gives_out_anothers_key_for_a_person_leaves_that_person_without_words_never_in_false_company(
    playwright: Playwright,
) -> None:
    async with box_of("forwards_everything,swaps_offers") as box:
        mara, ada, ghost = await people(playwright, mara="chromium", ada="firefox", ghost="chromium")
        await ghost.context.add_init_script(LOOKS_AT_ALL)
        await lead(mara, box)
        await asyncio.gather(wait(ada, box, 0), wait(ghost, box, 1))

        # Ghost's key under Ada's name: its credential says Ghost, so Mara's page takes it for nobody's.
        await admit(mara, ada, box.name(0))
        await until(partial(is_silent, ada, "keysAwaited"), "Ada is told that she has no keys")
        await opens_nothing_of(ada, "Mara", streams=2)
        await opens_nothing_of(ghost, "Mara", streams=2)
        assert await holders(mara) == {"Mara"}

        # The box vouches for it as Ada's as well: now the ghost comes in by that name, and hears Mara.
        rig_flag(box.home).touch()
        await altered(ghost, data_member=await member_of(ada))
        await until(partial(holds, mara, "Ada"), "by Mara's page Ada has keys")
        await until(partial(opens, ghost, mara), "the ghost sees and hears")
        # What the box cannot do: Ada has no words to read, her page says why, and nothing of her leaves.
        assert not await words(ada) and await silence(ada) == "keysAwaited"
        await opens_nothing_of(ada, "Mara", streams=2)
        assert not [one for one in await received(mara) if one["from"] == "Ada" and one["packets"] > 0]
