"""What is live: which pages are open, what the relay has been told, what each page has been shown.

Everything here is derived. After any action `changed(session)` reads the store again and brings relay, attendance,
pages and the console's feed in line with it; doing it twice changes nothing. So a crash needs no replay.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Literal, Protocol

from appliance import fitting
from appliance.clock import now_seconds, now_text
from appliance.faults import Fault
from appliance.groups import rows as groups
from appliance.groups.rules import b64url
from appliance.sessions import rows
from appliance.sessions.rules import in_room
from appliance.store.database import Database, Transaction
from media.client import Permission, RelayFault

log = logging.getLogger(__name__)

# How long a lost page's media go on: a phone that changes its Wi-Fi reconnects in a second or two. Longer would leave
# the others with a frozen picture.
GRACE_SECONDS = 5.0
PAGES_REMEMBERED = 8  # of one member, in the order of their birth: somebody with more devices than that is rare
CATCH_UP_SECONDS = 1.0  # after a failure of store or relay; a disk that is full stays full for longer anyway


class Relay(Protocol):
    """The part of `media.client.RelayClient` that is used here."""

    connected: bool

    async def permit(self, room: str, member: str, permission: Permission) -> None: ...
    async def remove(self, room: str, member: str) -> None: ...
    async def leave(self, room: str, member: str) -> None: ...
    async def close_room(self, room: str) -> None: ...
    async def fits(self, room: str) -> dict[str, Any]: ...
    async def counts(self) -> dict[str, Any]: ...
    async def request(self, room: str, member: str, method: str, data: dict[str, Any]) -> dict[str, Any]: ...


class Page(Protocol):
    """An open page of a member, or of staff who watch (`member` is then "")."""

    session: str
    member: str
    name: str  # of the page itself, the same over all its lines; "" where it gave none
    staff: bool
    handles: bool  # whether who sits there may look after concerns
    language: str
    login: bytes  # the hash of a staff login's token; b"" for a visit

    def stands(self, tx: Transaction) -> bool: ...  # whether the login or visit behind it has not ended
    def show(self, event: str, data: dict[str, Any]) -> None: ...
    def replace(self) -> None: ...
    def sign_out(self) -> None: ...
    def end(self) -> None: ...  # the box ends; the page comes back by itself


class Beside(Protocol):
    """What goes on in a room beside picture and sound: `appliance.room.board`. It is read and shown with the rest."""

    def read(self, tx: Transaction, session_id: str, languages: Collection[str]) -> Any: ...
    def show(
        self,
        pages: Collection[Page],
        session: rows.Session,
        members: Sequence[rows.Member],
        inside: Collection[str],
        record: Any,
    ) -> None: ...


class Live:
    """One for the whole box. All methods run on the event loop."""

    def __init__(self, db: Database, publish: Callable[[str], None]) -> None:
        self._db = db
        self._publish = publish
        self._pages: dict[str, set[Page]] = {}
        self._births: dict[str, dict[str, list[str]]] = {}
        self._told: dict[str, set[str]] = {}
        self._attending: dict[str, int] = {}
        self._order = asyncio.Lock()
        self._behind: set[str] = set()
        self.catch_up_seconds = CATCH_UP_SECONDS
        self._tasks: set[asyncio.Task[None]] = set()
        self.relay: Relay | None = None
        self.fitting = fitting.Fitting()
        self.beside: Beside | None = None

    # -- pages ---------------------------------------------------------------------------------------------------

    async def arrive(self, page: Page) -> None:
        """A page opened. A member has one page, the newest; an older one is told that it was replaced.

        A device that slept through that and wakes up is older still, although its line is newer.
        """
        pages = self._pages.setdefault(page.session, set())
        others = [other for other in pages if other.member and other.member == page.member]
        births = self._note_birth(page)
        if any(births.index(other.name) > births.index(page.name) for other in others if other.name in births):
            page.replace()
            return
        for older in others:
            pages.discard(older)
            older.replace()
        pages.add(page)
        await self.changed(page.session)

    def _note_birth(self, page: Page) -> list[str]:
        """The names of the member's pages in the order in which they were born, as far as they are remembered."""
        births = self._births.setdefault(page.session, {}).setdefault(page.member, [])
        if page.name not in births:
            births.append(page.name)
            del births[:-PAGES_REMEMBERED]
        return births

    async def depart(self, page: Page) -> None:
        """A page closed. Its media end after a short grace, unless a new page of the member came."""
        if page not in self._pages.get(page.session, ()):
            return
        self._forget(page)
        self._later(self._leave_after_grace(page.session, page.member))
        await self.changed(page.session)

    def _forget(self, page: Page) -> None:
        pages = self._pages.get(page.session, set())
        pages.discard(page)
        if not pages:
            self._pages.pop(page.session, None)

    def open_logins(self) -> list[tuple[str, bytes]]:
        """Session and login (its token's hash) of each page that staff have open."""
        pages = [page for pages in self._pages.values() for page in pages]
        return [(page.session, page.login) for page in pages if page.login]

    def tell(self, what: str) -> None:
        """Put something into the console's feed."""
        self._publish(what)

    async def weed(self) -> None:
        """Close the pages whose login or visit has ended: a live line ends with what opened it, within a look."""
        pages = [page for pages in self._pages.values() for page in pages]
        if pages:
            ended = await self._db.read(lambda tx: {page.session for page in pages if not page.stands(tx)})
            for session_id in ended:
                await self.changed(session_id)

    def connected(self, session_id: str, member_id: str) -> bool:
        """Whether that member has a page open right now."""
        return any(page.member == member_id for page in self._pages.get(session_id, ()))

    def here(self, session_id: str) -> frozenset[str]:
        """The members who have a page of that session open right now."""
        return frozenset(page.member for page in self._pages.get(session_id, ()) if page.member)

    def _attends(self, member: rows.Member) -> bool:
        """Whether they are there, be it in a private room beside the session."""
        there = bool(member.aside) and self.connected(member.aside, member.aside_place)
        return there or self.connected(member.session, member.id)

    def check_open(self, page: Page) -> None:
        """Fault("refused") for a page that was replaced or closed, although it may still talk."""
        if page not in self._pages.get(page.session, ()):
            raise Fault("refused", "not the member's page any more")

    def pass_on(self, page: Page, hearers: frozenset[str], group: str, message: bytes) -> None:
        """What a member said, sealed, to the others' pages; it is kept nowhere."""
        for other in self._pages.get(page.session, ()):
            if other is not page and other.member in hearers:
                other.show("groupSaid", {"group": group, "message": b64url(message)})

    def happen(self, session_id: str, member_id: str, event: str, data: dict[str, Any]) -> None:
        """Tell one member's page of something that happens now; one that is not open hears nothing of it."""
        for page in self._pages.get(session_id, ()):
            if page.member == member_id:
                page.show(event, data)

    async def request(self, page: Page, method: str, data: dict[str, Any]) -> dict[str, Any]:
        """Carry a page's media request to the relay. Faults: refused (not in the room), relay_away, relay_refused."""
        self.check_open(page)
        if page.member not in self._told.get(page.session, ()):
            raise Fault("refused", "not in the room")
        if self.relay is None or not self.relay.connected:
            raise Fault("relay_away")
        try:
            return await self.relay.request(page.session, page.member, method, data)
        except RelayFault as fault:
            raise Fault("relay_away" if fault.code == "away" else "relay_refused", fault.code) from None

    # -- the relay -----------------------------------------------------------------------------------------------

    async def admitted(self) -> Mapping[str, Mapping[str, Permission]]:
        """The whole truth for a relay that has just connected; it closes whatever is not in it."""
        async with self._order:
            rooms = await self._db.read(rows.rooms)
            self._told = {room: {m.id for m in members} for room, members in rooms.items()}
            return {room: {m.id: self._permission(m) for m in members} for room, members in rooms.items()}

    def relay_event(self, room: str, member: str, event: str, data: dict[str, Any]) -> None:
        """Pass a relay's event on to the page it is for."""
        for page in self._pages.get(room, ()):
            if page.member == member:
                page.show(event, data)

    def relay_connected(self, connected: bool) -> None:
        """The relay came or went: every page is told whether picture and sound can run.

        That it went is told at once: if it is back before anything was read, the page would see no difference.
        """
        for session_id, pages in list(self._pages.items()):
            for page in pages:
                if not connected and page.member in self._told.get(session_id, ()):
                    page.show("media", {"ready": False})
            self._later(self.changed(session_id))
        self._publish("box")

    async def fits(self, session_id: str) -> bool:
        """Whether one more person with picture and sound fits there; True where nobody can tell."""
        return await fitting.fits(self.relay, session_id)

    async def look_at_capacity(self) -> None:
        """What is in use, and whether the answer for a session is another now: other rooms change it too."""
        self.fitting.carried = await fitting.carried(self.relay)
        for session_id in list(self._told):
            if await self.fits(session_id) is (session_id in self.fitting.refused):
                await self.changed(session_id)

    # -- after every action --------------------------------------------------------------------------------------

    async def changed(self, session_id: str) -> None:
        """Bring relay, attendance, pages and feed in line with the store. The relay first: removal waits for nobody.

        Never fails: what is told here is in the store already, so whoever caused it must not hear that it failed. What
        could not be told is told a moment later.
        """
        top = session_id
        try:
            async with self._order:
                top, *private = await self._db.read(lambda tx: rows.family(tx, session_id))
                for one in (top, *(room for room in private if room in self._told or room in self._pages)):
                    await self._bring_in_line(one)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the store is right and the caller is done
            code = problem.code if isinstance(problem, Fault) else type(problem).__name__
            if code == "box_locked":  # the store is closed: the box ends
                return
            log.error("a session is not in line yet: %s", code)
            if session_id not in self._behind:
                self._behind.add(session_id)
                self._later(self._catch_up(session_id))
        self._publish(top)  # a private room is no session of its own to the console

    def change_soon(self, session_id: str) -> None:
        """`changed`, but not before the caller has gone on."""
        self._later(self.changed(session_id))

    async def _catch_up(self, session_id: str) -> None:
        await asyncio.sleep(self.catch_up_seconds)
        self._behind.discard(session_id)
        await self.changed(session_id)

    async def _bring_in_line(self, session_id: str) -> None:
        pages = frozenset(self._pages.get(session_id, ()))
        languages = {page.language for page in pages}
        session, members, keys, ended, record = await self._db.read(
            lambda tx: (
                rows.session(tx, session_id),
                rows.members(tx, session_id),
                groups.keys(tx, session_id),
                {page for page in pages if not page.stands(tx)},
                self.beside.read(tx, session_id, languages) if self.beside else None,
            )
        )
        places = {"", *(m.id for m in members)}
        for page in ended | {page for page in pages if page.member not in places}:  # or was taken out of the plan
            self._dismiss(page)
        inside = {m.id for m in members if in_room(session.state, m.standing)}
        aside = {m.id for m in members if m.aside}
        await self._tell_relay(session, {m.id: m for m in members if m.id in inside - aside})
        waiting = {m.id for m in members if m.standing == "waiting"}
        self.fitting.note(session_id, fits=await self.fits(session_id), open=session.state == "open", waiting=waiting)
        if session.state == "ended":
            self.fitting.end(session_id)
        still_here = pages.intersection(self._pages.get(session_id, ()))  # one that has just come: its turn is next
        for page in still_here:
            if _belongs_elsewhere(page, session, aside):
                page.show("moved", {})
                continue
            self._show(page, session, members, inside)
            if page.member in inside:
                _show_keys(page, keys, members)
        if self.beside:
            self.beside.show(still_here, session, members, inside, record)
        if not session.parent:  # who is in a private room is there once, in the session
            await self._note_attendance(session_id, members, inside)

    def _dismiss(self, page: Page) -> None:
        """The login or visit behind it has ended, and picture and sound with it: no grace, as for a lost page."""
        self._forget(page)
        page.sign_out()
        self._later(self._leave(page.session, page.member))

    def _permission(self, member: rows.Member) -> Permission:
        """What one in the room may do there."""
        counted = member.id not in self.fitting.beyond
        return Permission(send=("audio", "video"), receive=True, leads=member.facilitator, counted=counted)

    async def _tell_relay(self, session: rows.Session, inside: Mapping[str, rows.Member]) -> None:
        told = self._told.get(session.id, set())
        self._told[session.id] = set(inside)
        self.fitting.forget(told - inside.keys())
        relay = self.relay
        if relay is None or not relay.connected:
            return
        for member in told - inside.keys():
            await _said(relay.remove(session.id, member))
        for member in inside.keys() - told:
            await _said(relay.permit(session.id, member, self._permission(inside[member])))
        if session.state == "ended":
            del self._told[session.id]
            self._births.pop(session.id, None)
            await _said(relay.close_room(session.id))

    async def _note_attendance(self, session_id: str, members: list[rows.Member], inside: set[str]) -> None:
        here = {m.id for m in members if m.id in inside and self._attends(m)}
        came = here - self._attending.keys()
        went = {m.id for m in members if m.id in self._attending and m.id not in here}
        if not came and not went:
            return
        at = now_text()

        def note(tx: Transaction) -> dict[str, int]:
            for member in went:
                rows.note_departure(tx, self._attending[member], at)
            return {member: rows.note_arrival(tx, member, at) for member in came}

        self._attending.update(await self._db.write(note))
        for member in went:
            del self._attending[member]

    def _show(self, page: Page, session: rows.Session, members: list[rows.Member], inside: set[str]) -> None:
        own = next((m for m in members if m.id == page.member), None)
        if own is not None and not page.staff:
            delayed = {"delayed": True} if self.fitting.waits_for_room(session.id, own.id) else {}
            page.show("standing", {"standing": "ended" if session.state == "ended" else own.standing, **delayed})
        page.show("session", {"state": _state(session), "locked": session.state == "locked"})
        lists = self.lists(session, members, page.member, staff=page.staff)
        if page.staff:
            page.show("waiting", {"members": lists["waiting"]})
            page.show("expected", {"members": lists["expected"]})
            page.show("capacity", {"full": session.id in self.fitting.full})
        if page.staff or page.member in inside:
            page.show("roster", {"members": lists["roster"]})
        if page.member in inside:
            page.show("media", {"ready": self.relay is not None and self.relay.connected})

    def lists(
        self, session: rows.Session, members: list[rows.Member], own: str, *, staff: bool = True
    ) -> dict[str, list[dict[str, Any]]]:
        """The roster as `own` sees it, who may be of the staff; for staff also the queue and who is not in the room."""
        inside = {m.id for m in members if in_room(session.state, m.standing)}
        return {
            "roster": self._roster(members, inside, own, staff=staff),
            "waiting": self._waiting(members),
            "expected": self._expected(members, inside),
        }

    def _roster(self, members: list[rows.Member], inside: set[str], own: str, *, staff: bool) -> list[dict[str, Any]]:
        return [
            {
                "member": m.id,
                "name": m.display_name,
                "facilitator": m.facilitator,
                "you": m.id == own,
                "connected": self.connected(m.session, m.id),
                "aside": bool(m.aside),
                **({"otherDevice": True} if staff and m.ticket_other_device else {}),
            }
            for m in members
            if m.id in inside
        ]

    def _waiting(self, members: list[rows.Member]) -> list[dict[str, Any]]:
        return [
            {
                "member": m.id,
                "name": m.name,
                "displayName": m.display_name,
                "since": m.waiting_since,
                "vouched": m.vouched,
                "connected": self.connected(m.session, m.id),
                "otherDevice": m.ticket_other_device,
            }
            for m in members
            if m.standing == "waiting"
        ]

    def _expected(self, members: list[rows.Member], inside: set[str]) -> list[dict[str, Any]]:
        return [
            {
                "member": m.id,
                "name": m.name,
                "standing": m.standing,
                "ticket": ticket_state(m, now_seconds()),
                "otherDevice": m.ticket_other_device,
            }
            for m in members
            if m.standing != "waiting" and m.id not in inside and not m.facilitator
        ]

    async def _leave_after_grace(self, session_id: str, member_id: str) -> None:
        await asyncio.sleep(GRACE_SECONDS)
        await self._leave(session_id, member_id)

    async def _leave(self, session_id: str, member_id: str) -> None:
        if member_id and not self.connected(session_id, member_id) and self.relay is not None and self.relay.connected:
            await _said(self.relay.leave(session_id, member_id))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("a background task failed: %s", type(task.exception()).__name__)

    def end(self) -> None:
        """The box ends: every page is closed, since one that is open would hold up the end."""
        for pages in self._pages.values():
            for page in pages:
                page.end()

    async def close(self) -> None:
        """End what runs in the background."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _belongs_elsewhere(page: Page, session: rows.Session, aside: Collection[str]) -> bool:
    """Whether a private room of theirs has begun, or this one is over: the page is to be loaded anew."""
    return page.member in aside or (session.parent != "" and session.state == "ended")


async def _said(telling: Awaitable[None]) -> None:
    """Told, or the relay went away in between: on return it asks for the whole truth. One no stops no other."""
    try:
        await telling
    except RelayFault as fault:
        log.warning("relay: %s", fault.code)


def _show_keys(page: Page, keys: groups.Keys, members: list[rows.Member]) -> None:
    """The group's part of what a page in the room is shown (groups/PROTOCOL.md)."""
    compared = {"epoch": keys.compared[0], "at": keys.compared[1]} if keys.compared else None
    commit = b64url(keys.commit) if keys.commit is not None else None
    page.show("group", {"group": keys.group, "epoch": keys.epoch, "commit": commit, "compared": compared})
    if page.staff:
        near = [m.id for m in members if m.id in keys.offers and m.standing in ("waiting", "admitted")]
        page.show("offers", {"offers": [{"member": m, "keyPackage": b64url(keys.offers[m])} for m in near]})
    if page.member in keys.welcomes:
        epoch, welcome = keys.welcomes[page.member]
        page.show("welcome", {"group": keys.group, "epoch": epoch, "welcome": b64url(welcome)})


def ticket_state(member: rows.Member, now: int) -> Literal["issued", "stopped", "expired"]:
    """As the wire says it, at `now` in seconds since the epoch."""
    if member.ticket_stopped:
        return "stopped"
    return "expired" if 0 < member.ticket_expires_at <= now else "issued"


def _state(session: rows.Session) -> str:
    return "open" if session.state == "locked" else session.state
