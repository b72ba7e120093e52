"""What every handler of the control socket needs: who asks, the typed body and answer; and a row of its route table."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

import msgspec
from aiohttp import web

from appliance.clinic import Clinic
from appliance.clock import steady_seconds
from appliance.control import types
from appliance.copies.copier import Copier
from appliance.enrolment.enroller import Enroller
from appliance.faults import Fault
from appliance.identity import rows as accounts
from appliance.ids import token_hash
from appliance.keeping import Keeper
from appliance.machine.network import MachineNetwork
from appliance.machine.slot import OwnSlot
from appliance.policy import TABLE, Action, Actor, Asks, StaffRole, is_named
from appliance.power.actions import Power
from appliance.setup.guide import Guide
from appliance.sticks.actions import Sticks
from appliance.updates.actions import Updates

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Box(Protocol):
    """What the listener needs of the appliance."""

    def clinic(self) -> Clinic: ...
    def guide(self) -> Guide: ...
    def keeper(self) -> Keeper: ...
    def headquarters(self) -> bytes | None: ...
    def is_unlocked(self) -> bool: ...
    async def unlock(self, passphrase: str) -> None: ...
    async def accept_rollback(self, passphrase: str, reason: str) -> None: ...
    def about(self) -> types.Box: ...
    def health(self) -> types.Health: ...
    def sync(self) -> types.Sync: ...
    def copier(self) -> Copier: ...
    def enroller(self) -> Enroller: ...
    def copies(self) -> types.Copies: ...
    def sticks(self) -> Sticks: ...
    def updates(self) -> Updates: ...
    def network(self) -> MachineNetwork: ...
    def authority(self) -> str: ...
    def power(self) -> Power: ...
    def own_slot(self) -> OwnSlot: ...
    async def examine(self, language: Literal["en", "es"]) -> types.Doctor: ...


@dataclass(frozen=True, slots=True)
class Route:
    """One row of the table. `asks`: all actions that the handler asks the policy for, or "anyone" who may connect.

    Its first action is asked of the role before the handler runs (`gated`).
    """

    method: str
    path: str
    handler: Handler
    asks: Asks

    def __post_init__(self) -> None:
        if not is_named(self.asks):
            raise TypeError("a route names the actions it asks for")


BOX = web.AppKey("box", Box)
OF_SET_UP = ("/v1/keys", "/v1/enrolment")  # what set-up asks that others ask too
WAY_IN = "/v1/sign-in"  # its steps are asked by somebody who has no login yet

# What is done to the box itself and not to a session; a console offers it by `types.Login.may`.
OF_THE_BOX: tuple[Action, ...] = (
    "set_clock",
    "list_keys",
    "add_key",
    "remove_key",
    "rekey",
    "back_up",
    "carry_by_stick",
    "adopt_log",
    "enrol_box",
    "set_network",
    "see_machine",
    "install_update",
    "restart_box",
    "reset_box",
)


def login_of(person: str, name: str, role: StaffRole) -> types.Login:
    """Who is signed in, as the console sees it."""
    return types.Login(person=person, name=name, role=role, may=tuple(one for one in OF_THE_BOX if role in TABLE[one]))


def token_of(request: web.Request) -> str:
    return request.headers.get("Authorization", "").removeprefix("Bearer ")


async def actor(request: web.Request) -> tuple[Actor, types.Login] | None:
    """Who is signed in, or None: also on a locked box."""
    box, token = request.app[BOX], token_of(request)
    if not token or not box.is_unlocked():
        return None
    digest, now = token_hash(token), steady_seconds()
    login = await box.clinic().db.read(lambda tx: accounts.login(tx, digest, "console", now))
    if login is None:
        return await _setting_up(request, token)
    who = Actor(person=login.person, role=login.role, surface="console", address="console")
    return who, login_of(login.person, login.name, login.role)


async def _setting_up(request: web.Request, token: str) -> tuple[Actor, types.Login] | None:
    """While the clinic is being set up, whoever gave its passphrase stands for its administrator at keys and HQ."""
    if not request.path.startswith(OF_SET_UP):
        return None
    try:
        who = await request.app[BOX].guide().actor(token)
    except Fault:
        return None
    return (who, login_of(who.person, "", "administrator")) if who is not None else None


async def signed_in(request: web.Request) -> tuple[Actor, types.Login]:
    """Who is signed in and does something, which keeps the login alive. Faults: box_locked, not_signed_in."""
    found = await actor(request)
    clinic = request.app[BOX].clinic()  # a locked box says so first
    if found is None:
        raise Fault("not_signed_in")
    digest, now = token_hash(token_of(request)), steady_seconds()
    await clinic.db.write(lambda tx: accounts.touch(tx, digest, now))
    return found


def gated(route: Route) -> Handler:
    """The route's handler behind its gate: a role that may never do it is refused before anything is looked for."""
    asks = route.asks
    if asks == "anyone" or route.path.startswith(WAY_IN):
        return route.handler

    @functools.wraps(route.handler)
    async def handled(request: web.Request) -> web.StreamResponse:
        found = await actor(request)
        if found is not None:  # who is not signed in hears that from the handler
            parts = request.match_info
            word = next((one for one in asks if one == parts.get("action")), asks[0])
            clinic = request.app[BOX].clinic()
            await clinic.role_first(found[0], word, parts)
        return await route.handler(request)

    return handled


async def body(request: web.Request, kind: type[T]) -> T:
    """The request's body, or Fault("bad_request")."""
    return parse(await request.read(), kind)


def parse(raw: bytes, kind: type[T]) -> T:
    """JSON of one wire type, or Fault("bad_request")."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Fault("bad_request", "body") from None


def answer(body: msgspec.Struct, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type="application/json")
