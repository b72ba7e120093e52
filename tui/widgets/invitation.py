"""A new ticket, shown once: link, code, PIN and a QR code of the link, or what to tell on the phone. Nothing of it is
kept when it closes; P saves its paper where the user says."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

import segno
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import Invitation
from tui.widgets.choice import Choice
from tui.widgets.paper import CHOICES, Folder, meant, save
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
    """The whole window, so that the code is as large as it can be. Without a client there is no paper."""

    CSS_PATH = "invitation.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,enter", "close", ""), ("p,P", "print", "")]

    def __init__(self, words: Words, invitation: Invitation, client: ControlClient | None = None) -> None:
        super().__init__()
        self._words = words
        self._invitation = invitation
        self._client = client if invitation.member and not invitation.rejoin else None
        self._qr = [] if invitation.rejoin else qr_lines(invitation.link)

    def compose(self) -> ComposeResult:
        given = self._invitation
        with Horizontal():
            yield Static("\n".join(self._qr), id="qr", markup=False)
            with Vertical(id="facts"):
                for line in self._told() if given.rejoin else self._handed():
                    yield Static(line, markup=False)
                yield Static(self._words("invitation.no_room"), id="no-room", markup=False)
                yield Static("", id="paper", markup=False)
                yield Static(self._words("invitation.close"), id="close", markup=False)

    def on_mount(self) -> None:
        if self._client is not None:
            self._say(self._words("invitation.print"))

    def _handed(self) -> list[Text | str]:
        given = self._invitation
        return [
            Text(self._words("invitation.title", name=plain(given.name)), "bold"),
            self._fact("invitation.pin", given.pin),
            self._fact("invitation.code", given.code),
            self._fact("invitation.link", given.link),
            self._words("invitation.apart"),
            self._words("invitation.once"),
        ]

    def _told(self) -> list[Text | str]:
        given = self._invitation
        return [
            Text(self._words("invitation.rejoin_title", name=plain(given.name)), "bold"),
            self._words("invitation.phone"),
            self._fact("invitation.address", given.link.partition("#")[0]),
            self._fact("invitation.code", given.code),
            self._fact("invitation.pin", given.pin),
            self._words("invitation.rejoin_once"),
        ]

    def on_resize(self) -> None:
        room = bool(self._qr) and self.size.height >= len(self._qr) and self.size.width >= len(self._qr[0]) + 34
        self.query_one("#qr").display = room
        self.query_one("#no-room").display = bool(self._qr) and not room

    def action_close(self) -> None:
        self.dismiss(None)

    def action_print(self) -> None:
        if self._client is not None:
            question = Choice(self._words, self._words("paper.question"), "paper", CHOICES)
            self.app.push_screen(question, self._ask_folder)

    def _ask_folder(self, choice: str | None) -> None:
        if choice and choice != "none":
            self.app.push_screen(Folder(self._words), lambda folder: self._save(choice, folder or ""))

    def _save(self, choice: str, folder: str) -> None:
        if folder:
            self.run_worker(self._write(choice, folder), group="paper", exclusive=True)

    async def _write(self, choice: str, folder: str) -> None:
        kind, language = meant(choice)
        try:
            pdf = await self._client.paper(self._invitation, kind, language) if self._client else b""
            path = await asyncio.to_thread(save, folder, kind, pdf)
        except ControlFault as fault:
            self._say(self._words.fault(fault.code))
        except OSError:
            self._say(self._words("paper.not_written"))
        else:
            self._say(self._words("paper.saved", path=plain(str(path))))

    def _say(self, sentence: str) -> None:
        self.query_one("#paper", Static).update(sentence)

    def _fact(self, label: str, value: str) -> Text:
        return Text.assemble((self._words(label) + " ", ""), (value, "bold"))
