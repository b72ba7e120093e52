"""Where the portal is, as text and as a QR code beside it, for pages that people see before they sign in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Static

from tui.widgets.invitation import qr_lines
from tui.words import Words, plain

LONGEST = 60  # characters of an address whose code fits 80x24
_NUMBERED = re.compile(r"https?://[0-9.]+(:[0-9]+)?/?")


def surest(addresses: Sequence[str]) -> str:
    """The address that works on every device: one of numbers; else the first, "" where there is none for others."""
    numbered = (one for one in addresses if _NUMBERED.fullmatch(one))
    others = (one for one in addresses if "//localhost" not in one)
    return next(numbered, next(others, ""))


class AddressCode(Static):
    """The QR code of one address; nothing where there is none."""

    DEFAULT_CSS = """
    AddressCode {
        width: auto;
        height: auto;
        color: ansi_bright_white;
        background: ansi_black;
    }
    """

    def __init__(self, address: str = "") -> None:
        super().__init__(markup=False)
        self.rows = 0
        self.show(address)

    def show(self, address: str) -> None:
        """Another address."""
        lines = qr_lines(address) if 0 < len(address) <= LONGEST else []
        self.rows = len(lines)
        self.update("\n".join(lines))
        self.display = bool(lines)


class Beside(Horizontal):
    """What a page says, and to its right where the portal is. The code goes where there is too little room for it."""

    DEFAULT_CSS = """
    Beside, Beside > Vertical {
        height: auto;
    }
    Beside > Vertical {
        width: 1fr;
    }
    Beside Input, Beside Input:focus {
        width: 38;
    }
    """

    def __init__(self, words: Words, left: Iterable[Widget]) -> None:
        super().__init__()
        self._words = words
        self._left = tuple(left)
        self._room = 0

    def compose(self) -> ComposeResult:
        with Vertical():
            yield from self._left
            yield Static(id="portal", classes="after", markup=False)
        yield AddressCode()

    def show(self, addresses: Sequence[str], room: int) -> None:
        """`room`: lines of the page."""
        if not (self.query("#portal") and self.query(AddressCode)):
            return  # on its way in or out
        code, address = self.query_one(AddressCode), surest(addresses)
        code.show(address)
        code.display = 0 < code.rows <= room
        told = self._words("portal.here", address=plain(address)) if address else ""
        self.query_one("#portal", Static).update(told)


class Portal(Horizontal):
    """Where people find the portal, with its code, and the first steps there. `username`: who takes them, if known."""

    DEFAULT_CSS = """
    Portal {
        height: auto;
    }
    Portal > Vertical {
        width: 1fr;
        height: auto;
        padding: 0 0 0 2;
    }
    Portal #address {
        text-style: bold;
        margin-bottom: 1;
    }
    """

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        yield AddressCode()
        with Vertical():
            yield Static(id="address", markup=False)
            yield Static(id="steps", markup=False)

    def show(self, addresses: Sequence[str], username: str = "") -> None:
        """Draw it for these addresses of the box."""
        words, address = self._words, plain(surest(addresses))
        self.query_one(AddressCode).show(address)
        told = words("setup.done.address", address=address) if address else words("setup.network.not_found")
        self.query_one("#address", Static).update(told)
        who = "who" if username else "anybody"
        text = (
            words(f"setup.done.{one}", address=address, username=plain(username))
            for one in ("open", "trust", who, "print")
        )
        self.query_one("#steps", Static).update("\n\n".join(text))
