"""Every command with its keys, made from the table of commands. What can't be done here is said to be so."""

from __future__ import annotations

from collections.abc import Iterable

from rich.text import Text
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from tui.commands import COMMANDS, Reach, Target, refusal
from tui.screens.page import Frame, Page
from tui.widgets.hints import key_name
from tui.widgets.roster import fit

GROUPS: tuple[Reach, ...] = ("member", "session", "inside", "everywhere")


class HelpPage(Page):
    """Shows the table for the page it was called from (`about`)."""

    CSS_PATH = "help.tcss"
    AUTO_FOCUS = "#help"
    title_id = "help.title"

    def __init__(self, frame: Frame, about: Target) -> None:
        super().__init__(frame)
        self._about = about

    def body(self) -> Iterable[Widget]:
        with VerticalScroll(id="help"):
            yield Static(id="table", markup=False)

    def draw(self) -> None:
        lines = [Text(self.words("help.keys"))]
        for group in GROUPS:
            lines += [Text(), Text(self.words(f"help.group.{group}"), "bold")]
            lines += [self._line(command.id, command.keys) for command in COMMANDS if command.reach == group]
        self.query_one("#table", Static).update(Text("\n").join(lines))

    def _line(self, identifier: str, keys: tuple[str, ...]) -> Text:
        shown = " ".join(key_name(key) for key in keys)
        command = next(one for one in COMMANDS if one.id == identifier)
        no = refusal(command, self.known, self._about) == "refusal.role"
        label = fit(self.words(f"command.{identifier}"), 17)
        about = self.words(f"help.{identifier}")
        return Text.assemble(
            (f"  {shown:<6}", "bold"), label, about, f" ({self.words('palette.not_for_role')})" if no else ""
        )
