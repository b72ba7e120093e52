"""One question before what can't be undone. No is the default; the answer is the screen's result."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static

from tui.words import Words


class Confirm(ModalScreen[bool]):
    """Y (S in Spanish) is yes; N, Escape and Enter are no."""

    CSS_PATH = "confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,n,N,enter", "answer(False)", "")]

    def __init__(self, words: Words, question: str) -> None:
        super().__init__()
        self._words = words
        self._question = question

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(self._question, id="question", markup=False)
            yield Static(self._words("confirm.keys"), id="keys", markup=False)

    def on_key(self, event: Key) -> None:
        if event.character and event.character.lower() == self._words("confirm.yes_keys"):
            event.stop()
            self.dismiss(True)

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)
