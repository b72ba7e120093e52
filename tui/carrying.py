"""What workers do for the page of sync: one call of the client each; and what a change of the stick means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.message import Message

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import Place, StickState, Sync
from tui.work import Post, Refused

Deed = Literal["now", "export", "import", "adopt", "enrol"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to do; enrol leads to a page of its own. `place`: the stick for export and import, "" to be told where one
    is; `reason`: for adopt."""

    deed: Deed
    place: str = ""
    reason: str = ""


class Found(Message):
    """For the page: where a stick is plugged in."""

    def __init__(self, places: tuple[Place, ...]) -> None:
        super().__init__()
        self.places = places


class SyncDone(Message):
    """For the app: it was begun or done, to be told in the banner."""

    def __init__(self, login: int, deed: Deed) -> None:
        super().__init__()
        self.login = login
        self.deed = deed


async def do(client: ControlClient, app: Post, page: Post, login: int, wish: Wish) -> None:
    """Do it, or find sticks."""
    try:
        if wish.deed in ("export", "import") and not wish.place:
            page(Found((await client.sticks()).places))
            return
        if wish.deed == "now":
            await client.sync_now()
        elif wish.deed == "adopt":
            await client.adopt(wish.reason)
        elif wish.deed != "enrol":
            await client.carry_stick(wish.deed, wish.place)
            return  # how it goes is on the page, how it ended in the banner
        app(SyncDone(login, wish.deed))
    except ControlFault as fault:
        app(Refused(login, fault.code))


def ended(before: Sync | None, after: Sync | None) -> StickState | None:
    """The stick that has just been carried, else None. Pure."""
    if before is None or after is None or not before.stick.step or after.stick.step:
        return None
    return after.stick
