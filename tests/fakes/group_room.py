"""A session that is led together, with a group, behind a real portal; and every kind of page that can open a line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

from tests.fakes.box import OpenBox
from tests.fakes.group import Line, committing, founding, line
from tests.fakes.portal import Newcomer, sign_in, wait_at_the_door
from tests.fakes.visitor import Visitor


@dataclass
class Room:
    """An open session led by Mara and Ines, with a group in epoch 1 and Ada in the room; `line` opens a page."""

    box: OpenBox
    newcomer: Newcomer
    mara: Line
    stack: AsyncExitStack
    _visitors: dict[Line, Visitor] = field(default_factory=dict)

    async def staff(self, username: str) -> Line:
        visitor = self.newcomer()
        await sign_in(visitor, username)
        return await self.stack.enter_async_context(line(visitor, f"/staff/sessions/{self.box.session}/ws"))

    async def patient(self, number: int, *, admitted: bool = False, name: str = "Ada") -> Line:
        visitor = self.newcomer()
        await wait_at_the_door(visitor, self.box, number, name)
        if admitted:
            await self.act("admit", number)
        page = await self.stack.enter_async_context(line(visitor, "/join/ws"))
        self._visitors[page] = visitor
        return page

    async def act(self, action: str, number: int | None = None) -> None:
        member = "" if number is None else self.box.members[number]
        await self.box.clinic.act(self.box.leader(), action, self.box.session, member)

    async def leave(self, page: Line) -> None:
        """The patient of that page goes out by themselves."""
        visitor = self._visitors[page]
        await visitor.get("/join/wait")
        await visitor.post("/join/leave")

    async def page(self, kind: str) -> Line:
        """A page of that kind, as the keys of MAY have them."""
        staff = {"facilitator": "mara", "co-facilitator": "ines", "front desk": "jonas"}
        if kind in staff:
            return await self.staff(staff[kind])
        page = await self.patient(0, admitted=kind in ("admitted", "removed"))
        if kind in ("removed", "denied"):
            await self.act({"removed": "remove", "denied": "deny"}[kind], 0)
        if kind == "joining":
            await self.leave(page)
        return page


@asynccontextmanager
async def open_room(box: OpenBox, newcomer: Newcomer) -> AsyncIterator[Room]:
    await box.lead_together()
    await box.clinic.act(box.leader(), "open", box.session)
    async with AsyncExitStack() as stack:
        visitor = newcomer()
        await sign_in(visitor)
        mara = await stack.enter_async_context(line(visitor, f"/staff/sessions/{box.session}/ws"))
        await mara.done("groupFound", founding())
        await mara.done("groupCommit", committing(0))
        yield Room(box, newcomer, mara, stack)
