"""A recovery sheet, shown once: twelve numbered words and a QR code of them. Nothing of it is kept when it closes."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from appliance.control.types import Sheet
from tui.widgets.invitation import qr_lines
from tui.words import Words


class SheetPanel(ModalScreen[None]):
    """The whole window. Enter or Escape closes it; the words are asked for next."""

    CSS_PATH = "key_form.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,enter", "close", "")]

    def __init__(self, words: Words, sheet: Sheet) -> None:
        super().__init__()
        self._words = words
        self._sheet = sheet
        self._qr = qr_lines(sheet.code)

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static("\n".join(self._qr), id="qr", markup=False)
            with Vertical(id="facts"):
                yield Static(self._words("sheet.title"), id="title", markup=False)
                yield Static(self._list(), markup=False)
                yield Static(self._words("sheet.no_room"), id="no-room", markup=False)
                yield Static(self._words("sheet.text"), classes="about", markup=False)
                yield Static(self._words("sheet.keys"), id="keys", markup=False)

    def _list(self) -> Text:
        lines = (f"{place:>2}. {word}" for place, word in enumerate(self._sheet.words, 1))
        return Text("\n".join(lines), "bold")

    def on_resize(self) -> None:
        room = self.size.height >= len(self._qr) and self.size.width >= len(self._qr[0]) + 30
        self.query_one("#qr").display = room
        self.query_one("#no-room").display = not room

    def action_close(self) -> None:
        self.dismiss(None)
