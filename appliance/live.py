"""What is live: which pages are open, what the relay has been told, what each page has been shown.

Everything here is derived. After any action `changed(session)` reads the store again and brings relay, attendance,
pages and the console's feed in line with it; doing it twice changes nothing. So a crash needs no replay.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from appliance import fitting, showing
from appliance.carriage import Carriage, Relay
from appliance.clock import now_text
from appliance.faults import Fault
from appliance.groups import rows as groups
from appliance.groups.rules import b64url
from appliance.presence import LEADER_GRACE_SECONDS, Attendance, Births, Present
from appliance.presence import Page as Page
from appliance.sessions import rows, states, waiting
from appliance.sessions.rules import in_room
from appliance.store.database import Database, Transaction
from media.client import Permission

log = logging.getLogger(__name__)

# How long a lost page's media go on: a phone that changes its Wi-Fi reconnects in a second or two. Longer would leave
# the others with a frozen picture.
GRACE_SECONDS = 5.0
CATCH_UP_SECONDS = 1.0  # after a failure of store or relay; a disk that is full stays full for longer anyway


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


@dataclass(frozen=True, slots=True)
class Seen:
    """What the store says of a session, all of one moment.

    `minutes`: how long people have waited lately; `record`: what the room's board reads.
    """

    session: rows.Session
    members: list[rows.Member]
    keys: groups.Keys
    signed_out: set[Page]
    minutes: int | None
    record: Any


class Live:
    """One for the whole box. All methods run on the event loop."""

    def __init__(self, db: Database, publish: Callable[[str], None]) -> None:
        self._db = db
        self._publish = publish
        self.present = Present()
        self._pages = self.present.pages
        self._births = Births()
        self._carriage = Carriage()
        self.fitting = self._carriage.fitting
        self._attending = Attendance()
        self._order = asyncio.Lock()
        self._behind: set[str] = set()
        self.catch_up_seconds = CATCH_UP_SECONDS
        self.leader_grace_seconds = LEADER_GRACE_SECONDS
        self._tasks: set[asyncio.Task[None]] = set()
        self.beside: Beside | None = None

    @property
    def relay(self) -> Relay | None:
        """The relay's process; None until there is one."""
        return self._carriage.relay

    @relay.setter
    def relay(self, relay: Relay | None) -> None:
        self._carriage.relay = relay

    # -- pages ---------------------------------------------------------------------------------------------------

    async def arrive(self, page: Page) -> None:
        """A page opened. A member has one page, the newest; an older one is told that it was replaced.

        A device that slept through that and wakes up is older still, although its line is newer.
        """
        pages = self._pages.setdefault(page.session, set())
        others = [other for other in pages if other.member and other.member == page.member]
        births = self._births.note(page)
        if any(births.index(other.name) > births.index(page.name) for other in others if other.name in births):
            page.replace()
            return
        for older in others:
            pages.discard(older)
            older.replace()
        pages.add(page)
        await self.changed(page.session)

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
        """Whether that member has a page of that session open right now."""
        return self.present.connected(session_id, member_id)

    def here(self, session_id: str) -> frozenset[str]:
        """The members who have a page of that session open right now."""
        return frozenset(page.member for page in self._pages.get(session_id, ()) if page.member)

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
        """Carry a page's media request to the relay. Faults: those of `Carriage.request`."""
        self.check_open(page)
        return await self._carriage.request(page.session, page.member, method, data)

    # -- the relay -----------------------------------------------------------------------------------------------

    async def admitted(self) -> Mapping[str, Mapping[str, Permission]]:
        """The whole truth for a relay that has just connected; it closes whatever is not in it."""
        async with self._order:
            return self._carriage.whole(await self._db.read(rows.rooms))

    def relay_event(self, room: str, member: str, event: str, data: dict[str, Any]) -> None:
        """Pass a relay's event on to the page it is for; one that is held apart has no part in the room's."""
        if self._carriage.apart(room, member):
            return
        for page in self._pages.get(room, ()):
            if page.member == member:
                page.show(event, data)

    def relay_connected(self, connected: bool) -> None:
        """The relay came or went: every page is told whether picture and sound can run.

        That it went is told at once: if it is back before anything was read, the page would see no difference.
        """
        for session_id, pages in list(self._pages.items()):
            for page in pages:
                if not connected and page.member in self._carriage.told.get(session_id, ()):
                    page.show("media", self._media(page, ready=False))
            self._later(self.changed(session_id))
        self._publish("box")

    async def fits(self, session_id: str) -> bool:
        """Whether one more person with picture and sound fits there; True where nobody can tell."""
        return await fitting.fits(self.relay, session_id)

    async def look_at_capacity(self) -> None:
        """What is in use, and whether the answer for a session is another now: other rooms change it too."""
        self.fitting.carried = await fitting.carried(self.relay)
        for session_id in list(self._carriage.told):
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
                top, private = await self._db.read(lambda tx: rows.family(tx, session_id))
                await self._bring_in_line(top)
                for room, is_open in private.items():
                    if is_open or room in self._carriage.told or room in self._pages:
                        await self._bring_in_line(room)
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

    async def _look(self, session_id: str) -> Seen:
        pages = frozenset(self._pages.get(session_id, ()))
        languages = {page.language for page in pages}
        at = now_text()

        def look(tx: Transaction) -> Seen:
            members = rows.members(tx, session_id)
            return Seen(
                rows.session(tx, session_id),
                members,
                groups.keys(tx, session_id),
                {page for page in pages if not page.stands(tx)},
                waiting.average_wait(tx, at) if any(m.standing == "waiting" for m in members) else None,
                self.beside.read(tx, session_id, languages) if self.beside else None,
            )

        return await self._db.read(look)

    async def _bring_in_line(self, session_id: str) -> None:
        pages = frozenset(self._pages.get(session_id, ()))
        seen = await self._look(session_id)
        if await self._watch_leaders(seen):
            seen = await self._look(session_id)
        session, members = seen.session, seen.members
        places = {"", *(m.id for m in members)}
        for page in seen.signed_out | {page for page in pages if page.member not in places}:  # or taken out of the plan
            self._dismiss(page)
        inside = {m.id for m in members if in_room(session.state, m.standing)}
        aside = {m.id for m in members if m.aside}
        self._hold(session, members)
        await self._tell_relay(session, {m.id: m for m in members if m.id in inside - aside})
        in_queue = {m.id for m in members if m.standing == "waiting"}
        self.fitting.note(session_id, fits=await self.fits(session_id), open=session.state == "open", waiting=in_queue)
        if session.state == "ended":
            self.fitting.end(session_id)
        still_here = pages.intersection(self._pages.get(session_id, ()))  # one that has just come: its turn is next
        elsewhere = {page for page in still_here if _belongs_elsewhere(page, session, aside)}
        for page in elsewhere:
            page.show("moved", {})
        still_here -= elsewhere
        for page in still_here:
            self._show(page, seen, inside)
            if page.member in inside:
                _show_keys(page, seen.keys, members)
        if self.beside:
            self.beside.show(still_here, session, members, inside, seen.record)
        if not session.parent:  # who is in a private room is there once, in the session
            await self._note_attendance(members, inside)

    async def _watch_leaders(self, seen: Seen) -> bool:
        """Nobody who leads has a page open: after a grace the door locks itself. True if it did just now."""
        session, leaders = seen.session, self.present.leaders
        if session.parent:
            return False
        here = any(m.facilitator and self.present.is_here(m) for m in seen.members)
        absence = leaders.note(session.id, here=here, going_on=session.state in ("open", "locked"))
        if absence:
            self._later(self._give_up(session.id, absence))
        if session.id not in leaders.to_lock:
            return False
        at = now_text()
        locked = await self._db.write(lambda tx: states.lock_without_leader(tx, session.id, at))
        leaders.to_lock.discard(session.id)
        return locked

    async def _give_up(self, session_id: str, absence: int) -> None:
        await asyncio.sleep(self.leader_grace_seconds)
        if self.present.leaders.give_up(session_id, absence):
            await self.changed(session_id)

    async def begin(self) -> None:
        """The box has just started: sessions that go on are watched again, also where no page comes back by itself."""
        going_on = await self._db.read(rows.going_on)
        self.present.leaders.led.update(going_on)
        for session_id in going_on:
            await self.changed(session_id)

    def _hold(self, session: rows.Session, members: Sequence[rows.Member]) -> None:
        """Before the relay ends what they send and receive, the pages of those who are held apart know why."""
        newly = self._carriage.part(session, members)
        for page in self._pages.get(session.id, ()):
            if page.member in newly:
                page.show("media", self._media(page, ready=False))

    def _media(self, page: Page, *, ready: bool) -> dict[str, Any]:
        """`ready`: the relay is there. Whoever is held apart is not to try."""
        held = self._carriage.apart(page.session, page.member)
        return {"ready": ready and not held, "held": held}

    def _dismiss(self, page: Page) -> None:
        """The login or visit behind it has ended, and picture and sound with it: no grace, as for a lost page."""
        self._forget(page)
        page.sign_out()
        self._later(self._leave(page.session, page.member))

    async def _tell_relay(self, session: rows.Session, inside: Mapping[str, rows.Member]) -> None:
        await self._carriage.tell(session, inside)
        if session.state == "ended":
            self._births.pop(session.id, None)

    async def _note_attendance(self, members: list[rows.Member], inside: set[str]) -> None:
        here = {m.id for m in members if m.id in inside and self.present.is_here(m)}
        came, went = self._attending.changes(members, here)
        if not came and not went:
            return
        at = now_text()
        self._attending.update(await self._db.write(lambda tx: self._attending.note(tx, came, went, at)))
        for member in went:
            del self._attending[member]

    def _show(self, page: Page, seen: Seen, inside: set[str]) -> None:
        session, members = seen.session, seen.members
        own = next((m for m in members if m.id == page.member), None)
        if own is not None and not page.staff:
            delayed = {"delayed": True} if self.fitting.waits_for_room(session.id, own.id) else {}
            page.show("standing", {"standing": "ended" if session.state == "ended" else own.standing, **delayed})
        page.show("session", showing.session_fact(session, members, self.present))
        lists = self.lists(session, members, page.member, staff=page.staff)
        if own is not None and own.standing == "waiting":
            page.show("wait", showing.wait(session, own, seen.minutes))
        if page.staff:
            page.show("waiting", {"members": lists["waiting"]})
            page.show("expected", {"members": lists["expected"]})
            page.show("capacity", {"full": session.id in self.fitting.full})
        if page.staff or page.member in inside:
            page.show("roster", {"members": lists["roster"]})
        if page.member in inside:
            page.show("media", self._media(page, ready=self._carriage.ready))

    def lists(
        self, session: rows.Session, members: list[rows.Member], own: str, *, staff: bool = True
    ) -> dict[str, list[dict[str, Any]]]:
        """The roster as `own` sees it, who may be of the staff; for staff also the queue and who is not in the room."""
        return showing.lists(session, members, own, self.present, staff=staff)

    async def _leave_after_grace(self, session_id: str, member_id: str) -> None:
        await asyncio.sleep(GRACE_SECONDS)
        await self._leave(session_id, member_id)

    async def _leave(self, session_id: str, member_id: str) -> None:
        if member_id and not self.connected(session_id, member_id):
            await self._carriage.leave(session_id, member_id)

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


def _show_keys(page: Page, keys: groups.Keys, members: list[rows.Member]) -> None:
    for event, data in showing.keys(keys, members, page.member, staff=page.staff):
        page.show(event, data)
