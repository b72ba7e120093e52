"""What workers do for the page of backups: one call of the client each, then the list anew; and what a change means."""

from __future__ import annotations

from textual.message import Message

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import Backups, Copies
from tui.work import Post, Refused


class Listed(Message):
    """For the page: the newest backup, and where the next one can go."""

    def __init__(self, backups: Backups) -> None:
        super().__init__()
        self.backups = backups


async def look(client: ControlClient, app: Post, page: Post, login: int) -> None:
    """List; who sees the list has been told of a restoration, and the box notes that."""
    try:
        backups = await client.backups()
        page(Listed(backups))
        if backups.copies.restored_from:
            await client.restoration_seen()
    except ControlFault as fault:
        app(Refused(login, fault.code))


async def begin(client: ControlClient, app: Post, page: Post, login: int, to: str) -> None:
    """Begin a backup there."""
    try:
        await client.back_up(to)
        page(Listed(await client.backups()))
    except ControlFault as fault:
        app(Refused(login, fault.code))


def ended(before: Copies | None, after: Copies | None) -> str:
    """How a backup that was under way ended: "done", a fault's code, or "" if none has just ended. Pure."""
    if before is None or after is None or not before.step or after.step:
        return ""
    return after.fault or ("done" if after.last_at else "")
