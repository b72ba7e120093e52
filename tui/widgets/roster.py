"""A session's people in three parts: waiting room, roster, not here. One list, so that arrow keys are enough.

The highlight follows the person, never the row: when the list changes under somebody's fingers, the next key still
means the person it meant before. If that person is gone, nobody is highlighted.
"""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from appliance.control.types import Member, Session
from tui.model import absent, present, waiting
from tui.words import Words, plain

Row = tuple[str, Text]  # member id, or "" for a heading or a remark


def rows(of: Session, words: Words, width: int) -> list[Row]:
    """Every line of the list, `width` cells wide."""
    made: list[Row] = []
    parts = (("waiting", waiting(of)), ("present", present(of)), ("absent", absent(of)))
    remarks = {"waiting": "roster.nobody_waits", "present": "roster.nobody_in"}
    for part, people in parts:
        if part == "absent" and not people:
            continue
        made.append(("", Text(words(f"roster.{part}", n=len(people)), "bold")))
        made += [(one.id, _line(one, of, words, width)) for one in people]
        if not people and of.state != "ended":
            made.append(("", Text("  " + words(remarks[part]))))
    return made


def facts(one: Member, of: Session, words: Words) -> str:
    """What matters about one person, by where they stand."""
    if one.facilitator:
        return words("roster.facilitator") + ", " + words(_connected(one))
    known = _of_standing(one, of, words)
    return f"{known}, {words('roster.other_device')}" if one.other_device and of.state != "ended" else known


def _of_standing(one: Member, of: Session, words: Words) -> str:
    if one.standing == "waiting" and of.state != "ended":
        parts = [words("roster.since", clock=words.clock(one.waiting_since))] if one.waiting_since else []
        parts.append(words("roster.vouched" if one.vouched else "roster.not_vouched"))
        return ", ".join(parts if one.connected else [*parts, words("roster.page_closed")])
    if one.standing == "admitted" and of.state != "ended":
        return ", ".join([*_in_the_room(one, of, words), words(_connected(one))])
    parts = [words(f"standing.{one.standing}")]
    return ", ".join(parts if one.ticket == "issued" else [*parts, words(f"ticket.{one.ticket}")])


def _in_the_room(one: Member, of: Session, words: Words) -> list[str]:
    """What is special about one who is in, the most pressing first."""
    found = [words(f"roster.{word}") for word, so in (("held", one.held), ("flagged", one.flagged)) if so]
    found += [words("roster.aside")] if one.aside else []
    found += [words("roster.hand", n=of.hands.index(one.id) + 1)] if one.id in of.hands else []
    return found


class Roster(OptionList):
    """Draw it with `show`; `chosen` is the highlighted member's id."""

    def __init__(self) -> None:
        super().__init__(id="roster", markup=False)
        self._rows: list[Row] = []

    @property
    def chosen(self) -> str:
        option = self.highlighted_option
        return option.id or "" if option is not None and not option.disabled else ""

    def show(self, of: Session, words: Words, width: int) -> None:
        made = rows(of, words, width)
        if made == self._rows:
            return
        chosen, first = self.chosen, not self._rows
        self._rows = made
        self.set_options([Option(text, id=member or None, disabled=not member) for member, text in made])
        if first:
            chosen = next((member for member, _ in made if member), "")
        self.choose(chosen)

    def choose(self, member: str) -> None:
        """Highlight a person; nobody if they are not listed."""
        index = next((index for index, row in enumerate(self._rows) if member and row[0] == member), None)
        self.highlighted = index
        if index is not None:
            self.scroll_to_highlight()


def _connected(one: Member) -> str:
    return "roster.connected" if one.connected else "roster.disconnected"


def _line(one: Member, of: Session, words: Words, width: int) -> Text:
    name_width, shown_width = max(14, width * 24 // 100), max(12, width * 20 // 100)
    shown = plain(one.display_name)
    shown = words("roster.shown_as", name=shown) if shown and shown != plain(one.name) else ""
    return Text(f"  {fit(plain(one.name), name_width)} {fit(shown, shown_width)} {facts(one, of, words)}", no_wrap=True)


def fit(text: str, width: int) -> str:
    """`text` in exactly `width` cells; what is cut off ends in dots."""
    if cell_len(text) > width > 2:
        text = set_cell_size(text, width - 2).rstrip() + ".."
    return set_cell_size(text, width)
