"""What a helper on the telephone asks: numbered lines without a name. Enter shows the code of the same, large.

The box makes the lines, so that `hearth doctor` says the same words; this page only asks for them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from appliance.control.types import Doctor
from tui.machine import DoctorTold
from tui.screens.page import Page
from tui.widgets.invitation import qr_lines

GROUP = 4  # characters of the code that are read out together
COLUMN = 5  # groups on a line, beside the QR code


def grouped(code: str) -> list[str]:
    """The code as it is read out and typed, in lines."""
    groups = [code[at : at + GROUP] for at in range(0, len(code), GROUP)]
    return [" ".join(groups[at : at + COLUMN]) for at in range(0, len(groups), COLUMN)]


class MachinePage(Page):
    """Posts `Asked` once; is told `DoctorTold` by the worker."""

    CSS_PATH = "machine.tcss"
    aside = True
    title_id = "machine.title"
    extra_hints = (("enter", "machine.code_key"), ("escape", "hint.back"))
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "turn", "", show=False)]

    class Asked(Message):
        """Somebody wants to know how the machine is; the answer goes to `page`."""

        def __init__(self, page: MachinePage) -> None:
            super().__init__()
            self.page = page

    _doctor: Doctor | None = None
    _asked = False
    _large = False

    def body(self) -> Iterable[Widget]:
        yield Static(id="lines", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.post_message(self.Asked(self))

    def on_doctor_told(self, message: DoctorTold) -> None:
        message.stop()
        self._doctor, self._asked = message.doctor, True
        self.draw()

    def action_turn(self) -> None:
        """From the lines to the code and back."""
        self._large = not self._large
        self.draw()

    def draw(self) -> None:
        found = self._doctor
        text: Text | Table
        if found is None:
            text = Text(self.words("machine.unknown" if self._asked else "machine.asking"))
        elif self._large:
            text = self._code(found)
        else:
            text = self._text(found)
        self.query_one("#lines", Static).update(text)

    def _code(self, found: Doctor) -> Table:
        """The QR code, and beside it what it holds."""
        table = Table.grid(padding=(0, 2))
        beside = [self.words("machine.code"), "", *grouped(found.code)]
        table.add_row(Text("\n".join(qr_lines(found.code)), no_wrap=True), Text("\n".join(beside)))
        return table

    def _text(self, found: Doctor) -> Text:
        text = Text(no_wrap=True)
        for number, line in enumerate(found.lines, 1):
            text.append(line + "\n", "bold" if number in found.bad else "")
        first, second = found.words
        text.append("\n" + self.words("machine.words", first=first, second=second) + "\n")
        text.append(self.words("machine.about"))
        return text
