"""The end of set-up: the recovery sheet and some of its words back, headquarters now or later, and what comes next."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from typing import Any, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from tui.model import Known
from tui.screens.enrol import EnrolPage
from tui.screens.page import Frame
from tui.screens.setup.page import Back, Given, SetupPage
from tui.setting_up import NUMBERS, STEPS, Walk
from tui.widgets.address import Portal
from tui.widgets.hints import Hints
from tui.widgets.invitation import qr_lines

ASKED = 3  # words of the sheet that come back
ENOUGH = 4  # letters of a word: no two words of the list begin alike


class RecoveryPage(SetupPage):
    """Twelve words and their code, to be written down."""

    where = "sheet"
    extra_hints = (("enter", "setup.hint.written"), ("escape", "setup.hint.back"))

    def body(self) -> Iterable[Widget]:
        sheet = self.walk.draft.sheet
        if sheet is None:
            yield from self.about("setup.sheet.ready")
            return
        with Horizontal():
            code = Static("\n".join(qr_lines(sheet.code)), markup=False, classes="address-code")
            code.styles.width, code.styles.height = "auto", "auto"
            code.styles.color, code.styles.background = "ansi_bright_white", "ansi_black"
            yield code
            with Vertical(id="facts"):
                yield Static(self.words("setup.sheet.text"), classes="about", markup=False)
                half = len(sheet.words) // 2
                lines = [f"{n:>2}. {word}" for n, word in enumerate(sheet.words, 1)]
                rows = zip(lines[:half], lines[half:], strict=False)
                yield Static(Text("\n".join(f"{left:<16}{right}" for left, right in rows), "bold"))
                yield Static(classes="gap")
                yield Static(self.words("setup.sheet.keep"), markup=False)

    def action_leave_field(self) -> None:
        self.give()


class SheetBackPage(SetupPage):
    """Three of the words, as they stand on the paper."""

    where = "sheet_back"
    fields = ("first", "second", "third")
    AUTO_FOCUS = "#first"

    def __init__(self, frame: Frame, walk: Walk) -> None:
        super().__init__(frame, walk)
        self._places = sorted(secrets.SystemRandom().sample(range(12), ASKED))

    def body(self) -> Iterable[Widget]:
        yield from self.about("setup.sheet_back.text")
        for name, place in zip(self.fields, self._places, strict=True):
            yield Label(self.words("setup.sheet_back.word", n=place + 1), markup=False)
            yield Input(id=name, select_on_focus=False, compact=True, max_length=20)

    def wrong(self, values: dict[str, str]) -> tuple[str, str]:
        words = self.walk.draft.sheet.words if self.walk.draft.sheet else ()
        for name, place in zip(self.fields, self._places, strict=True):
            typed = values[name].strip().casefold()
            if not words or len(typed) < min(ENOUGH, len(words[place])) or not words[place].startswith(typed):
                return "setup.sheet_back.wrong", name
        return "", ""


class HeadquartersPage(EnrolPage):
    """The page that an administrator has later too; here it can be left for later."""

    CSS_PATH: ClassVar[Any] = ["../form.tcss", "setup.tcss"]
    aside = False
    extra_hints = (
        ("enter", "setup.hint.ask"),
        ("tab", "hint.next_field"),
        ("ctrl+l", "setup.hint.later"),
        ("escape", "setup.hint.back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+l", "screen.go_on", "", show=False, priority=True),
        Binding("escape", "screen.back", "", show=False),
    ]

    def __init__(self, frame: Frame, walk: Walk) -> None:
        super().__init__(frame)
        self.walk = walk
        self.where = "headquarters"

    def body(self) -> Iterable[Widget]:
        yield Static(self.words("setup.headquarters.text"), classes="about", markup=False)
        yield from super().body()

    def headline(self, known: Known) -> str:
        title = self.words("setup.headquarters.title")
        return self.words("setup.head", n=NUMBERS["headquarters"], all=STEPS, title=title)

    def draw_hints(self) -> None:
        self.query_one(Hints).draw(self.extra_hints, (), typing=True)

    def told(self) -> None:
        """Nothing of the walk is shown here."""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        if any(self.query_one(query, Input).value.strip() for query in ("#address", "#code")):
            super().on_input_submitted(event)
        else:
            event.stop()
            self.action_go_on()

    def action_go_on(self) -> None:
        self.post_message(Given("headquarters", {}))

    def action_back(self) -> None:
        self.post_message(Back())


class DonePage(SetupPage):
    """Where people find the portal, and what to do first."""

    where = "done"
    extra_hints = (("enter", "setup.hint.finish"), ("escape", "setup.hint.back"))

    def body(self) -> Iterable[Widget]:
        yield Portal(self.words)

    def draw(self) -> None:
        addresses = self.known.box.addresses if self.known.box else ()
        self.query_one(Portal).show(addresses, self.walk.draft.people["clinical_lead"].username)

    def action_leave_field(self) -> None:
        self.give()
