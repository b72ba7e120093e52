"""What people see of their keys: words, holders, silences, doubts. And what has come in for them and was opened."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from playwright.async_api import Browser, Playwright

from tests.browser.looks import admit, sees, until
from tests.browser.people import Person, launch, person, sign_in, to_the_waiting_room
from tests.fakes.boxes import Box, running_box

PANEL = """
() => {
  const texts = (selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent);
  const shown = (selector) => document.querySelector(selector)?.hidden === false;
  return {
    words: texts(".code-words li"), holders: texts(".code-names li"),
    state: document.querySelector("#code-panel")?.dataset.state,
    prompt: shown(".code-prompt"), strangers: shown(".code-strangers") ? texts(".code-strangers")[0] : "",
    pending: shown("#pending-panel") ? texts("#pending .p-name") : [],
    chat: texts(".chat-log .chat-said").map((one) => one.replace(/\\s+/g, " ").trim()),
  };
}
"""

# The keys of the sentences that stand on the page: that of the page's own silence, and by name those at the tiles.
SILENCES = """
() => {
  const sentences = Object.entries(JSON.parse(document.getElementById("words").textContent));
  const key = (text, name) => sentences.find(([, one]) => one.replace("{name}", name) === text)?.[0] ?? text;
  const silence = document.getElementById("silence");
  const said = ["calm", "grave"].map((one) => silence.querySelector(`.silence-${one}`).textContent).join("");
  const tiles = {}, sounds = [...document.querySelectorAll("#sounds audio")];
  for (const tile of document.querySelectorAll("#tiles > .tile")) {
    const name = tile.querySelector(".tile-name").textContent;
    const doubt = tile.querySelector(".tile-doubt");
    tiles[name] = {
      doubt: doubt.hidden ? "" : key(doubt.textContent, name), dark: tile.hasAttribute("data-dark"),
      picture: !tile.querySelector("video").hidden,
      sound: sounds.some((one) => one.dataset.member === tile.dataset.member && !one.muted),
    };
  }
  return {silence: silence.hidden ? "" : key(said, ""), tiles};
}
"""

# Each received track: whose by the relay (the name at the tile, or the bare id), and what getStats says of it.
RECEIVED = """
async () => {
  const names = new Map([...document.querySelectorAll("#tiles > .tile")].map(
    (tile) => [tile.dataset.member, tile.querySelector(".tile-name").textContent]));
  const tracks = [];
  for (const peer of window.peers.filter((one) => one.connectionState !== "closed")) {
    for (const {receiver, stopped, currentDirection} of peer.getTransceivers()) {
      if (stopped || currentDirection !== "recvonly") continue;
      const member = window.senders.get(receiver.track.id);
      (await receiver.getStats()).forEach((entry) => entry.type === "inbound-rtp" && tracks.push({
        from: names.get(member) ?? member, kind: entry.kind, ssrc: entry.ssrc, packets: entry.packetsReceived ?? 0,
        opened: entry.kind === "video" ? entry.framesDecoded ?? 0 : entry.totalAudioEnergy ?? 0}));
    }
  }
  return tracks;
}
"""


@asynccontextmanager
async def box_of(rig: str = "") -> AsyncIterator[Box]:
    """A box of one's own, right or rigged (tests/rigs)."""
    home = Path(mkdtemp(prefix="hearth-"))  # short: a Unix socket's path has at most 107 bytes
    try:
        async with running_box(home, rig) as running:
            yield running
    finally:
        rmtree(home, ignore_errors=True)


async def people(playwright: Playwright, **kinds: str) -> list[Person]:
    """A window for each name, in one browser of each kind; the first is red, then green, then blue."""
    browsers: dict[str, Browser] = {}
    for kind in kinds.values():
        browsers[kind] = browsers.get(kind) or await launch(playwright, kind)
    colours = ("red", "green", "blue", "blue")
    made = zip(kinds.items(), colours, strict=False)
    return [await person(browsers[kind], name.title(), colour) for (name, kind), colour in made]


async def lead(who: Person, box: Box) -> None:
    """Mara signs in and opens the session."""
    await sign_in(who, box.portal, box.demo["facilitator_username"], box.demo["facilitator_password"])
    await who.page.get_by_role("button", name="Open the session").click()


async def lead_along(who: Person, box: Box) -> None:
    """Ines signs in and comes to the session's page."""
    await sign_in(who, box.portal, box.demo["cofacilitator_username"], box.demo["cofacilitator_password"])


async def wait(who: Person, box: Box, number: int) -> None:
    """With ticket `number` into the waiting room."""
    await to_the_waiting_room(who, box.link(number), box.pin(number), box.name(number))


