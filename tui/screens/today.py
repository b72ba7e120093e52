"""Today: what needs a person now, above the day's sessions. Enter shows the session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, get_args

from rich.cells import cell_len
from rich.text import Text
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from appliance.control.types import Phase, Session
from tui import model
from tui.commands import Target
from tui.model import Need
from tui.screens.page import Page
from tui.widgets.address import surest
from tui.widgets.roster import fit
from tui.words import Words, plain

CLOCK = 8  # cells of "12:30 PM"
PHASES = get_args(Phase)


def state_word(of: Session, words: Words) -> str:
    """How far a session is, and that its door is locked, in a word or two."""
    told = words(f"session.{model.phase(of)}")
    return words("session.and_locked", state=told) if of.state == "open" and of.locked else told


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
        yield Static(id="headings", markup=False)
        yield OptionList(id="sessions", markup=False, compact=True)
        yield Static(id="none", markup=False)

    @property
    def target(self) -> Target:
        """What the focused list points at: a session, or the session and person of a need."""
        needs, sessions = self.query_one("#needs", OptionList), self.query_one("#sessions", OptionList)
        option = (needs if self.focused is needs else sessions).highlighted_option
        words = (option.id or "").split(" ") if option else [""]
        return (words[1], words[2]) if self.focused is needs and option else (words[0], "")

    def draw(self) -> None:
        needs = model.needs(self.known)
        lines = {f"{need.kind} {need.session} {need.member}": Text("! " + self._need(need)) for need in needs}
        self._fill("#needs", lines, "#calm", self.words("today.calm"))
        self.query_one("#headings", Static).update(self._headings())
        sessions = {one.id: self._session(one) for one in self.known.sessions}
        first = next((one.id for one in self.known.sessions if one.state != "ended"), "")
        self._fill("#sessions", sessions, "#none", self._empty(), first=first)

    def on_resize(self) -> None:
        if self.is_mounted:
            self.draw()

    def on_option_list_option_highlighted(self) -> None:
        self.draw_hints()

    def on_descendant_focus(self) -> None:
        self.draw_hints()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        words = (event.option.id or "").split(" ")
        if event.option_list.id == "sessions":
            self.post_message(self.Shown(words[0]))
        elif words[1]:
            self.post_message(self.Shown(words[1], words[2]))

    def _fill(self, query: str, lines: dict[str, Text], empty_query: str, empty: str, *, first: str = "") -> None:
        """One list, keeping the highlight on what it was on, at first on `first`; or the sentence for an empty one."""
        options = self.query_one(query, OptionList)
        chosen = options.highlighted_option.id if options.highlighted_option else first
        options.set_options([Option(text, id=identifier) for identifier, text in lines.items()])
        identifiers = list(lines)
        options.highlighted = identifiers.index(chosen) if chosen in lines else (0 if lines else None)
        options.display = bool(lines)
        remark = self.query_one(empty_query, Static)
        remark.update(empty)
        remark.display = not lines

    def _empty(self) -> str:
        login, box = self.known.login, self.known.box
        told = self.words("today.none")
        if login is not None and login.role in ("administrator", "billing", "auditor"):
            told = self.words("today.none_for_role", role=self.words(f"role.{login.role}"))
        address = plain(surest(box.addresses)) if box is not None else ""
        return f"{told}\n\n{self.words('today.portal', address=address)}" if address else told

    def _need(self, need: Need) -> str:
        of, who = model.session(self.known, need.session), model.member(self.known, need.session, need.member)
        facts = {"title": plain(of.title) if of else "", "name": plain(who.name) if who else ""}
        copies = self.known.copies
        if copies is not None and need.kind in ("restored", "old_backup"):
            when = copies.restored_from if need.kind == "restored" else copies.last_at
            return self.words(f"need.{need.kind}", when=self.words.moment(when, self.now()))
        if need.kind.startswith("update_") and self.known.box is not None:
            return self.words(f"need.{need.kind}", version=plain(self.known.box.update_version))
        if need.kind in ("hq_silent", "name_ends", "certificate_ends", "authority_ends"):
            return self.words(f"need.{need.kind}", days=need.count)
        if need.kind in ("concern", "waiting", "hq_unreachable"):
            return self.words.count(f"need.{need.kind}", need.count, **facts)
        return self.words(f"need.{need.kind}", **facts)

    def _columns(self) -> tuple[int, int, list[str]]:
        """Widths of title and state, and the headings of the three numbers."""
        headings = [self.words(f"today.{part}") for part in ("waiting", "present", "absent")]
        told = [self.words(f"session.{phase}") for phase in PHASES]
        told += [self.words("session.and_locked", state=one) for one in told[1:-1]]
        state = max(cell_len(one) for one in told)
        numbers = sum(cell_len(heading) + 2 for heading in headings)
        return self.size.width - 6 - CLOCK - state - numbers, state, headings

    def _headings(self) -> Text:
        title, state, headings = self._columns()
        first = fit(self.words("today.sessions"), CLOCK + title + state + 4)
        return Text.assemble((first, "bold"), *(f"{heading}  " for heading in headings), no_wrap=True)

    def _session(self, of: Session) -> Text:
        title_width, state_width, headings = self._columns()
        counts = (len(model.waiting(of)), len(model.present(of)), len(model.absent(of)))
        numbers = ("-", "-", "-") if of.state == "ended" else counts  # nobody is in a room that is closed
        people = "".join(f"{number:>{len(heading)}}  " for number, heading in zip(numbers, headings, strict=True))
        clock, title = self.words.clock(of.starts_at), fit(plain(of.title), title_width)
        return Text(f"{clock:>{CLOCK}}  {title} {fit(state_word(of, self.words), state_width)} {people}", no_wrap=True)
