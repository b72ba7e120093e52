"""One session: what was raised, how far it is, its waiting room, its roster, who is missing, who a person is.

Commands mean the highlighted person.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from tui import model
from tui.commands import Target
from tui.screens.page import Frame, Page
from tui.widgets.identity import identity, summary
from tui.widgets.roster import Roster


class SessionPage(Page):
    """`go_to` highlights a person. The space bar shows the check phrase of who is, until the highlight moves."""

    CSS_PATH = "session.tcss"
    AUTO_FOCUS = "#roster"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("space", "phrase", "", show=False)]
    title_id = "session.title"
    extra_hints: ClassVar[tuple[tuple[str, str], ...]] = (("escape", "hint.back"), ("arrows", "hint.choose"))

    def __init__(self, frame: Frame, session: str, member: str = "") -> None:
        super().__init__(frame)
        self.session = session
        self._first = member
        self._phrase_of = ""  # whose check phrase stands there

    def body(self) -> Iterable[Widget]:
        yield Static(id="facts", markup=False)
        yield Roster()
        yield Static(id="identity", markup=False)

    @property
    def target(self) -> Target:
        return (self.session, self.query_one(Roster).chosen)

    def draw(self) -> None:
        of, roster = model.session(self.known, self.session), self.query_one(Roster)
        roster.display = of is not None
        if of is None:
            self.query_one("#facts", Static).update(self.words("session.gone"))
            self.query_one("#identity", Static).display = False
            return
        self.query_one("#facts", Static).update(summary(of, self.words))
        roster.show(of, self.words, self.size.width - 4)
        if self._first:
            self.go_to(self._first)
            self._first = ""
        self._draw_identity()

    def go_to(self, member: str) -> None:
        """Highlight this person."""
        self.query_one(Roster).choose(member)

    def action_phrase(self) -> None:
        chosen = self.target[1]
        self._phrase_of = "" if self._phrase_of == chosen else chosen
        self._draw_identity()

    def on_resize(self) -> None:
        if self.is_mounted:
            self.draw()

    def on_option_list_option_highlighted(self) -> None:
        self._draw_identity()
        self.draw_hints()

    def _draw_identity(self) -> None:
        of, chosen = model.session(self.known, self.session), self.target[1]
        if self._phrase_of != chosen:
            self._phrase_of = ""
        who = model.member(self.known, *self.target)
        lines = identity(of, who, self.words, open_phrase=self._phrase_of != "") if of is not None else ""
        block = self.query_one("#identity", Static)
        block.display = bool(lines)
        block.update(lines)