async def gather(leader: Person, box: Box, *patients: Person) -> None:
    """The leader opens the session and lets the patients in, in the order of the tickets; all see each other."""
    await lead(leader, box)
    await asyncio.gather(*(wait(who, box, number) for number, who in enumerate(patients)))
    for number, who in enumerate(patients):
        await admit(leader, who, box.name(number))
    await together(leader, *patients)


async def together(*everybody: Person) -> None:
    """All have the same words, and each sees everybody else."""
    await until(lambda: agree(*everybody), "all have the same words")
    for who in everybody:
        others = [one for one in everybody if one is not who]
        await until(partial(sees, who, *others), f"{who.name} sees the others")


async def panel(who: Person) -> dict[str, Any]:
    return dict(await who.page.evaluate(PANEL))


async def has(who: Person, what: str, value: object) -> bool:
    return bool((await panel(who))[what] == value)


async def words(who: Person) -> list[str]:
    """The words of the room on that page; none without keys."""
    return list((await panel(who))["words"])


async def holders(who: Person) -> set[str]:
    """Who holds keys, as that page says."""
    return set((await panel(who))["holders"])


async def agree(*everybody: Person, other_than: list[str] | None = None) -> bool:
    """Whether all have the same words, other ones than those, and each page names all of them as holders."""
    seen = [await panel(who) for who in everybody]
    first, names = seen[0]["words"], {who.name for who in everybody}
    return (
        bool(first)
        and first != other_than
        and all(one["words"] == first and names <= set(one["holders"]) for one in seen)
    )


async def compare(leader: Person, *others: Person) -> None:
    """The leader's tap; every page shows it."""
    button = leader.page.get_by_role("button", name="Everybody has the same words")
    if not await button.is_visible():  # nobody asked for it
        await leader.page.locator("#code-panel summary").click()
    await button.click()
    for who in (leader, *others):
        await until(partial(has, who, "state", "compared"), f"{who.name} sees that the words were compared")


async def say(who: Person, text: str) -> None:
    """Write to the group."""
    if not await who.page.locator("#chat-text").is_visible():
        await who.page.locator("#chat summary").click()
    await who.page.locator("#chat-text").fill(text)
    await who.page.locator("#chat-text").press("Enter")


async def reads(who: Person, line: str) -> bool:
    return line in (await panel(who))["chat"]


async def silences(who: Person) -> dict[str, Any]:
    """All that the page says about silence: `silence`, and `tiles` by name: doubt, dark, picture, sound."""
    return dict(await who.page.evaluate(SILENCES))


async def silence(who: Person) -> str:
    """The key of the sentence of silence on the page, "" for none."""
    return str((await silences(who))["silence"])


async def is_silent(who: Person, sentence: str) -> bool:
    return await silence(who) == sentence


async def doubt(who: Person, about: Person) -> str:
    """The key of the sentence at somebody's tile; then it must be black and silent."""
    tile = (await silences(who))["tiles"].get(about.name)
    if not tile or not tile["doubt"]:
        return ""
    assert tile["dark"] and not tile["picture"] and not tile["sound"], tile
    return str(tile["doubt"])


async def doubts(who: Person, about: Person, sentence: str) -> bool:
    return await doubt(who, about) == sentence


async def received(who: Person) -> list[dict[str, Any]]:
    """What came in: from, kind, ssrc, packets, and as `opened` frames of a picture or the energy of a sound."""
    return list(await who.page.evaluate(RECEIVED))


async def opens(who: Person, other: Person) -> bool:
    """Whether pictures and sounds of the other one have been opened."""
    opened = {one["kind"]: one["opened"] > 0 for one in await received(who) if one["from"] == other.name}
    return opened == {"video": True, "audio": True}


async def opens_nothing_of(who: Person, *others: str, streams: int, packets: int = 40) -> None:
    """From some moment on so many packets come in each of `streams` tracks of the others, and nothing is opened."""

    async def look() -> dict[tuple[str, str], dict[str, Any]]:
        return {(one["from"], one["kind"]): one for one in await received(who) if not others or one["from"] in others}

    async def still() -> bool:
        before = await look()
        if len(before) != streams:
            return False

        async def enough() -> bool:
            now = await look()
            return all(now[key]["packets"] >= one["packets"] + packets for key, one in before.items())

        await until(enough, f"packets go on to {who.name}")
        now = await look()
        return all(now[key]["opened"] == one["opened"] for key, one in before.items())

    await until(still, f"{who.name} opens nothing more")
