"""A new invitation, shown once: link, code, PIN and a QR code of the link. Nothing of it is kept when it closes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import segno
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from appliance.control.types import Invitation
from tui.words import Words, plain

QUIET = 4  # light modules around the code, as ISO/IEC 18004 asks; a code for 100 characters still fits 80x24
HALVES = {(False, False): "█", (False, True): "▀", (True, False): "▄", (True, True): " "}


def half_blocks(modules: Sequence[Sequence[bool]], quiet: int = QUIET) -> list[str]:
    """Rows of text, two rows of modules each. Light modules are drawn and dark ones left: for white on black."""
    width = len(modules[0]) + 2 * quiet
    empty = [[False] * width for _ in range(quiet)]
    full = [*empty, *([False] * quiet + list(row) + [False] * quiet for row in modules), *empty]
    if len(full) % 2:
        full.append([True] * width)
    return ["".join(HALVES[pair] for pair in zip(full[i], full[i + 1], strict=True)) for i in range(0, len(full), 2)]


def qr_lines(link: str) -> list[str]:
    """The QR code of a link."""
    code = segno.make(link, error="l", micro=False, boost_error=False)
    return half_blocks([[bool(module) for module in row] for row in code.matrix])


class InvitationPanel(ModalScreen[None]):
    """The whole window, so that the code is as large as it can be."""

    CSS_PATH = "invitation.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,enter", "close", "")]

    def __init__(self, words: Words, invitation: Invitation) -> None:
        super().__init__()
        self._words = words
        self._invitation = invitation
        self._qr = qr_lines(invitation.link)

    def compose(self) -> ComposeResult:
        given = self._invitation
        with Horizontal():
            yield Static("\n".join(self._qr), id="qr", markup=False)
            with Vertical(id="facts"):
                yield Static(self._words("invitation.title", name=plain(given.name)), id="title", markup=False)
                yield Static(self._fact("invitation.pin", given.pin), markup=False)
                yield Static(self._fact("invitation.code", given.code), markup=False)
                yield Static(self._fact("invitation.link", given.link), markup=False)
                yield Static(self._words("invitation.apart"), markup=False)
                yield Static(self._words("invitation.once"), markup=False)
                yield Static(self._words("invitation.no_room"), id="no-room", markup=False)
                yield Static(self._words("invitation.close"), id="close", markup=False)

    def on_resize(self) -> None:
        room = self.size.height >= len(self._qr) and self.size.width >= len(self._qr[0]) + 34
        self.query_one("#qr").display = room
        self.query_one("#no-room").display = not room

    def action_close(self) -> None:
        self.dismiss(None)

    def _fact(self, label: str, value: str) -> Text:
        return Text.assemble((self._words(label) + " ", ""), (value, "bold"))
