"""What whoever taps the wire or looks into the box finds: no key, no frame, no word, though all were looked for."""

from __future__ import annotations

import os
from functools import partial

import pytest
from playwright.async_api import Playwright, Route

from tests.browser.keys import gather, people, reads, say
from tests.browser.looks import until
from tests.browser.people import Person
from tests.browser.tampering import COLLECTS, LISTENS
from tests.fakes.boxes import Box
from tests.fakes.capture import MAY_CAPTURE, WHY_NOT, Capture, capture
from tests.fakes.memory import found_in

pytestmark = pytest.mark.browser

KINDS = {
    "base key",
    "derived key",
    "frame that was sealed",
    "frame that was opened",
    "secret of the group",
    "private key",
}
SAID = "the heron stands on one leg in the reeds"
UFRAG = """
() => window.peers.filter((one) => one.connectionState === "connected").map(
  (one) => /a=ice-ufrag:(.*)/.exec(one.localDescription.sdp)[1].trim())
"""


async def listen(who: Person) -> None:
    """Page and Worker of that person keep copies of what should never leave them."""

    async def with_ears(route: Route) -> None:
        response = await route.fetch()
        await route.fulfill(response=response, body=LISTENS + await response.text())

    await who.context.add_init_script(COLLECTS)
    await who.context.route("**/static/room/sealing.js", with_ears)


async def kept(*everybody: Person) -> dict[str, bytes]:
    """What their pages have kept, by kind, number and person. Without what could lie anywhere by chance, like zeros."""
    found = {}
    for who in everybody:
        for kind, texts in dict(await who.page.evaluate("() => window.kept")).items():
            for number, text in enumerate(texts):
                if len(set(bytes.fromhex(text))) > 8:
                    found[f"{kind} {number}, {who.name}"] = bytes.fromhex(text)
    return found


def kind_of(name: str) -> str:
    return name.split(",")[0].rstrip(" 0123456789")


@pytest.mark.skipif(not MAY_CAPTURE and not os.environ.get("CI"), reason=WHY_NOT)
async def test_neither_the_wire_nor_the_memory_of_the_box_holds_a_key_a_frame_or_a_word_of_the_room(
    playwright: Playwright, box: Box
) -> None:
    everybody = mara, ada, tom = await people(playwright, mara="chromium", ada="firefox", tom="chromium")
    for who in everybody:
        await listen(who)
    async with capture(box.media_port) as tap:
        await gather(mara, box, ada, tom)
        await say(ada, SAID)
        await until(partial(reads, tom, f"Ada: {SAID}"), "Tom reads what Ada wrote")
        secrets = await kept(*everybody)
        names = [name.encode() for who in everybody for name in await who.page.evaluate(UFRAG)]
        sealed = {name: secrets.pop(name) for name in list(secrets) if name.startswith("sealed frame")}
        for who in everybody:
            assert {kind_of(name) for name in secrets if name.endswith(who.name)} == KINDS
        secrets["what Ada wrote"] = SAID.encode()

        relay, appliance = box.pid("media"), box.pid("appliance", "--home")
        # The search can find: what the relay forwards is in its memory, the title of the session in the appliance's.
        assert found_in(relay, sealed)
        assert found_in(appliance, {"title": b"Thursday circle"})
        assert not found_in(relay, secrets)
        assert not found_in(appliance, secrets)
        assert not tap.lost
    # So can the tap: the names that each path has in its checks are in the clear (RFC 8445 section 7.2.2).
    assert len(names) == 6 and all(tap.holds(name) for name in names)
    assert both_ways(tap, box.media_port)
    assert not [name for name, secret in secrets.items() if tap.holds(secret)]


def both_ways(tap: Capture, port: int) -> bool:
    """Whether hundreds of datagrams came in and went out."""
    came = sum(one.destination == port for one in tap.seen)
    return came > 300 and len(tap.seen) - came > 300
