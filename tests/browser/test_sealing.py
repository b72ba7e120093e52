"""What leaves a browser is sealed; what is not rightly sealed is neither seen nor heard. Real Chromium and Firefox."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, Playwright

from tests.browser.looks import until
from tests.browser.pairs import build_probes, pair_page, served

pytestmark = pytest.mark.browser

NEW, ALL = ["chromium", "firefox"], ["chromium", "firefox", "chromium-streams"]
SLOW = ["chromium", pytest.param("firefox", marks=pytest.mark.again)]  # Firefox at each by `make browsers`
# What a decoder makes up while nothing comes: it fades, and is a thousandth of any sound.
HUSH = 1e-4


@pytest.fixture(scope="module")
def probes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probes")
    build_probes(folder)
    return folder


@pytest.fixture
async def address(probes: Path) -> AsyncIterator[str]:
    async with served(probes) as at:
        yield at


async def pair(page: Page, options: dict[str, Any] | None = None, *, keys: bool = True) -> None:
    """`pair` on the page: Alice sends to Bob; both have the keys of epoch 1, if any."""
    await page.evaluate("(options) => { window.pair = new Pair(options); }", options or {})
    if keys:
        await page.evaluate("pair.keys(1)")
    await page.evaluate("pair.connect()")


async def look(page: Page, what: str) -> Any:
    return await page.evaluate(what)


async def stand(page: Page, wanted: dict[str, str]) -> None:
    """Bob's streams come to these states."""

    async def holds() -> bool:
        return bool(await look(page, "pair.bob.states") == wanted)

    await until(holds, f"streams are {wanted}")


async def states(page: Page, word: str) -> None:
    await stand(page, {"audio": word, "video": word})


async def flows(page: Page) -> None:
    """Bob sees and hears more than just now."""
    before = await look(page, "pair.received()")

    async def holds() -> bool:
        now = await look(page, "pair.received()")
        return bool(now["frames"] > before["frames"] + 5 and now["energy"] > before["energy"] + HUSH)

    await until(holds, "picture and sound go on")


