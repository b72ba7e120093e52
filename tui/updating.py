"""What workers do for the page of releases: one call of the client each; then the page is told how things stand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.message import Message

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import Updates
from tui.work import Post, Refused

Word = Literal["see", "install", "now", "tonight", "later", "back", "seen"]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to do. `path`: of the bundle to install; `anyway`: although a session goes on."""

    word: Word
    path: str = ""
    anyway: bool = False


class Told(Message):
    """For the page: how things stand, and after which wish."""

    def __init__(self, updates: Updates, wish: Wish) -> None:
        super().__init__()
        self.updates = updates
        self.wish = wish


class InSession(Message):
    """For the page: a session goes on, so the wish was not done."""

    def __init__(self, wish: Wish) -> None:
        super().__init__()
        self.wish = wish


async def do(client: ControlClient, app: Post, page: Post, login: int, wish: Wish) -> None:
    """Do it and tell."""
    try:
        page(Told(await _done(client, wish), wish))
    except ControlFault as fault:
        if fault.code == "session_open" and not wish.anyway:
            page(InSession(wish))
        else:
            app(Refused(login, fault.code))


async def _done(client: ControlClient, wish: Wish) -> Updates:
    match wish.word:
        case "install":
            return await client.install_release(wish.path, anyway=wish.anyway)
        case "now" | "tonight" | "later":
            return await client.start_release(wish.word, anyway=wish.anyway)
        case "back":
            return await client.go_back()
        case "seen":
            return await client.failure_seen()
        case _:
            return await client.updates()
