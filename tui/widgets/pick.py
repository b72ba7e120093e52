"""A window with a list; arrows and Enter. The result is the id of what was taken, "" for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.words import Words


class Pick(ModalScreen[str]):
    """`options`: id and line of each; the first one is highlighted."""

    CSS_PATH = "pick.tcss"
    AUTO_FOCUS = "OptionList"
    BINDINGS: ClassVar[list[BindingType]] = [("escape", "close", "")]

    def __init__(self, words: Words, question: str, options: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._words = words
        self._question = question
        self._options = options

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(self._question, id="question", markup=False)
            yield OptionList(*(Option(line, id=one) for one, line in self._options), markup=False)
            yield Static(self._words("pick.keys"), id="keys", markup=False)

    def on_mount(self) -> None:
        self.query_one(OptionList).highlighted = 0

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option.id or "")

    def action_close(self) -> None:
        self.dismiss("")
