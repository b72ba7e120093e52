"""What workers do for the page of keys: one call of the client each, then the list anew. Secrets stay in no message.

Messages go to the page (what it shows) or to the app (what is told in the banner).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from textual.message import Message

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import Keys, Sheet
from tui.work import Post, Refused

Word = Literal["list", "passphrase", "sheet", "try", "rotate", "remove", "hq", "own", "rekey"]


@dataclass(frozen=True, slots=True, repr=False)
class Wish:
    """What to do: with which slot, with which secret. Never printed."""

    word: Word
    slot: str = ""
    secret: str = ""
    label: str = ""
    language: Literal["en", "es"] = "en"
    code: str = ""  # of HQ's key, as it was compared
    tpm: bool = False  # the person was told that a TPM guards what the machine keeps


class Listed(Message):
    """For the page: the slots as they are now."""

    def __init__(self, keys: Keys) -> None:
        super().__init__()
        self.keys = keys


class SheetMade(Message):
    """For the page: show it once."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__()
        self.sheet = sheet


class Stopped(Message):
    """For the page: nothing is under way any more, and it may not have come about."""


class KeyDone(Message):
    """For the app: it was done. `seconds`: of a rekey."""

    def __init__(self, login: int, word: Word, seconds: float = 0.0) -> None:
        super().__init__()
        self.login = login
        self.word = word
        self.seconds = seconds


async def do(client: ControlClient, app: Post, page: Post, login: int, wish: Wish) -> None:
    """Do it, then list."""
    try:
        if wish.word == "sheet":
            page(SheetMade(await client.add_sheet(wish.language, wish.label)))
        elif wish.word == "rekey":
            app(KeyDone(login, "rekey", await client.rekey()))
        elif wish.word != "list":
            await _calls(client, wish)[wish.word]()
            app(KeyDone(login, wish.word))
        page(Listed(await client.keys()))
    except ControlFault as fault:
        page(Stopped())
        app(Refused(login, fault.code))


def _calls(client: ControlClient, wish: Wish) -> dict[Word, Callable[[], Awaitable[object]]]:
    return {
        "passphrase": lambda: client.add_passphrase(wish.secret, wish.label),
        "try": lambda: client.try_key(wish.slot, wish.secret),
        "rotate": lambda: client.rotate_key(wish.slot, wish.secret),
        "remove": lambda: client.remove_key(wish.slot),
        "hq": lambda: client.add_hq(wish.code),
        "own": lambda: client.add_own(tpm=wish.tpm),
    }
