"""Today: what needs a person now, above the day's sessions. Enter shows the session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from appliance.control.types import Session
from tui import model
from tui.commands import Target
from tui.model import Need
from tui.screens.page import Page
from tui.widgets.roster import fit
from tui.words import Words, plain


def state_word(of: Session, words: Words) -> str:
    """A session's state and its door in words."""
    return words("session.locked" if of.state == "open" and of.locked else f"session.{of.state}")


class TodayPage(Page):
    """Posts `Shown` when somebody chooses a session, or a need that belongs to one."""

    CSS_PATH = "today.tcss"
    AUTO_FOCUS = "#sessions"
    title_id = "today.title"
    extra_hints: ClassVar[tuple[tuple[str, str], ...]] = (("enter", "hint.show"),)

    class Shown(Message):
        """Go to a session, and to a member of it if there is one."""

        def __init__(self, session: str, member: str = "") -> None:
            super().__init__()
            self.session = session
            self.member = member

    def body(self) -> Iterable[Widget]:
        yield Static(Text(self.words("today.now"), "bold"))
        yield OptionList(id="needs", markup=False, compact=True)
        yield Static(id="calm", markup=False)
        yield Static(Text(self.words("today.sessions"), "bold"), id="sessions-title")
        yield OptionList(id="sessions", markup=False, compact=True)
        yield Static(id="none", markup=False)

    @property
    def target(self) -> Target:
        option = self.query_one("#sessions", OptionList).highlighted_option
        return (option.id or "" if option else "", "")

    def draw(self) -> None:
        needs = model.needs(self.known)
        lines = {f"{need.kind} {need.session} {need.member}": Text("! " + self._need(need)) for need in needs}
        self._fill("#needs", lines, "#calm", self.words("today.calm"))
        sessions = {one.id: self._session(one) for one in self.known.sessions}
        self._fill("#sessions", sessions, "#none", self._empty())

    def on_resize(self) -> None:
        if self.is_mounted:
            self.draw()

    def on_option_list_option_highlighted(self) -> None:
        self.draw_hints()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        words = (event.option.id or "").split(" ")
        if event.option_list.id == "sessions":
            self.post_message(self.Shown(words[0]))
        elif words[1]:
            self.post_message(self.Shown(words[1], words[2]))

    def _fill(self, query: str, lines: dict[str, Text], empty_query: str, empty: str) -> None:
        """One list, keeping the highlight on what it was on; or the sentence for an empty one."""
        options = self.query_one(query, OptionList)
        chosen = options.highlighted_option.id if options.highlighted_option else None
        options.set_options([Option(text, id=identifier) for identifier, text in lines.items()])
        identifiers = list(lines)
        options.highlighted = identifiers.index(chosen) if chosen in lines else (0 if lines else None)
        options.display = bool(lines)
        remark = self.query_one(empty_query, Static)
        remark.update(empty)
        remark.display = not lines

    def _empty(self) -> str:
        login = self.known.login
        if login is not None and login.role in ("administrator", "billing", "auditor"):
            return self.words("today.none_for_role", role=self.words(f"role.{login.role}"))
        return self.words("today.none")

    def _need(self, need: Need) -> str:
        of, who = model.session(self.known, need.session), model.member(self.known, need.session, need.member)
        facts = {"title": plain(of.title) if of else "", "name": plain(who.name) if who else ""}
        if need.kind in ("waiting", "hq_unreachable"):
            return self.words.count(f"need.{need.kind}", need.count, **facts)
        return self.words(f"need.{need.kind}", **facts)

    def _session(self, of: Session) -> Text:
        wide = self.size.width - 4
        title_width, state_width = wide * 26 // 100, wide * 31 // 100
        present = len(model.present(of))
        people = self.words("today.row", waiting=len(model.waiting(of)), present=present, absent=len(model.absent(of)))
        if of.state == "ended":
            people = self.words("today.ended_row", present=present)
        clock, title = self.words.clock(of.starts_at), fit(plain(of.title), title_width)
        return Text(f"{clock:>8}  {title} {fit(state_word(of, self.words), state_width)} {people}", no_wrap=True)