async def stays_dark(page: Page, packets: int = 60) -> None:
    """Many more packets come to Bob, and none of them is seen or heard."""
    before = await look(page, "pair.received()")

    async def came() -> bool:
        now = await look(page, "pair.received()")
        return all(
            now[kind] > before[kind] + many
            for kind, many in (("audioPackets", packets), ("videoPackets", packets // 4))
        )

    await until(came, "packets still come")
    after = await look(page, "pair.received()")
    assert after["frames"] == before["frames"]
    assert after["energy"] - before["energy"] < HUSH


async def failed(page: Page, why: str, times: int = 1) -> None:
    async def holds() -> bool:
        return bool(await look(page, "pair.alice.failed") == [why] * times)

    await until(holds, f"Alice's sealer fails: {why}")


async def passed(page: Page, frames: int) -> None:
    """So many more of Alice's frames have come to her Worker."""
    count = "pinged(pair.alice.worker).then(({sealed}) => [...sealed.values()].map((one) => one.frames))"
    before = await look(page, count)

    async def holds() -> bool:
        return all(now > then + frames for now, then in zip(await look(page, count), before, strict=True))

    await until(holds, "frames come to the Worker")


@pytest.mark.parametrize("kind", NEW)
async def test_the_worker_meets_the_published_vectors(playwright: Playwright, address: str, kind: str) -> None:
    page = await pair_page(playwright, kind, address)
    answer = await page.evaluate("vectorsInWorker()")
    assert answer == {"count": 291}


@pytest.mark.parametrize("kind", ALL)
async def test_picture_and_sound_flow_through_changes_of_keys_and_tracks(
    playwright: Playwright, address: str, kind: str
) -> None:
    page = await pair_page(playwright, kind, address)
    await pair(page)
    await states(page, "open")
    await flows(page)
    await page.evaluate("pair.keys(2)")
    await flows(page)
    await page.evaluate(
        """navigator.mediaDevices.getUserMedia({audio: true, video: true}).then((other) => Promise.all(
          other.getTracks().map((track) => pair.sender(track.kind).replaceTrack(track))))"""
    )
    await flows(page)
    assert await look(page, "pair.bob.states") == {"audio": "open", "video": "open"}
    assert await look(page, "[...pair.alice.failed, ...pair.bob.failed]") == []


@pytest.mark.parametrize("kind", ALL)
async def test_without_keys_nothing_leaves(playwright: Playwright, address: str, kind: str) -> None:
    page = await pair_page(playwright, kind, address)
    await pair(page, keys=False)
    await passed(page, 30)
    assert await look(page, "pair.payloads()") == [0, 0]
    assert await look(page, "pair.bob.states") == {"audio": "waiting", "video": "waiting"}
    await page.evaluate("pair.keys(1)")
    await flows(page)
    assert await look(page, "pair.alice.failed") == []


@pytest.mark.parametrize("kind", SLOW)
async def test_silence_ends_both_directions_until_new_keys(playwright: Playwright, address: str, kind: str) -> None:
    page = await pair_page(playwright, kind, address)
    await pair(page)
    await flows(page)
    assert await look(page, "pair.bob.sealer.setKeys(keys(1, 'bob'))") is True  # once more: nothing changes
    await page.evaluate("pair.bob.sealer.silence()")
    assert await look(page, "pair.bob.sealer.setKeys(keys(1, 'bob'))") is False
    await states(page, "noKey")
    await stays_dark(page)
    await page.evaluate("pair.keys(2)")
    await flows(page)
    await states(page, "open")


@pytest.mark.parametrize("kind", SLOW)
async def test_whoever_lacks_the_new_keys_sees_and_hears_nothing_more(
    playwright: Playwright, address: str, kind: str
) -> None:
    page = await pair_page(playwright, kind, address)
    await pair(page)
    await flows(page)
    await page.evaluate("pair.alice.sealer.setKeys(keys(2, 'alice'))")
    await states(page, "noKey")
    await stays_dark(page)


MISCHIEF = {
    "alterEnd": {"audio": "altered", "video": "altered"},
    # The first byte is a picture's clear one, and a sound's header.
    "alterStart": {"audio": "notSealed", "video": "altered"},
    "cut": {"audio": "altered", "video": "altered"},
    "replay": {"audio": "replayed", "video": "replayed"},
}


@pytest.mark.parametrize("kind", SLOW)
async def test_what_is_altered_or_repeated_on_the_way_is_dropped_and_named(
    playwright: Playwright, address: str, kind: str
) -> None:
    page = await pair_page(playwright, kind, address)
    await pair(page, {"worker": "/probe/worker.js"})
    for mischief, named in MISCHIEF.items():
        await flows(page)
        await page.evaluate("(mischief) => pair.mischief(mischief)", mischief)
        await stand(page, named)
        await stays_dark(page)
        await page.evaluate("pair.mischief('sealed')")
    await flows(page)
    await states(page, "open")


@pytest.mark.parametrize("kind", [*NEW, pytest.param("chromium-streams", marks=pytest.mark.again)])
async def test_frames_of_one_member_are_not_shown_as_anothers(playwright: Playwright, address: str, kind: str) -> None:
    page = await pair_page(playwright, kind, address)
    await pair(page, {"as": "carol"})
    await states(page, "wrongSender")
    await stays_dark(page)
    assert (await look(page, "pair.received()"))["frames"] == 0


@pytest.mark.parametrize("kind", NEW)
async def test_what_was_never_sealed_is_not_shown_and_its_sender_is_stopped(
    playwright: Playwright, address: str, kind: str
) -> None:
    page = await pair_page(playwright, kind, address)
    await pair(page, {"worker": "/probe/worker.js", "mischief": "plain"})
    await failed(page, "leak", 2)
    seen = await look(page, "pair.received()")
    assert (seen["frames"], seen["energy"]) == (0, 0)
    assert await look(page, "pair.media.getTracks().map((track) => track.readyState)") == ["ended", "ended"]


@pytest.mark.parametrize("kind", ALL)
async def test_a_late_transform_is_refused_and_the_track_stopped(
    playwright: Playwright, address: str, kind: str
) -> None:
    page = await pair_page(playwright, kind, address)
    await pair(page, {"late": True})

    async def sent() -> bool:
        reports = "pair.sender('video').getStats().then((all) => [...all.values()].some((one) => one.framesSent > 10))"
        return bool(await look(page, reports))

    await until(sent, "the encoder works")
    if kind.startswith(
        "chromium"
    ):  # with encodedInsertableStreams; Firefox sends meanwhile: hence the order in attach.ts
        seen = await look(page, "pair.received()")
        assert (seen["audioPackets"], seen["videoPackets"]) == (0, 0)
    with pytest.raises(Exception, match="too late"):
        await page.evaluate("pair.protect()")
    await failed(page, "leak")
    assert await look(page, "pair.track('audio').readyState") == "ended"
    assert (await look(page, "pair.received()"))["frames"] == 0


@pytest.mark.parametrize("kind", NEW)
async def test_a_transform_that_is_taken_away_stops_the_track(playwright: Playwright, address: str, kind: str) -> None:
    page = await pair_page(playwright, kind, address)
    await pair(page)
    await flows(page)
    await page.evaluate("for (const kind of ['audio', 'video']) pair.sender(kind).transform = null")
    # Chromium lets no sound out then, so there is no leak of it; its encoder still counts the picture's frames.
    await failed(page, "leak", 1 if kind == "chromium" else 2)
    assert await look(page, "pair.track('video').readyState") == "ended"
    assert await look(page, "pair.sender('video').track") is None
    assert await look(page, "pair.alice.sealer.protects(pair.sender('video'))") is False


@pytest.mark.parametrize(
    ("kind", "death"),
    [
        *((kind, "terminate()") for kind in NEW),
        pytest.param("chromium-streams", "terminate()", marks=pytest.mark.again),
        *(pytest.param(kind, "postMessage({type: 'die'})", marks=pytest.mark.again) for kind in NEW),
    ],
)
async def test_a_dead_worker_lets_nothing_out_and_its_keys_are_not_used_again(
    playwright: Playwright, address: str, kind: str, death: str
) -> None:
    page = await pair_page(playwright, kind, address)
    await pair(page, {"worker": "/probe/worker.js"})
    await flows(page)
    await page.evaluate(f"pair.alice.worker.{death}")
    await failed(page, "worker")

    async def off() -> bool:
        return bool(await look(page, "['audio', 'video'].map((kind) => pair.sender(kind).track)") == [None, None])

    await until(off, "the tracks are off")  # replaceTrack ends after the failure is told
    assert await look(page, "pair.media.getTracks().map((track) => track.readyState)") == ["live", "live"]
    assert await look(page, "pair.alice.sealer.usable") is False
    assert await look(page, "pair.alice.sealer.protects(pair.sender('video'))") is False
    assert await look(page, "side().sealer.setKeys(keys(1, 'alice'))") is False
    assert await look(page, "side().sealer.setKeys(keys(2, 'alice'))") is True
    await states(page, "silent")


@pytest.mark.parametrize("kind", SLOW)
async def test_a_receiver_whose_worker_died_shows_nothing(playwright: Playwright, address: str, kind: str) -> None:
    page = await pair_page(playwright, kind, address)
    await pair(page)
    await flows(page)
    await page.evaluate("pair.bob.worker.terminate()")

    async def gone() -> bool:
        ends = "pair.down.getReceivers().map((one) => one.track.readyState)"
        return bool(await look(page, "pair.bob.failed") == ["worker"] and await look(page, ends) == ["ended"] * 2)

    await until(gone, "Bob's sealer fails")
    before = (await look(page, "pair.received()"))["frames"]
    await passed(page, 20)
    assert (await look(page, "pair.received()"))["frames"] == before
