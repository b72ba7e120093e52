"""One session: its waiting room, its roster, who is missing. Commands mean the highlighted person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static

from tui import model
from tui.commands import Target
from tui.screens.page import Frame, Page
from tui.screens.today import state_word
from tui.widgets.roster import Roster
from tui.words import plain


class SessionPage(Page):
    """`go_to` highlights a person."""

    CSS_PATH = "session.tcss"
    AUTO_FOCUS = "#roster"
    title_id = "session.title"
    extra_hints: ClassVar[tuple[tuple[str, str], ...]] = (("escape", "hint.back"), ("arrows", "hint.choose"))

    def __init__(self, frame: Frame, session: str, member: str = "") -> None:
        super().__init__(frame)
        self.session = session
        self._first = member

    def body(self) -> Iterable[Widget]:
        yield Static(id="facts", markup=False)
        yield Roster()

    @property
    def target(self) -> Target:
        return (self.session, self.query_one(Roster).chosen)

    def draw(self) -> None:
        of, roster = model.session(self.known, self.session), self.query_one(Roster)
        roster.display = of is not None
        if of is None:
            self.query_one("#facts", Static).update(self.words("session.gone"))
            return
        here = "session.facilitator_here" if of.facilitator_connected else "session.facilitator_away"
        self.query_one("#facts", Static).update(
            Text.assemble(
                (plain(of.title), "bold"),
                f"   {self.words.clock(of.starts_at)}   {state_word(of, self.words)}   ",
                self.words(here, name=plain(of.facilitator)) if of.state != "ended" else "",
                (f"\n! {self.words('session.full')}", "bold reverse") if of.full else "",
            )
        )
        roster.show(of, self.words, self.size.width - 4)
        if self._first:
            self.go_to(self._first)
            self._first = ""

    def go_to(self, member: str) -> None:
        """Highlight this person."""
        self.query_one(Roster).choose(member)

    def on_resize(self) -> None:
        if self.is_mounted:
            self.draw()

    def on_option_list_option_highlighted(self) -> None:
        self.draw_hints()
