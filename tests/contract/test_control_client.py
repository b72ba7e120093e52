"""The control socket's contract: one suite for the fake daemon of the console's tests and for the real listener."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest

from appliance.control import client as control
from appliance.control.client import (
    AWAY,
    BAD_ANSWER,
    OTHER_VERSION,
    ControlClient,
    ControlFault,
    MemberAction,
    SessionAction,
)
from appliance.control.types import Admit, FeedEntry, Member, Session, Snapshot
from tests.fakes import clinic
from tests.fakes.box import PASSPHRASE as REAL_PASSPHRASE
from tests.fakes.box import PASSWORD as REAL_PASSWORD
from tests.fakes.control import listening
from tests.fakes.daemon import PASSPHRASE, PASSWORD, FakeDaemon


@dataclass
class Scene:
    """A locked box with one open session: `waiting` waits in it, `expected` is expected and was never here."""

    path: Path
    passphrase: str
    operator: tuple[str, str]  # may vouch and reissue, may not admit
    leader: tuple[str, str]  # may do everything in `session`
    session: str
    waiting: str
    expected: str
    stop: Callable[[], Awaitable[None]]


@asynccontextmanager
async def _fake(folder: Path) -> AsyncIterator[Scene]:
    daemon = await FakeDaemon(folder / "control.sock").start()
    try:
        yield Scene(
            path=daemon.path,
            passphrase=PASSPHRASE,
            operator=("ana", PASSWORD),
            leader=("ben", PASSWORD),
            session=clinic.GROUP,
            waiting=clinic.MARTA,
            expected=clinic.RUTH,
            stop=daemon.stop,
        )
    finally:
        await daemon.stop()


@asynccontextmanager
async def _real(folder: Path) -> AsyncIterator[Scene]:
    async with listening(folder) as (box, _, path):
        await box.clinic.act(box.leader(), "open", box.session)
        await box.wait_at_the_door(0)
        yield Scene(
            path=path,
            passphrase=REAL_PASSPHRASE,
            operator=("jonas", REAL_PASSWORD),
            leader=("mara", REAL_PASSWORD),
            session=box.session,
            waiting=box.members[0],
            expected=box.members[1],
            stop=box.stop,
        )


# Every implementation of the control socket: add one, and the whole suite holds it.
DAEMONS: dict[str, Callable[[Path], AbstractAsyncContextManager[Scene]]] = {"fake": _fake, "real": _real}


@pytest.fixture(params=sorted(DAEMONS))
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    # Not tmp_path: a Unix socket's path has at most 107 bytes.
    with TemporaryDirectory(prefix="hearth-") as folder:
        async with DAEMONS[request.param](Path(folder)) as made:
            yield made


@pytest.fixture
async def client(scene: Scene) -> AsyncIterator[ControlClient]:
    made = ControlClient(scene.path)
    yield made
    await made.close()


async def signed_in(client: ControlClient, scene: Scene, who: tuple[str, str]) -> ControlClient:
    await client.unlock(scene.passphrase)
    await client.sign_in(*who)
    return client


async def refused(doing: Awaitable[object]) -> str:
    with pytest.raises(ControlFault) as caught:
        await doing
    return caught.value.code


def session_of(snapshot: Snapshot, scene: Scene) -> Session:
    return next(one for one in snapshot.sessions if one.id == scene.session)


def member_of(session: Session, member: str) -> Member:
    return next(one for one in session.members if one.id == member)


async def entries(client: ControlClient, after: int, until: Callable[[FeedEntry], bool]) -> list[FeedEntry]:
    got: list[FeedEntry] = []
    async with asyncio.timeout(20), aclosing(client.feed(after)) as feed:
        async for entry in feed:
            if entry is not None:
                got.append(entry)
                if until(entry):
                    return got
    raise AssertionError("the feed ended")


async def test_a_locked_box_tells_its_state_and_no_session(client: ControlClient) -> None:
    snapshot = await client.snapshot()
    assert snapshot.box.state == "locked"
    assert snapshot.sessions == ()
    assert snapshot.login is None


async def test_a_locked_box_signs_nobody_in(client: ControlClient, scene: Scene) -> None:
    assert await refused(client.sign_in(*scene.leader)) == "box_locked"


async def test_a_wrong_passphrase_is_refused_and_the_box_stays_locked(client: ControlClient) -> None:
    assert await refused(client.unlock("not this one at all")) == "wrong_passphrase"
    assert (await client.snapshot()).box.state == "locked"


async def test_the_passphrase_unlocks_the_box(client: ControlClient, scene: Scene) -> None:
    await client.unlock(scene.passphrase)
    assert (await client.snapshot()).box.state == "unlocked"


async def test_a_box_that_misses_nothing_goes_on_without_nothing(client: ControlClient, scene: Scene) -> None:
    assert await refused(client.accept_rollback(scene.passphrase, "the disk was put back")) == "wrong_state"
    assert (await client.snapshot()).box.state == "locked"


async def test_a_wrong_password_signs_nobody_in(client: ControlClient, scene: Scene) -> None:
    await client.unlock(scene.passphrase)
    assert await refused(client.sign_in(scene.leader[0], "wrong")) == "wrong_sign_in"
    assert not client.signed_in


async def test_without_a_login_an_unlocked_box_tells_no_session(client: ControlClient, scene: Scene) -> None:
    await client.unlock(scene.passphrase)
    assert (await client.snapshot()).sessions == ()


async def test_a_login_sees_the_session_with_the_actions_of_its_role(client: ControlClient, scene: Scene) -> None:
    snapshot = await (await signed_in(client, scene, scene.operator)).snapshot()
    assert snapshot.login is not None and snapshot.login.role == "operator"
    actions = session_of(snapshot, scene).actions
    assert "vouch" in actions and "admit" not in actions


async def test_after_signing_out_the_token_is_worth_nothing(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    await client.sign_out()
    assert not client.signed_in
    assert (await client.snapshot()).login is None
    assert await refused(client.session_action(scene.session, "lock")) == "not_signed_in"


async def test_an_action_comes_back_through_the_feed(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    before = await client.snapshot()
    await client.member_action(scene.session, scene.waiting, "vouch")
    await client.member_action(scene.session, scene.waiting, "admit")

    def admitted(entry: FeedEntry) -> bool:
        return entry.session is not None and member_of(entry.session, scene.waiting).standing == "admitted"

    got = await entries(client, before.sequence, admitted)
    assert got[-1].session is not None and "admit" in got[-1].session.actions


async def test_the_feed_has_no_gaps_in_its_numbers(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    before = await client.snapshot()
    for action in ("lock", "unlock", "lock"):
        await client.session_action(scene.session, action)
    after = await client.snapshot()
    got = await entries(client, before.sequence, lambda entry: entry.sequence >= after.sequence)
    numbers = [entry.sequence for entry in got]
    assert numbers == list(range(before.sequence + 1, numbers[-1] + 1)), "leave nothing out, for any login"


async def test_a_feed_without_a_login_keeps_its_numbers_and_tells_no_name(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    stranger = ControlClient(scene.path)
    before = await stranger.snapshot()
    await client.session_action(scene.session, "lock")
    got = await entries(stranger, before.sequence, lambda entry: True)
    await stranger.close()
    assert got[0].sequence == before.sequence + 1
    assert got[0].session is None


async def test_a_role_without_the_action_is_refused(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.operator)
    assert await refused(client.member_action(scene.session, scene.waiting, "admit")) == "refused"


async def test_an_action_that_does_not_fit_the_state_is_refused(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    assert await refused(client.member_action(scene.session, scene.expected, "admit")) == "wrong_state"
    assert await refused(client.session_action(scene.session, "open")) == "wrong_state"


async def test_a_locked_session_admits_nobody(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    await client.session_action(scene.session, "lock")
    assert await refused(client.member_action(scene.session, scene.waiting, "admit")) == "session_locked"
    assert session_of(await client.snapshot(), scene).locked


async def test_the_hour_goes_from_phase_to_phase_and_back_from_a_pause(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    steps: tuple[tuple[SessionAction, str], ...] = (
        ("show_rules", "rules"),
        ("begin", "running"),
        ("pause", "paused"),
        ("resume", "running"),
    )
    for action, phase in steps:
        await client.session_action(scene.session, action)
        assert session_of(await client.snapshot(), scene).phase == phase
    assert await refused(client.session_action(scene.session, "begin")) == "wrong_state"


async def test_what_comes_with_an_action_arrives(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    await client.member_action(scene.session, scene.waiting, "message", Admit(text="We come to you."))
    told = member_of(session_of(await client.snapshot(), scene), scene.waiting)
    assert told.message == "We come to you." and told.message_at
    await client.member_action(scene.session, scene.waiting, "remove", Admit(why="not_alone"))
    gone = member_of(session_of(await client.snapshot(), scene), scene.waiting)
    assert (gone.standing, gone.removed_why, gone.blocked) == ("removed", "not_alone", False)


async def test_one_is_let_through_a_locked_door_held_and_marked(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    await client.session_action(scene.session, "lock")
    steps: tuple[MemberAction, ...] = ("let_through", "hold", "flag")
    for action in steps:
        await client.member_action(scene.session, scene.waiting, action)
    seen = session_of(await client.snapshot(), scene)
    inside = member_of(seen, scene.waiting)
    assert seen.locked and (inside.standing, inside.held, inside.flagged) == ("admitted", True, True)
    await client.member_action(scene.session, scene.waiting, "release")
    await client.sign_out()
    await client.sign_in(*scene.operator)
    seen = session_of(await client.snapshot(), scene)
    inside = member_of(seen, scene.waiting)
    assert (inside.held, inside.flagged, seen.concerns) == (False, False, ()), "marks are for those who lead"


async def test_a_card_is_shown_to_all_or_to_one_in_the_room(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    await client.show_card(scene.session, "reminder")
    assert await refused(client.show_card(scene.session, "redirect", scene.expected)) == "wrong_state"
    await client.sign_out()
    await client.sign_in(*scene.operator)
    assert await refused(client.show_card(scene.session, "reminder")) == "refused"


async def test_a_concern_that_nobody_raised_is_not_found(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    assert await refused(client.handle_concern(scene.session, "nothing")) == "not_found"


async def test_what_needs_a_browser_is_not_offered(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    actions = session_of(await client.snapshot(), scene).actions
    assert {"pause", "hold", "end_aside", "handle_concern"} <= set(actions)
    assert not {"enter", "aside", "note_incident", "see_summary"} & set(actions)


async def test_an_unknown_session_or_member_is_not_found(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.leader)
    assert await refused(client.session_action("nobody-knows-this", "lock")) == "not_found"
    assert await refused(client.member_action(scene.session, "nobody", "admit")) == "not_found"


async def test_a_new_invitation_has_a_link_and_a_pin(client: ControlClient, scene: Scene) -> None:
    await signed_in(client, scene, scene.operator)
    invitation = await client.reissue(scene.session, scene.expected)
    assert invitation.link.startswith("https://") and invitation.code
    assert invitation.pin.isdigit() and invitation.pin not in invitation.link
    assert member_of(session_of(await client.snapshot(), scene), scene.expected).ticket == "issued"


async def test_one_request_id_acts_once_and_answers_alike(client: ControlClient, scene: Scene) -> None:
    await client.unlock(scene.passphrase)
    login = await client.sign_in(*scene.operator)
    url = f"http://hearth/v1/sessions/{scene.session}/members/{scene.expected}/reissue"
    headers = {"Authorization": f"Bearer {login.token}", "Request-Id": "6f1c1f5e-3c1a-4b60-9d2c-0f6f3b1c7a11"}
    answers = []
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(path=str(scene.path))) as raw:
        for _ in range(2):
            async with raw.post(url, headers=headers) as response:
                assert response.status == 200
                answers.append(await response.read())
    assert answers[0] == answers[1]


async def test_a_command_without_a_request_id_is_refused(scene: Scene) -> None:
    connector = aiohttp.UnixConnector(path=str(scene.path))
    async with aiohttp.ClientSession(connector=connector) as raw, raw.post("http://hearth/v1/sign-out") as response:
        assert response.status == 400


async def test_a_box_that_goes_ends_the_feed_with_away(client: ControlClient, scene: Scene) -> None:
    snapshot = await client.snapshot()
    feed = client.feed(snapshot.sequence)
    first = asyncio.ensure_future(anext(feed))
    await client.unlock(scene.passphrase)
    await first
    await scene.stop()
    with pytest.raises(ControlFault) as caught:
        async for _ in feed:
            pass
    assert caught.value.code == AWAY
    assert await refused(client.snapshot()) == AWAY


# ── what only the fake can be made to do: the client's own promises


@pytest.fixture
async def daemon() -> AsyncIterator[FakeDaemon]:
    with TemporaryDirectory(prefix="hearth-") as folder:
        made = await FakeDaemon(Path(folder) / "control.sock", heartbeat=0.02).start()
        yield made
        await made.stop()


async def test_a_command_cut_off_is_sent_again_and_happens_once(daemon: FakeDaemon) -> None:
    client = ControlClient(daemon.path)
    await client.unlock(PASSPHRASE)
    await client.sign_in("ana", PASSWORD)
    daemon.cut_next("reissue")
    invitation = await client.reissue(clinic.GROUP, clinic.RUTH)
    await client.close()
    assert daemon.asked.count("reissue") == 2
    assert invitation.pin == "000001", "the first try's invitation, not a second one"


async def test_heartbeats_come_as_none(daemon: FakeDaemon) -> None:
    client = ControlClient(daemon.path)
    async with aclosing(client.feed((await client.snapshot()).sequence)) as feed:
        assert await anext(feed) is None
    await client.close()


async def test_a_silent_box_is_away(daemon: FakeDaemon) -> None:
    daemon.heartbeat = 3600
    client = ControlClient(daemon.path, silence_seconds=0.05)
    assert await refused(anext(client.feed((await client.snapshot()).sequence))) == AWAY
    daemon.hold("sign-in")
    slow = ControlClient(daemon.path, answer_seconds=0.05)
    assert await refused(slow.sign_in("ana", PASSWORD)) == AWAY
    daemon.hold("sign-in").set()
    await client.close()
    await slow.close()


async def test_another_version_is_named(daemon: FakeDaemon) -> None:
    daemon.version += 1
    client = ControlClient(daemon.path)
    assert await refused(client.snapshot()) == OTHER_VERSION
    await client.close()


@asynccontextmanager
async def babbling(rest: bytes) -> AsyncIterator[ControlClient]:
    """A client of what answers every request with 200 and those bytes."""

    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n" + rest)
        writer.close()

    with TemporaryDirectory(prefix="hearth-") as folder:
        path = Path(folder) / "control.sock"
        server = await asyncio.start_unix_server(babble, path)
        client = ControlClient(path)
        yield client
        await client.close()
        server.close()


@pytest.mark.parametrize("answer", [b"", b"{", b'{"version": "one"}', b"[" * 5_000_000])
async def test_an_answer_that_is_not_the_types_or_is_too_large_is_a_fault(answer: bytes) -> None:
    async with babbling(b"Content-Length: %d\r\n\r\n" % len(answer) + answer) as client:
        assert await refused(client.snapshot()) == BAD_ANSWER


async def test_a_feed_line_without_end_is_a_fault() -> None:
    async with babbling(b"Connection: close\r\n\r\n" + b" " * 1_000_000) as client:
        assert await refused(anext(client.feed(0))) == BAD_ANSWER


def test_a_fault_says_nothing_of_what_was_sent() -> None:
    assert str(ControlFault("wrong_passphrase", "a sentence")) == "wrong_passphrase"


@pytest.mark.parametrize(("uid", "believed"), [(os.getuid(), True), (0, True), (os.getuid() + 1, False)])
async def test_a_socket_of_another_user_is_told_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, uid: int, believed: bool
) -> None:
    """The relay may write in the folder of the sockets: it could lay one there while the appliance is away."""
    daemon = await FakeDaemon(tmp_path / "control.sock").start()
    console = ControlClient(daemon.path)
    monkeypatch.setattr(control, "_peer_uid", lambda _: uid)
    try:
        if believed:
            await console.unlock(PASSPHRASE)
        else:
            with pytest.raises(ControlFault, match=AWAY):
                await console.unlock(PASSPHRASE)
            assert daemon.asked == []
    finally:
        await console.close()
        await daemon.stop()


async def test_who_listens_is_told_by_the_kernel(tmp_path: Path) -> None:
    server = await asyncio.start_unix_server(lambda _, writer: writer.close(), tmp_path / "s")
    _, writer = await asyncio.open_unix_connection(tmp_path / "s")
    assert control._peer_uid(writer.transport) == os.getuid()
    writer.close()
    server.close()
