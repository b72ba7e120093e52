"""What only the real listener can show: who may connect, what a feed tells whom, that a retry does nothing twice."""

from __future__ import annotations

import asyncio
import json
import stat
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest

from appliance.control.client import ControlClient, ControlFault
from appliance.control.feed import KEPT, Feed
from tests.fakes.box import PASSPHRASE, PASSWORD, OpenBox
from tests.fakes.control import listening


@pytest.fixture
async def scene() -> AsyncIterator[tuple[OpenBox, Feed, Path]]:
    with TemporaryDirectory(prefix="hearth-") as folder:  # a Unix socket's path has at most 107 bytes
        async with listening(Path(folder)) as found:
            yield found


async def signed_in(path: Path, username: str) -> ControlClient:
    client = ControlClient(path)
    await client.unlock(PASSPHRASE)
    await client.sign_in(username, PASSWORD)
    return client


async def test_the_socket_is_closed_to_other_users(scene: tuple[OpenBox, Feed, Path]) -> None:
    assert stat.S_IMODE(scene[2].stat().st_mode) == 0o660


async def test_a_locked_box_shows_no_session_and_signs_nobody_in(scene: tuple[OpenBox, Feed, Path]) -> None:
    client = ControlClient(scene[2])
    snapshot = await client.snapshot()
    assert (snapshot.box.state, snapshot.sessions, snapshot.login) == ("locked", (), None)
    with pytest.raises(ControlFault) as caught:
        await client.sign_in("mara", PASSWORD)
    assert caught.value.code == "box_locked"
    await client.close()


async def test_an_administrator_sees_no_session(scene: tuple[OpenBox, Feed, Path]) -> None:
    client = await signed_in(scene[2], "ruth")
    assert (await client.snapshot()).sessions == ()
    await client.close()


async def test_a_facilitator_sees_own_sessions_only(scene: tuple[OpenBox, Feed, Path]) -> None:
    own, other = await signed_in(scene[2], "mara"), await signed_in(scene[2], "paul")
    assert [s.id for s in (await own.snapshot()).sessions] == [scene[0].session]
    assert (await other.snapshot()).sessions == ()
    await own.close()
    await other.close()


async def test_the_feed_shows_no_more_than_a_look(scene: tuple[OpenBox, Feed, Path]) -> None:
    opened, feed, path = scene
    own, other = await signed_in(path, "mara"), await signed_in(path, "paul")
    start = feed.sequence
    await opened.clinic.act(opened.leader(), "open", opened.session)
    feed.publish("sync")
    seen: dict[str, list[str]] = {}
    for name, client in (("own", own), ("other", other)):
        async for entry in client.feed(start):
            if entry is not None:
                seen.setdefault(name, []).append("session" if entry.session else "sync" if entry.sync else "")
            if entry is not None and entry.sync:
                break
        await client.close()
    assert seen == {"own": ["session", "sync"], "other": ["", "sync"]}


async def test_a_feed_ends_with_the_login_behind_it(scene: tuple[OpenBox, Feed, Path]) -> None:
    opened, feed, path = scene
    client = await signed_in(path, "mara")
    entries = client.feed(feed.sequence)
    reading = asyncio.ensure_future(anext(entries))
    await client.sign_out()
    await opened.clinic.act(opened.leader(), "open", opened.session)
    feed.publish("sync")
    while (entry := await reading) is None or entry.sync is None:
        assert entry is None or entry.session is None
        reading = asyncio.ensure_future(anext(entries))
    await client.close()


async def test_a_repeated_request_does_nothing_twice(scene: tuple[OpenBox, Feed, Path]) -> None:
    opened, _, path = scene
    client = await signed_in(path, "mara")
    headers = {"Request-Id": str(uuid.uuid4()), "Authorization": f"Bearer {client._token}"}
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path)), headers=headers) as http:
        url = f"http://box/v1/sessions/{opened.session}/members/{opened.members[0]}/reissue"
        answers = []
        for _ in range(2):
            async with http.post(url) as response:
                answers.append(json.loads(await response.read()))
    assert answers[0] == answers[1]
    assert answers[0]["link"].startswith("https://box:8443/join#")
    await opened.clinic.present(answers[0]["code"], answers[0]["pin"], "127.0.0.1")
    await client.close()


async def test_an_action_that_does_not_exist_is_not_found(scene: tuple[OpenBox, Feed, Path]) -> None:
    client = await signed_in(scene[2], "mara")
    for action in ("destroy", "admit", "see"):
        with pytest.raises(ControlFault) as caught:
            await client.session_action(scene[0].session, action)  # type: ignore[arg-type]
        assert caught.value.code == "not_found"
    await client.close()


def test_a_reader_from_before_a_restart_has_a_gap() -> None:
    assert Feed(2000).after(1500) is None
    assert Feed(2000).after(2500) is None
    assert Feed(2000).after(2000) == []


def test_a_reader_that_was_away_too_long_has_a_gap() -> None:
    feed = Feed(0)
    for number in range(KEPT + 10):
        feed.publish(str(number))
    assert feed.after(5) is None
    assert feed.after(feed.sequence - 3) is not None


def test_a_reader_misses_no_number() -> None:
    feed = Feed(0)
    for what in ("a", "b", "a"):
        feed.publish(what)
    assert feed.after(1) == [(2, "b"), (3, "a")]
