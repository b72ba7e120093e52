"""The command palette: type a part of a command's name, Enter does it.

Our own, since Textual's draws glyphs that a bare VT lacks and speaks English only.
"""

from __future__ import annotations

import unicodedata
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from tui.commands import COMMANDS, Command, Target, refusal
from tui.model import Known
from tui.widgets.hints import key_name
from tui.widgets.roster import fit
from tui.words import Words

NAME = 24  # columns of a command's name; with its key and a remark it fits the window


def folded(text: str) -> str:
    """Without case and accents: "Órdenes" is found by "ord"."""
    return "".join(char for char in unicodedata.normalize("NFD", text) if not unicodedata.combining(char)).casefold()


def found(wish: str, words: Words) -> list[Command]:
    """The commands whose name holds `wish`, then those whose explanation does, from three letters on."""
    wish = folded(wish.strip())
    by_name = [one for one in COMMANDS if wish in folded(words(f"command.{one.id}"))]
    if len(wish) < 3:
        return by_name
    return by_name + [one for one in COMMANDS if one not in by_name and wish in folded(words(f"help.{one.id}"))]


class Palette(ModalScreen[str]):
    """Its result is a command's id, or "". What is not possible here is listed too, and says so when chosen."""

    CSS_PATH = "palette.tcss"
    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,ctrl+p", "leave", ""),
        ("down", "move('down')", ""),
        ("up", "move('up')", ""),
    ]

    def __init__(self, words: Words, known: Known, target: Target) -> None:
        super().__init__()
        self._words = words
        self._known = known
        self._target = target

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield Static(Text(self._words("palette.title"), "bold"))
            yield Input(placeholder=self._words("palette.search"), compact=True, max_length=40, select_on_focus=False)
            yield OptionList(id="found", markup=False, compact=True)
            yield Static(self._words("palette.none"), id="nothing", markup=False)

    def on_mount(self) -> None:
        self._list("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._list(event.value)

    def on_input_submitted(self) -> None:
        option = self.query_one("#found", OptionList).highlighted_option
        if option is not None:
            self.dismiss(option.id or "")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(event.option.id or "")

    def action_leave(self) -> None:
        self.dismiss("")

    def action_move(self, way: str) -> None:
        options = self.query_one("#found", OptionList)
        options.action_cursor_down() if way == "down" else options.action_cursor_up()

    def _list(self, wish: str) -> None:
        commands, options = found(wish, self._words), self.query_one("#found", OptionList)
        commands.sort(key=lambda one: bool(self._refusal(one)))  # stable: what is possible here comes first
        options.set_options([Option(self._line(command), id=command.id) for command in commands])
        options.highlighted = 0 if commands else None
        options.display = bool(commands)
        self.query_one("#nothing").display = not commands

    def _line(self, command: Command) -> Text:
        why = self._refusal(command)
        remark = "" if not why else self._words("palette.not_for_role" if why == "refusal.role" else "palette.not_here")
        label = fit(self._words(f"command.{command.id}"), NAME)
        return Text(
            f"{label} {key_name(command.keys[0], self._words) if command.keys else '':<4} {remark}", no_wrap=True
        )

    def _refusal(self, command: Command) -> str:
        return refusal(command, self._known, self._target)
