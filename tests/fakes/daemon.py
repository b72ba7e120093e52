"""A box that speaks the control protocol on a Unix socket, from memory, and fails when it is told to.

It decides with the product's own tables (policy, sessions.rules) and is held to tests/contract/test_control_client.py.
`python -m tests.fakes.daemon SOCKET` runs it for trying the console by hand.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections import defaultdict, deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from aiohttp import web

from appliance.control import views
from appliance.control.desk import login_of
from appliance.control.types import (
    VERSION,
    AcceptRollback,
    Admit,
    Adopt,
    BackUp,
    Backups,
    CarryStick,
    Clock,
    Code,
    Codes,
    Contact,
    Copies,
    Doctor,
    Done,
    Enrol,
    EnrolByStick,
    Enrolment,
    Erase,
    FaultBody,
    FeedEntry,
    InstallRelease,
    Invitation,
    Login,
    Member,
    NewPassword,
    OnCall,
    Paper,
    PaperWanted,
    Place,
    Power,
    Reset,
    Role,
    Session,
    SetClock,
    ShowCard,
    SignIn,
    Snapshot,
    Stage,
    StartRelease,
    Sticks,
    StickState,
    Unlock,
    Updates,
    WayIn,
    Wire,
)
from appliance.doctor.figures import Figures
from appliance.doctor.told import Told
from appliance.faults import BY_CODE, Fault
from appliance.policy import TABLE, Actor, Facts, may_do
from appliance.power.rules import same_name
from appliance.sessions import rules
from tests.fakes import clinic
from tests.fakes.daemon_keys import FakeKeys
from tests.fakes.daemon_network import FakeNetwork

PASSPHRASE = "four quiet lamps"
PASSWORD = "seven green boats"
STEPS = ("code", "new-password", "codes", "codes/confirm")
DIGITS = "123456"
SHEET = tuple(f"K7Q{n}M-2XWD{n}" for n in range(10))
PEOPLE: dict[str, tuple[str, Role]] = {
    "ana": ("Ana Ruiz", "operator"),
    "ben": ("Ben Okafor", "facilitator"),
    "cleo": ("Cleo Marin", "clinical_lead"),
    "dora": ("Dora Lang", "administrator"),
}
LED_BY = {clinic.MORNING: "ben", clinic.GROUP: "ben", clinic.EVENING: "cleo"}


class FakeDaemon:
    """Start it, point a client at `path`, then change what is true; `asked` tells which words came in."""

    def __init__(self, path: Path, *, heartbeat: float = 10.0) -> None:
        self.path = path
        self.heartbeat = heartbeat
        self.box = clinic.box()
        self.health = clinic.health()
        self.sync = clinic.sync()
        self.copies = Copies()
        self.backed_up: list[str] = []  # where to
        self.places: tuple[Place, ...] = ()
        self.updates = Updates(possible=True, version="0.7.0", made_at="2031-02-20T00:00:00Z")
        self.released: list[tuple[str, str, bool]] = []  # what was asked of releases, of which, although in session
        self.carried: list[tuple[str, str]] = []  # which way, on which stick
        self.adopted: list[str] = []  # why
        self.sessions = {one.id: one for one in clinic.sessions()}
        self.keys = FakeKeys()
        self.network = FakeNetwork()
        self.on_call: tuple[Contact, ...] = ()
        self.enrolment = Enrolment(state="not_enrolled")
        self.enrolled: list[tuple[str, str]] = []  # at which address, by which code
        self.asked: list[str] = []
        self.printed: list[tuple[str, str, str]] = []  # kind, language and code of each paper
        self.beyond: list[str] = []  # how those were let in who were
        self.cards: list[tuple[str, str]] = []  # kind, and to which member
        self.before: dict[str, Any] = {}  # the phase that a pause returns to
        self.told: list[str] = []  # what time staff said it is
        self.figures = Figures(major=0, minor=7, patch=0, running=3, disk_percent=82, disk_mib=20_000)
        self.set_back = False  # and whether past what the audit had noted
        self.powered: list[tuple[str, bool]] = []  # restart or off, and whether although a session goes on
        self.missing = ""  # why its store is refused
        self.accepted: list[str] = []  # for what reasons that was overruled
        self.deleted: list[str] = []  # by which word or name
        self.steps: dict[str, list[Stage]] = {}  # what somebody still has to do after the password
        self.factors = {"authenticator": 1, "codes": 9, "passkeys": 0}  # which second ones they have
        self._halves: dict[str, str] = {}
        self.tokens: dict[str, str] = {}
        self.version = VERSION
        self._log: list[tuple[int, Callable[[str], FeedEntry]]] = []
        self._sequence = 100
        self._first = 100
        self._faults: defaultdict[str, deque[str]] = defaultdict(deque)
        self._cut: set[str] = set()
        self._held: dict[str, asyncio.Event] = {}
        self._answers: dict[str, tuple[int, bytes]] = {}
        self._feeds: dict[asyncio.BaseTransport, asyncio.Event] = {}  # set when there is news for that feed
        self._runner: web.AppRunner | None = None

    # ── life

    async def start(self) -> FakeDaemon:
        app = web.Application()
        app.router.add_get("/v1/snapshot", self._snapshot)
        app.router.add_get("/v1/feed", self._feed)
        app.router.add_post("/v1/{word:unlock|accept-rollback|sign-in|sign-out|clock|paper}", self._post)
        app.router.add_get("/v1/keys", self._keys)
        app.router.add_post("/v1/keys/{word:passphrase|sheet|hq|own|machine}", self._post)
        app.router.add_post("/v1/keys/{slot}/{word:try|rotate|remove}", self._post)
        app.router.add_post("/v1/{word:rekey}", self._post)
        app.router.add_get("/v1/backups", self._backups)
        app.router.add_post("/v1/{word:backups}", self._post)
        app.router.add_post("/v1/backups/{word:seen}", self._post)
        app.router.add_get("/v1/network", self._network)
        app.router.add_post("/v1/{word:network|zone|keyboard}", self._post)
        app.router.add_post("/v1/network/{word:keep|back|scan}", self._post)
        app.router.add_get("/v1/on-call", self._on_call)
        app.router.add_get("/v1/doctor", self._doctor)
        app.router.add_post("/v1/machine/{word:power|reset|erase}", self._post)
        app.router.add_get("/v1/enrolment", self._enrolment)
        app.router.add_post("/v1/{word:enrolment}", self._post)
        app.router.add_post("/v1/enrolment/{word:cancel|stick}", self._post)
        app.router.add_get("/v1/updates", self._updates)
        app.router.add_post("/v1/updates/{word:install|back|restart|seen}", self._post)
        app.router.add_get("/v1/sync/sticks", self._sticks)
        app.router.add_post("/v1/sync/{word:sticks|now|adopt}", self._post)
        app.router.add_post("/v1/sign-in/{word:code|new-password|codes|codes/confirm}", self._post)
        app.router.add_post("/v1/sessions/{session}/concerns/{concern}", self._post)
        app.router.add_post("/v1/sessions/{session}/{word}", self._post)
        app.router.add_post("/v1/sessions/{session}/members/{member}/{word}", self._post)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.path)).start()
        return self

    async def stop(self) -> None:
        """Gone: the socket's file too."""
        self.disconnect()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # ── what a test can make happen

    def disconnect(self) -> None:
        """Cut every open feed; the socket goes on listening."""
        for transport, news in self._feeds.items():
            transport.close()
            news.set()

    def fail_next(self, word: str, code: str) -> None:
        """The next request with this word is refused with `code`."""
        self._faults[word].append(code)

    def cut_next(self, word: str) -> None:
        """The next request with this word is done, but the connection dies before the answer."""
        self._cut.add(word)

    def hold(self, word: str) -> asyncio.Event:
        """Requests with this word wait until the event is set."""
        return self._held.setdefault(word, asyncio.Event())

    def tell_box(self, **fields: Any) -> None:
        changed = self.box = msgspec.structs.replace(self.box, **fields)
        self._tell(lambda user: {"box": changed})

    def tell_health(self, **fields: Any) -> None:
        changed = self.health = msgspec.structs.replace(self.health, **fields)
        self._tell(lambda user: {"health": changed})

    def tell_sync(self, **fields: Any) -> None:
        changed = self.sync = msgspec.structs.replace(self.sync, **fields)
        self._tell(lambda user: {"sync": changed})

    def tell_copies(self, **fields: Any) -> None:
        changed = self.copies = msgspec.structs.replace(self.copies, **fields)
        self._tell(lambda user: {"copies": changed})

    def tell_updates(self, **fields: Any) -> None:
        self.updates = msgspec.structs.replace(self.updates, **fields)
        self.tell_box()

    def tell_session(self, identifier: str, **fields: Any) -> None:
        changed = self.sessions[identifier] = msgspec.structs.replace(self.sessions[identifier], **fields)
        self._tell(lambda user: {"session": self._seen_by(user, changed)} if self._sees(user, changed) else {})

    def tell_member(self, session: str, member: str, **fields: Any) -> None:
        members = tuple(
            msgspec.structs.replace(one, **fields) if one.id == member else one
            for one in self.sessions[session].members
        )
        self.tell_session(session, members=members)

    def tell_gap(self) -> None:
        self._tell(lambda user: {"gap": True})

    def lose_an_entry(self) -> None:
        """The next entry's number will not follow the last one's."""
        self._sequence += 1

    # ── the protocol

    def _tell(self, fields: Callable[[str], dict[str, Any]]) -> None:
        self._sequence += 1
        sequence = self._sequence
        self._log.append((sequence, lambda user: FeedEntry(sequence=sequence, **fields(user))))
        for news in self._feeds.values():
            news.set()

    def _user(self, request: web.Request) -> str:
        return self.tokens.get(request.headers.get("Authorization", "").removeprefix("Bearer "), "")

    def _actor(self, user: str) -> Actor:
        return Actor(person=user, role=PEOPLE[user][1], surface="console")

    def _facts(self, session: Session) -> Facts:
        return Facts(session=session.id, leaders=(LED_BY.get(session.id, ""),))

    def _sees(self, user: str, session: Session) -> bool:
        reach = TABLE["see"].get(PEOPLE[user][1]) if user else None
        return reach == "any" or (reach == "own" and LED_BY.get(session.id) == user)

    def _seen_by(self, user: str, session: Session) -> Session:
        may = tuple(
            one for one in may_do(self._actor(user), self._facts(session)) if one not in views.NOT_ON_THE_CONSOLE
        )
        concerns = session.concerns if "handle_concern" in may else ()
        members = tuple(msgspec.structs.replace(one, flagged=one.flagged and "flag" in may) for one in session.members)
        return msgspec.structs.replace(session, actions=may, concerns=concerns, members=members)

    async def _snapshot(self, request: web.Request) -> web.Response:
        self.asked.append("snapshot")
        if self._faults["snapshot"]:
            return _answer(*_refuse(self._faults["snapshot"].popleft()))
        user = self._user(request) if self.box.state == "unlocked" else ""
        snapshot = Snapshot(
            version=self.version,
            sequence=self._sequence,
            box=self.box,
            login=_login(user) if user else None,
            sessions=tuple(self._seen_by(user, one) for one in self.sessions.values() if self._sees(user, one)),
            health=self.health,
            sync=self.sync,
            copies=self.copies,
        )
        return _answer(200, msgspec.json.encode(snapshot))

    async def _feed(self, request: web.Request) -> web.StreamResponse:
        after, user = int(request.query["after"]), self._user(request)
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        transport, news = request.transport, asyncio.Event()
        assert transport is not None
        self._feeds[transport] = news
        try:
            while not transport.is_closing():
                news.clear()
                for sequence, entry in [row for row in self._log if row[0] > after]:
                    await response.write(msgspec.json.encode(entry(user)) + b"\n")
                    after = sequence
                try:
                    await asyncio.wait_for(news.wait(), self.heartbeat)
                except TimeoutError:
                    await response.write(b"\n")
        except ConnectionError:
            pass
        finally:
            del self._feeds[transport]
        return response

    async def _on_call(self, request: web.Request) -> web.Response:
        if not self._user(request):
            return _answer(*_refuse("not_signed_in"))
        return _answer(200, msgspec.json.encode(OnCall(contacts=self.on_call)))

    async def _doctor(self, request: web.Request) -> web.Response:
        try:
            if self.box.state == "unlocked":
                self._may(request, "see_machine")
        except Fault as fault:
            return _answer(*_refuse(fault.code))
        told = Told(self.figures, "es" if request.query["language"] == "es" else "en")
        return _answer(
            200, msgspec.json.encode(Doctor(lines=told.lines, code=told.code, words=told.words, bad=told.bad))
        )

    def _machine(self, request: web.Request, word: str, body: bytes) -> Wire:
        if word == "power":
            self._may(request, "restart_box")
            asked = msgspec.json.decode(body, type=Power)
            if not asked.anyway and any(one.state == "open" for one in self.sessions.values()):
                raise Fault("session_open")
            self.powered.append((asked.do, asked.anyway))
        elif word == "reset":
            self._may(request, "reset_box")
            typed = msgspec.json.decode(body, type=Reset).clinic
            if not same_name(typed, self.box.clinic):
                raise Fault("clinic_name_wrong")
            self.deleted.append(typed)
        else:
            self.deleted.append(msgspec.json.decode(body, type=Erase).word)
        return Done()

    async def _sticks(self, request: web.Request) -> web.Response:
        try:
            self._may(request, "carry_by_stick")
            return _answer(200, msgspec.json.encode(Sticks(places=self.places)))
        except Fault as fault:
            return _answer(*_refuse(fault.code))

    async def _updates(self, request: web.Request) -> web.Response:
        self.asked.append("updates?")
        try:
            self._may(request, "install_update")
        except Fault as fault:
            return _answer(*_refuse(fault.code))
        return _answer(200, msgspec.json.encode(self.updates))

    def _release(self, request: web.Request, word: str, body: bytes) -> Wire:
        self._may(request, "install_update")
        self.released.append(_release_wish(word, body))
        if word == "install":
            path = self.released[-1][1]
            version = next(one.version for one in self.updates.found if one.path == path)
            self.tell_updates(step="installing", installing=version, fault="", percent=0)
        elif word == "seen":
            self.tell_updates(failed_version="", fell_back=False)
        return self.updates

    async def _backups(self, request: web.Request) -> web.Response:
        self.asked.append("backups?")
        user = self._user(request)
        if not user or "back_up" not in _login(user).may:
            return _answer(*_refuse("refused" if user else "not_signed_in"))
        name = "hearth-backup-1dc69106-000004-20310301" if self.copies.last_at else ""
        return _answer(
            200,
            msgspec.json.encode(
                Backups(
                    copies=self.copies,
                    places=self.places,
                    last_name=name,
                    last_place="/media/clinic/BLUE" if name else "",
                    last_size=48_000_000 if name else 0,
                    every_hours=24,
                    keep=7,
                )
            ),
        )

    async def _post(self, request: web.Request) -> web.Response:
        word, request_id = request.match_info.get("word", "concerns"), request.headers.get("Request-Id", "")
        self.asked.append(word)
        if word in self._held:
            await self._held[word].wait()
        if request_id not in self._answers:
            self._answers[request_id] = await self._once(request, word) if request_id else _refuse("bad_request")
        if word in self._cut:
            self._cut.discard(word)
            assert request.transport is not None
            request.transport.abort()
        return _answer(*self._answers[request_id])

    async def _once(self, request: web.Request, word: str) -> tuple[int, bytes]:
        try:
            if self._faults[word]:
                return _refuse(self._faults[word].popleft())
            if request.path.startswith("/v1/keys/") or word == "rekey":
                done = self._key(request, word, await request.read())
            elif "session" in request.match_info:
                done = self._of_session(self._user(request), word, request.match_info, await request.read() or b"{}")
            elif request.path.startswith("/v1/enrolment"):
                done = self._enrol(request, word, await request.read())
            elif request.path.startswith("/v1/updates/"):
                done = self._release(request, word, await request.read() or b"{}")
            elif request.path.startswith(("/v1/machine/", "/v1/sync/")):
                of = self._sync if request.path.startswith("/v1/sync/") else self._machine
                done = of(request, word, await request.read())
            elif word in STEPS:
                done = self._step(word, await request.read(), request)
            else:
                done = self._login_word(word, await request.read(), request)
            return 200, msgspec.json.encode(done)
        except Fault as fault:
            return _refuse(fault.code, fault.about)

    def _login_word(self, word: str, body: bytes, request: web.Request) -> Wire:
        if request.path.startswith(("/v1/network", "/v1/zone", "/v1/keyboard")):
            self._may(request, "set_network")
            return self.network.do(word, body)
        if word == "paper":
            wanted = msgspec.json.decode(body, type=PaperWanted)
            self.printed.append((wanted.kind, wanted.language, wanted.code))
            return Paper(pdf=b"%PDF-made-up")
        if word in ("unlock", "accept-rollback"):
            self._open(word, body)
        elif self.box.state == "locked":
            raise Fault("box_locked")
        elif word == "sign-in":
            given = msgspec.json.decode(body, type=SignIn)
            if given.username not in PEOPLE or given.password != PASSWORD:
                raise Fault("wrong_sign_in")
            return self._onward(given.username)
        elif word in ("backups", "seen"):
            self._back_up(word, body)
        elif word == "clock":
            given_time = msgspec.json.decode(body, type=SetClock)
            return self._set_clock(self._user(request), given_time.at, back=given_time.back)
        else:
            self.tokens.pop(request.headers.get("Authorization", "").removeprefix("Bearer "), None)
        return Done()

    def _open(self, word: str, body: bytes) -> None:
        kind: type[Unlock | AcceptRollback] = Unlock if word == "unlock" else AcceptRollback
        given = msgspec.json.decode(body, type=kind)
        if given.passphrase != PASSPHRASE:
            raise Fault("wrong_passphrase")
        if isinstance(given, AcceptRollback):
            if not self.missing:
                raise Fault("wrong_state")
            self.accepted.append(given.reason)
            self.missing = ""
        elif self.missing:
            raise Fault(self.missing, about="7")
        else:
            self.tell_box(state="unlocked")

    def _may(self, request: web.Request, action: str) -> None:
        user = self._user(request)
        if not user:
            raise Fault("not_signed_in")
        if action not in _login(user).may:
            raise Fault("refused")

    def _sync(self, request: web.Request, word: str, body: bytes) -> Wire:
        self._may(request, "adopt_log" if word == "adopt" else "carry_by_stick")
        if word == "adopt":
            self.adopted.append(msgspec.json.decode(body, type=Adopt).reason)
            self.tell_sync(trouble="")
        elif word == "sticks":
            asked = msgspec.json.decode(body, type=CarryStick)
            self.carried.append((asked.way, asked.place))
            step: Any = "writing" if asked.way == "export" else "reading"
            self.tell_sync(stick=StickState(step=step, way=asked.way))
        return Done()

    def _enrol(self, request: web.Request, word: str, body: bytes) -> Wire:
        self._may(request, "enrol_box")
        if word == "cancel":
            self.enrolment = Enrolment(state="not_enrolled")
        elif word == "stick":
            by_stick = msgspec.json.decode(body, type=EnrolByStick)
            self.enrolled.append((by_stick.way, by_stick.code))
            if by_stick.way == "request":
                self.enrolment = Enrolment(state="asking")
        else:
            asked = msgspec.json.decode(body, type=Enrol)
            self.enrolled.append((asked.address, asked.code))
            self.enrolment = Enrolment(state="asking", address=asked.address)
        return self.enrolment

    async def _enrolment(self, request: web.Request) -> web.Response:
        try:
            self._may(request, "enrol_box")
            return _answer(200, msgspec.json.encode(self.enrolment))
        except Fault as fault:
            return _answer(*_refuse(fault.code))

    async def _network(self, request: web.Request) -> web.Response:
        try:
            self._may(request, "set_network")
            return _answer(200, msgspec.json.encode(self.network.state))
        except Fault as fault:
            return _answer(*_refuse(fault.code))

    def _key(self, request: web.Request, word: str, body: bytes) -> Wire:
        self._may(request, "list_keys")
        return self.keys.do(word, request.match_info.get("slot", ""), body)

    async def _keys(self, request: web.Request) -> web.Response:
        try:
            self._may(request, "list_keys")
            return _answer(200, msgspec.json.encode(self.keys.list()))
        except Fault as fault:
            return _answer(*_refuse(fault.code))

    def _step(self, word: str, body: bytes, request: web.Request) -> Wire:
        user = self._halves.get(request.headers.get("Authorization", "").removeprefix("Bearer "), "")
        if not user:
            raise Fault("not_signed_in")
        if word == "codes":
            return Codes(codes=SHEET)
        if word == "new-password":
            new = msgspec.json.decode(body, type=NewPassword)
            if new.password != new.again:
                raise Fault("passwords_differ")
        elif msgspec.json.decode(body, type=Code).code not in (DIGITS, SHEET[0]):
            raise Fault("wrong_code")
        self.steps[user].pop(0)
        return self._onward(user)

    def _onward(self, user: str) -> WayIn:
        if self.steps.get(user):
            token = f"half-{len(self._halves)}"
            self._halves = {token: user}
            factors = {**self.factors, "authenticator": bool(self.factors["authenticator"])}
            return msgspec.convert({"stage": self.steps[user][0], "token": token, **factors}, type=WayIn)
        token = f"token-{len(self.tokens)}"
        self.tokens[token] = user
        return WayIn(stage="full", token=token, login=_login(user))

    def _back_up(self, word: str, body: bytes) -> None:
        if word == "seen":
            self.tell_copies(restored_from="")
        else:
            self.backed_up.append(msgspec.json.decode(body, type=BackUp).to)
            self.tell_copies(step="copying", percent=0)

    def _set_clock(self, user: str, at: str, *, back: bool) -> Wire:
        if not user:
            raise Fault("not_signed_in")
        if "set_clock" not in _login(user).may:
            raise Fault("refused")
        self.told.append(at)
        self.set_back = self.set_back or back
        self.tell_box(clock="", clock_correction=0)
        return Clock(at=at, trouble="", correction=0, synchronised=False)

    def _of_session(self, user: str, word: str, where: Any, body: bytes) -> Wire:
        if not user:
            raise Fault("not_signed_in")
        session = self.sessions.get(where["session"])
        if session is None or not self._sees(user, session):
            raise Fault("not_found")
        action = {"cards": "show_card"}.get(word, "handle_concern" if "concern" in where else word)
        if action not in may_do(self._actor(user), self._facts(session)):
            raise Fault("refused")
        if action == "show_card":
            card = msgspec.json.decode(body, type=ShowCard)
            if card.member and not any(m.id == card.member and m.standing == "admitted" for m in session.members):
                raise Fault("wrong_state")
            self.cards.append((card.kind, card.member))
        elif action == "handle_concern":
            if all(one.id != where["concern"] for one in session.concerns):
                raise Fault("not_found")
            self.tell_session(session.id, concerns=[one for one in session.concerns if one.id != where["concern"]])
        elif "member" not in where:
            self._step_on(session, word)
        else:
            return self._act(session, word, where, msgspec.json.decode(body, type=Admit))
        return Done()

    def _step_on(self, session: Session, word: Any) -> None:
        """One step of a session as a whole."""
        after = rules.session_after(
            rules.Place(session.phase, session.locked, self.before.get(session.id, "open")), word
        )
        self.before[session.id] = after.before
        state: Any = "open" if after.state == "locked" else after.state
        self.tell_session(session.id, state=state, phase=after.phase, locked=after.locked, locked_why="")

    def _act(self, session: Session, word: Any, where: Any, given: Admit) -> Wire:
        state: Any = "locked" if session.locked else session.state
        who = next((one for one in session.members if one.id == where["member"]), None)
        if who is None:
            raise Fault("not_found")
        if word == "unblock":
            self.tell_member(session.id, who.id, blocked=False)
            return Done()
        standing = rules.member_after(who.standing, word, state)
        if word in ("admit", "let_through"):
            if session.full and not given.beyond:
                raise Fault("box_full")
            self.beyond.append(given.beyond)
        self.tell_member(session.id, who.id, standing=standing, **self._changes(word, given))
        if word == "lower_hand":
            self.tell_session(session.id, hands=[one for one in session.hands if one != who.id])
        return self._invitation(word, session, who) if word in ("reissue", "rejoin") else Done()

    def _changes(self, word: str, given: Admit) -> dict[str, Any]:
        """What a step does to a member beside the standing."""
        changed: dict[str, dict[str, Any]] = {
            "vouch": {"vouched": True},
            "ask_phrase": {"phrase_asked": True, "phrase_given": "", "phrase_fits": False},
            "message": {"message": given.text, "message_at": "2031-03-04T14:05:00Z"},
            "hold": {"held": True},
            "release": {"held": False},
            "flag": {"flagged": True},
            "unflag": {"flagged": False},
            "end_aside": {"aside": False},
            "remove": {"ticket": "stopped", "removed_why": given.why, "blocked": given.block},
            "reissue": {"ticket": "issued"},
            "rejoin": {"ticket": "issued"},
        }
        return changed.get(word, {})

    def _invitation(self, word: str, session: Session, who: Member) -> Invitation:
        number = self.asked.count(word)
        code = f"K7QM-2XWD-{number:04}"
        return Invitation(
            link=f"https://hearth.local:8443/join#{code}",
            code=code,
            pin=f"{number:06}",
            name=who.name,
            rejoin=word == "rejoin",
            session=session.id,
            member=who.id,
        )


def _release_wish(word: str, body: bytes) -> tuple[str, str, bool]:
    """What was asked, of which bundle or when, and whether although a session goes on."""
    if word == "install":
        given = msgspec.json.decode(body, type=InstallRelease)
        return word, given.path, given.anyway
    if word == "restart":
        start = msgspec.json.decode(body, type=StartRelease)
        return word, start.when, start.anyway
    return word, "", False


def _login(user: str) -> Login:
    return login_of(user, *PEOPLE[user])


def _refuse(code: str, about: str = "") -> tuple[int, bytes]:
    status, sentence = (
        (BY_CODE[code].status, BY_CODE[code].sentence) if code in BY_CODE else (500, "the box's own sentence")
    )
    return status, msgspec.json.encode(FaultBody(code=code, sentence=sentence, about=about))


def _answer(status: int, body: bytes) -> web.Response:
    return web.Response(status=status, body=body, content_type="application/json")


async def _serve(path: Path) -> None:
    daemon = await FakeDaemon(path).start()
    print(f"passphrase: {PASSPHRASE}; people: {', '.join(PEOPLE)}; password: {PASSWORD}", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        await daemon.stop()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Path(sys.argv[1])))
