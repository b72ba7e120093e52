"""The operator's local API: HTTP with JSON on a Unix socket. Never on TCP, never sharing a route table with the portal.

The file's mode keeps others out, the peer's uid is checked again here, and the person still signs in: the audit needs
a person, not a process.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import os
import socket
import struct
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
from aiohttp import web

from appliance.clock import now_seconds, now_text, text
from appliance.control import (
    audit,
    backup,
    calls,
    clock,
    enrolment,
    keys,
    machine,
    network,
    paper,
    setup,
    sign_in,
    sticks,
    timers,
    types,
    updates,
    views,
)
from appliance.control.desk import BOX, Box, Handler, Route, actor, answer, body, gated, signed_in, token_of
from appliance.control.feed import Feed
from appliance.faults import Fault
from appliance.identity import actions as identity
from appliance.ids import token_hash
from appliance.policy import MEMBER_ACTIONS, STATE_ACTIONS, Actor
from appliance.room import rows as room
from appliance.sessions import actions as sessions
from appliance.sessions import rows, waiting
from appliance.sessions.given import given
from appliance.store.database import Transaction

log = logging.getLogger(__name__)

END_SECONDS = 0.5  # for a request under way when the box ends
BODY_LIMIT = 64 * 1024  # bytes; the largest request is a sign-in
HEARTBEAT_SECONDS = 10.0
REMEMBERED = 256  # answers kept for a retried request
# On the way in and out there is no login (yet, any more); who repeats such a request shows the token it was asked with.
_WITHOUT_LOGIN = ("/v1/unlock", "/v1/accept-rollback", "/v1/machine/erase", "/v1/sign-in", "/v1/sign-out", setup.PREFIX)
SHOW_ENDED_SECONDS = 12 * 3600  # an ended session stays in the list for the rest of the working day


class ControlListener:
    """Routes of `/v1`, and the answers kept so that a retry is safe."""

    def __init__(
        self, box: Box, feed: Feed, uids: frozenset[int] = frozenset(), timers: frozenset[int] = frozenset()
    ) -> None:
        self._box = box
        self._feed = feed
        self._uids = uids | {os.getuid(), 0}
        self._timers = timers
        self._answers: OrderedDict[bytes, asyncio.Future[web.StreamResponse]] = OrderedDict()
        self._feeds: set[asyncio.Task[None]] = set()
        self._runner: web.AppRunner | None = None

    def routes(self) -> tuple[Route, ...]:
        """The literal table, with what each asks the policy for."""
        return (
            # The state of the box is for whoever may connect; sessions are in it for those who may see them.
            Route("GET", "/v1/snapshot", self._snapshot, "anyone"),
            Route("GET", "/v1/feed", self._feed_lines, "anyone"),
            Route("POST", "/v1/unlock", self._unlock, "anyone"),
            Route("POST", "/v1/accept-rollback", self._accept_rollback, "anyone"),
            *setup.ROUTES,
            *sign_in.ROUTES,
            Route("POST", "/v1/sign-out", self._sign_out, ("sign_out",)),
            Route("POST", "/v1/sessions/{session}/cards", self._card, ("show_card",)),
            Route("POST", "/v1/sessions/{session}/concerns/{concern}", self._concern, ("handle_concern",)),
            Route("POST", "/v1/sessions/{session}/{action}", self._act, STATE_ACTIONS),
            Route("POST", "/v1/sessions/{session}/members/{member}/{action}", self._act, MEMBER_ACTIONS),
            *paper.ROUTES,
            *clock.ROUTES,
            *calls.ROUTES,
            *keys.ROUTES,
            *backup.ROUTES,
            *sticks.ROUTES,
            *enrolment.ROUTES,
            *audit.ROUTES,
            *updates.ROUTES,
            *network.ROUTES,
            *timers.ROUTES,
            *machine.ROUTES,
        )

    async def start(self, path: Path) -> None:
        """Listen on `path`, mode 0660."""
        app = web.Application(client_max_size=BODY_LIMIT, middlewares=[self._guard])
        app[BOX] = self._box
        for route in self.routes():
            app.router.add_route(route.method, route.path, gated(route))
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=END_SECONDS)
        await self._runner.setup()
        path.unlink(missing_ok=True)  # noqa: ASYNC240 - once, at start
        before = os.umask(0o117)
        try:
            await web.UnixSite(self._runner, str(path)).start()
        finally:
            os.umask(before)

    async def close(self) -> None:
        for feed in self._feeds:
            feed.cancel()  # a feed never ends by itself
        if self._runner is not None:
            await self._runner.cleanup()

    # -- around every request ------------------------------------------------------------------------------------

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            reminds = request.path.startswith(timers.PATH)
            if _peer_uid(request) not in (self._timers if reminds else self._uids):
                raise Fault("refused", "another user's process")
            return await (handler(request) if reminds else self._once(request, handler))
        except Fault as fault:
            log.info("control: %s %s", fault.code, fault.detail)
            told = types.FaultBody(
                code=fault.code, sentence=fault.kind.sentence, about=fault.about, seconds=math.ceil(fault.seconds)
            )
            return answer(told, fault.kind.status)
        except web.HTTPException as problem:
            code = {404: "not_found", 413: "too_large"}.get(problem.status, "bad_request")
            return answer(types.FaultBody(code=code, sentence=Fault(code).kind.sentence), problem.status)
        except (asyncio.CancelledError, ConnectionError):
            raise
        except Exception as problem:  # noqa: BLE001 - the last net: one request's failure is not the box's
            log.error("control: %s in %s", type(problem).__name__, request.match_info.handler.__name__)
            return answer(types.FaultBody(code="internal", sentence=Fault("internal").kind.sentence), 500)

    async def _once(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """A repeated request gets the first one's answer and does nothing, also while the first is under way.

        Repeated means: the same Request-Id, path, login and body. An answer may hold a token or a PIN, so whoever needs
        a login for it still needs it for the repetition.
        """
        if request.method != "POST":
            return await handler(request)
        if request.path in keys.NEVER_KEPT | setup.NEVER_KEPT:
            return await handler(request)
        key = _fingerprint(request, await request.read())
        first = self._answers.get(key)
        if first is None:
            first = asyncio.ensure_future(handler(request))
            self._keep(key, first)
        elif not request.path.startswith(_WITHOUT_LOGIN):
            await signed_in(request)
        answer = await asyncio.shield(first)
        body = answer.body if isinstance(answer, web.Response) else None
        return web.Response(status=answer.status, body=body, content_type="application/json")

    def _keep(self, key: bytes, answer: asyncio.Future[web.StreamResponse]) -> None:
        def forget_failure(done: asyncio.Future[web.StreamResponse]) -> None:
            if done.cancelled() or done.exception() is not None:
                self._answers.pop(key, None)

        self._answers[key] = answer
        answer.add_done_callback(forget_failure)
        while len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)

    # -- the routes ----------------------------------------------------------------------------------------------

    async def _snapshot(self, request: web.Request) -> web.Response:
        sequence = self._feed.sequence
        found = await actor(request)
        sessions_seen: tuple[types.Session, ...] = ()
        if found is not None:
            sessions_seen = await self._sessions(found[0])
        return answer(
            types.Snapshot(
                version=types.VERSION,
                sequence=sequence,
                box=self._box.about(),
                login=found[1] if found else None,
                sessions=sessions_seen,
                health=self._box.health(),
                sync=self._box.sync(),
                copies=self._box.copies(),
            ),
        )

    async def _sessions(self, actor: Actor) -> tuple[types.Session, ...]:
        clinic, since = self._box.clinic(), text(now_seconds() - SHOW_ENDED_SECONDS)
        found = await clinic.db.read(
            lambda tx: [_read(tx, one, rows.members(tx, one.id), actor) for one in rows.current(tx, actor, since)]
        )
        return await self._seen(actor, found)

    async def _seen(self, actor: Actor, found: Sequence[_Read]) -> tuple[types.Session, ...]:
        """As `actor` may see them; that they are shown, and what patients raised, is noted before."""
        clinic, now = self._box.clinic(), now_seconds()
        await clinic.looked(actor, [one.session.id for one in found])
        await clinic.board.looked(actor, [one.session.id for one in found if one.concerns])
        return tuple(
            views.session(
                one.session,
                one.members,
                actor,
                clinic.live.present,
                now,
                full=one.session.id in clinic.live.fitting.full,
                beside=views.Beside(clinic.board.hands(one.session.id), one.concerns, one.minutes),
            )
            for one in found
        )

    async def _feed_lines(self, request: web.Request) -> web.StreamResponse:
        try:
            sequence = int(request.query.get("after", "0"))
        except ValueError:
            raise Fault("bad_request", "after") from None
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        feed = asyncio.create_task(self._write_feed(request, response, sequence))
        self._feeds.add(feed)
        try:
            await asyncio.wait([feed])
        finally:
            feed.cancel()
            self._feeds.discard(feed)
        if not feed.cancelled() and not isinstance(feed.exception(), ConnectionError):  # the reader went away
            feed.result()
        return response

    async def _write_feed(self, request: web.Request, response: web.StreamResponse, sequence: int) -> None:
        while True:
            changes = self._feed.after(sequence)
            if changes is None:
                gap = types.FeedEntry(sequence=self._feed.sequence, gap=True)
                await response.write(msgspec.json.encode(gap) + b"\n")
                return
            found = await actor(request)  # anew each time: a sign-out or a retirement ends what is shown
            for number, what in changes:
                entry = await self._entry(number, what, found[0] if found else None)
                await response.write(msgspec.json.encode(entry) + b"\n")
                sequence = number
            if not changes:
                await response.write(b"\n")
            await self._feed.news(sequence, HEARTBEAT_SECONDS)

    async def _entry(self, number: int, what: str, actor: Actor | None) -> types.FeedEntry:
        """The change as `actor` may see it; what is not for their eyes is a bare number, so that none is missing."""
        match what:
            case "box":
                return types.FeedEntry(sequence=number, box=self._box.about())
            case "health":
                return types.FeedEntry(sequence=number, health=self._box.health())
            case "sync":
                return types.FeedEntry(sequence=number, sync=self._box.sync())
            case "copies":
                return types.FeedEntry(sequence=number, copies=self._box.copies())
            case "gap":
                return types.FeedEntry(sequence=number, gap=True)
        if actor is None:
            return types.FeedEntry(sequence=number)
        try:
            read = await self._box.clinic().db.read(lambda tx: _read(tx, *sessions.look(tx, actor, what), actor))
            if read.session.parent:  # of a private room the list shows the two in their session
                return types.FeedEntry(sequence=number)
            (seen,) = await self._seen(actor, [read])
        except Fault:
            return types.FeedEntry(sequence=number)
        return types.FeedEntry(sequence=number, session=seen)

    async def _unlock(self, request: web.Request) -> web.Response:
        await self._box.unlock((await body(request, types.Unlock)).passphrase)
        return answer(types.Done())

    async def _accept_rollback(self, request: web.Request) -> web.Response:
        given = await body(request, types.AcceptRollback)
        await self._box.accept_rollback(given.passphrase, given.reason)
        return answer(types.Done())

    async def _sign_out(self, request: web.Request) -> web.Response:
        actor, _ = await signed_in(request)
        clinic, token = self._box.clinic(), token_of(request)
        await clinic.db.write(lambda tx: identity.sign_out(tx, actor, token, now_text()))
        await clinic.end_login(token_hash(token))
        return answer(types.Done())

    async def _act(self, request: web.Request) -> web.Response:
        actor, _ = await signed_in(request)
        parts = request.match_info
        came = await body(request, types.Admit) if await request.read() else types.Admit()
        fields = {"text": came.text, "why": came.why, "block": "yes" if came.block else "", "leader": came.leader}
        issued = await self._box.clinic().act(
            actor,
            parts["action"],
            parts["session"],
            parts.get("member", ""),
            beyond=came.beyond,
            given=given(fields),
        )
        if issued is None:
            return answer(types.Done())
        link = f"{self._box.about().addresses[0]}/join#{issued.code}"
        return answer(
            types.Invitation(
                link=link,
                code=issued.code,
                pin=issued.pin,
                name=issued.name,
                rejoin=issued.rejoin,
                session=parts["session"],
                member=issued.member,
            )
        )

    async def _card(self, request: web.Request) -> web.Response:
        actor, _ = await signed_in(request)
        wanted = await body(request, types.ShowCard)
        await self._box.clinic().board.show_card(actor, request.match_info["session"], wanted.kind, wanted.member)
        return answer(types.Done())

    async def _concern(self, request: web.Request) -> web.Response:
        actor, _ = await signed_in(request)
        parts = request.match_info
        await self._box.clinic().board.handle_concern(actor, parts["session"], parts["concern"])
        return answer(types.Done())


@dataclass(frozen=True, slots=True)
class _Read:
    """A session's rows, all of one moment. `concerns`: the open ones, none for who may not handle them."""

    session: rows.Session
    members: Sequence[rows.Member]
    concerns: Sequence[room.Concern]
    minutes: int | None


def _read(tx: Transaction, session: rows.Session, members: Sequence[rows.Member], actor: Actor) -> _Read:
    raised = room.open_around(tx, session.id) if "handle_concern" in views.offered(session, actor) else ()
    minutes = waiting.average_wait(tx, now_text()) if session.state in ("open", "locked") else None
    return _Read(session, members, raised, minutes)


def _fingerprint(request: web.Request, body: bytes) -> bytes:
    """What makes two requests the same one; a hash, since login and body are secrets. Fault("bad_request")."""
    request_id = request.headers.get("Request-Id", "")
    if not request_id:
        raise Fault("bad_request", "no Request-Id")
    parts = (request_id, request.path, request.headers.get("Authorization", ""))
    words = [hashlib.sha256(part.encode("utf-8", "surrogateescape")).digest() for part in parts]
    return hashlib.sha256(b"".join(words) + body).digest()


def _peer_uid(request: web.Request) -> int:
    """The uid of the process at the other end of the Unix socket, -1 where it can't be told (SO_PEERCRED, unix(7))."""
    transport = request.transport
    peer = transport.get_extra_info("socket") if transport else None
    if peer is None:
        return -1
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", credentials)[1])
