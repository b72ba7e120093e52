"""What time the box goes by, why that may be wrong, and two fields to say what time it is. Asks before it is set."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from appliance.control.types import Box, ClockTrouble
from tui import clock
from tui.screens.page import Page
from tui.widgets.banner import Notice
from tui.widgets.confirm import Confirm

WHY: Mapping[ClockTrouble, str] = {
    "": "clock.fine",
    "behind": "clock.behind",
    "ahead": "clock.ahead",
    "jumped": "clock.jumped",
    "unsure": "clock.unsure",
    "contradicted": "clock.contradicted",
}


class ClockPage(Page):
    """Posts `Given` with the moment that it is, or `Unread` for what is no date or no time."""

    CSS_PATH = "form.tcss"
    AUTO_FOCUS = "#date"
    aside = True
    typing = True
    title_id = "clock.title"
    extra_hints = (("enter", "hint.send"), ("tab", "hint.next_field"), ("escape", "hint.back"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "next_field", "", show=False, priority=True),  # as on the sign-in page
    ]

    class Given(Message):
        """Somebody said what time it is (`at`, RFC 3339) and said yes to it. `text`: as it was shown."""

        def __init__(self, at: str, text: str) -> None:
            super().__init__()
            self.at = at
            self.text = text

    class Told(Message):
        """Something to tell in the banner."""

        def __init__(self, notice: Notice) -> None:
            super().__init__()
            self.notice = notice

    def body(self) -> Iterable[Widget]:
        now = self._now()
        yield Static(id="why", classes="about", markup=False)
        yield Static(id="present", classes="about", markup=False)
        with Horizontal(classes="beside"):
            with Vertical():
                yield Label(self.words("clock.date"), markup=False)
                yield Input(clock.date_text(now), id="date", compact=True, max_length=20)
            with Vertical():
                yield Label(self.words("clock.time"), markup=False)
                yield Input(clock.time_text(now), id="time", compact=True, max_length=20)
        yield Static(self.words("clock.about"), classes="about after", markup=False)

    def draw(self) -> None:
        box = self.known.box
        trouble: ClockTrouble = box.clock if box else ""
        why = _server(box) if box and box.clock_synchronised else WHY[trouble]
        more = f" {self.words('clock.meanwhile')}" if trouble not in ("", "unsure") else ""
        self.query_one("#why", Static).update(self.words(why) + more)
        now = self._now()
        present = self.words("clock.present", moment=self._text(now), zone=clock.offset_text(now))
        self.query_one("#present", Static).update(present)

    def action_next_field(self) -> None:
        """The other field."""
        self.focus_next(Input)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        box, now = self.known.box, self._now()
        if box is not None and box.clock_synchronised:
            self.post_message(self.Told(Notice("note", self.words(_server(box)))))
            return
        date, typed = (self.query_one(query, Input).value for query in ("#date", "#time"))
        said = clock.read(date, typed, now)
        if said is None:
            self.post_message(self.Told(Notice("fault", self.words("clock.unread"))))
            return
        began = time.monotonic()
        question = self._question(said, now)
        self.app.push_screen(Confirm(self.words, question), lambda yes: self._answered(bool(yes), said, began))

    def _answered(self, yes: bool, said: datetime, began: float) -> None:
        """What was typed was so when it was typed; the question stood there for a while."""
        if yes:
            now = said + timedelta(seconds=time.monotonic() - began)
            self.post_message(self.Given(now.astimezone(UTC).isoformat(timespec="milliseconds"), self._text(now)))

    def _question(self, said: datetime, now: datetime) -> str:
        seconds = round((said - now).total_seconds())
        word = "same" if abs(seconds) < 60 else "forward" if seconds > 0 else "back"
        return self.words(f"confirm.set_clock.{word}", moment=self._text(said), span=self.words.span(abs(seconds)))

    def _now(self) -> datetime:
        return self.now().astimezone(self.words.zone)

    def _text(self, moment: datetime) -> str:
        """With its day and year, also when it is today."""
        return self.words.whole(moment.isoformat())


def _server(box: Box) -> str:
    """Who sets the clock, so that nobody here does."""
    return "clock.headquarters" if box.clock_source == "headquarters" else "clock.server"
