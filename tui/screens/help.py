"""Every command with its keys, made from the table of commands. What can't be done here is said to be so."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from tui.commands import COMMANDS, Command, Reach, Target, refusal
from tui.screens.page import Frame, Page
from tui.widgets.hints import key_name

GROUPS: tuple[Reach, ...] = ("member", "session", "inside", "everywhere")


class HelpPage(Page):
    """Shows the table for the page it was called from (`about`)."""

    CSS_PATH = "help.tcss"
    aside = True
    AUTO_FOCUS = "#help"
    title_id = "help.title"

    def __init__(self, frame: Frame, about: Target) -> None:
        super().__init__(frame)
        self._about = about

    def body(self) -> Iterable[Widget]:
        with VerticalScroll(id="help"):
            yield Static(id="table", markup=False)

    def draw(self) -> None:
        parts: list[Text | Table] = [Text(self.words("help.keys"))]
        for group in GROUPS:
            table = Table.grid(padding=(0, 1))
            table.add_column(width=5, justify="right")
            table.add_column(width=max(cell_len(self.words(f"command.{one.id}")) for one in COMMANDS))
            for command in COMMANDS:
                if command.reach == group:
                    table.add_row(*self._row(command))
            parts += [Text(), Text(self.words(f"help.group.{group}"), "bold"), table]
        self.query_one("#table", Static).update(Group(*parts))

    def _row(self, command: Command) -> tuple[Text, Text, Text]:
        keys = " ".join(key_name(key, self.words) for key in command.keys)
        about = self.words(f"help.{command.id}")
        if refusal(command, self.known, self._about) == "refusal.role":
            about = f"({self.words('palette.not_for_role')}) {about}"
        return Text(keys, "bold"), Text(self.words(f"command.{command.id}")), Text(about)
