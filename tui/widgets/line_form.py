"""A window for one line of text. Its result is that line, "" where nothing is to be sent."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from tui.words import Words


class LineForm(ModalScreen[str]):
    """`question` stands above the field, `about` below it."""

    CSS_PATH = "line_form.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "close", "")]

    def __init__(self, words: Words, question: str, about: str, longest: int) -> None:
        super().__init__()
        self._words = words
        self._question = question
        self._about = about
        self._longest = longest

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(self._question, id="question", markup=False)
            yield Input(id="text", max_length=self._longest, compact=True)
            yield Static(self._about, markup=False)
            yield Static(self._words("line_form.keys"), id="keys", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.dismiss(event.value.strip())

    def action_close(self) -> None:
        self.dismiss("")
