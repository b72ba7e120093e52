"""The box's headquarters: how things stand, and two fields to make the box known there by the code that they gave."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from appliance.control.types import Enrolment
from tui.enrolling import Seen, Wish
from tui.screens.page import Page
from tui.widgets.banner import Notice
from tui.widgets.confirm import Confirm
from tui.words import plain

LOOK_SECONDS = 1.0  # between two looks while the box waits for an answer
CLOCK_SECONDS = timedelta(hours=1).total_seconds()  # a difference to headquarters' clock that is told


class EnrolPage(Page):
    """Posts `Asked`; is told `Seen` by the worker that did it."""

    CSS_PATH = "form.tcss"
    AUTO_FOCUS = "#code"
    aside = True
    typing = True
    title_id = "enrol.title"
    extra_hints: ClassVar[tuple[tuple[str, str], ...]] = (
        ("enter", "hint.send"),
        ("tab", "hint.next_field"),
        ("ctrl+t", "enrol.hint.write"),
        ("ctrl+r", "enrol.hint.read"),
        ("ctrl+k", "enrol.hint.stop"),
        ("escape", "hint.back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "next_field", "", show=False, priority=True),
        Binding("ctrl+k", "screen.cancel", "", show=False, priority=True),
        Binding("ctrl+t", "screen.write", "", show=False, priority=True),
        Binding("ctrl+r", "screen.read", "", show=False, priority=True),
    ]

    class Asked(Message):
        """Something to do; the answer goes to `page`."""

        def __init__(self, page: EnrolPage, wish: Wish) -> None:
            super().__init__()
            self.page = page
            self.wish = wish

    class Told(Message):
        """Something to tell in the banner."""

        def __init__(self, notice: Notice) -> None:
            super().__init__()
            self.notice = notice

    _seen: Enrolment | None = None
    _sent = False  # whether what is asked was sent from this page
    _looking: Timer | None = None

    def body(self) -> Iterable[Widget]:
        yield Static(id="standing", classes="about", markup=False)
        with Horizontal(classes="beside"):
            with Vertical():
                yield Label(self.words("enrol.address"), markup=False)
                yield Input(id="address", compact=True, max_length=200)
            with Vertical():
                yield Label(self.words("enrol.code"), markup=False)
                yield Input(id="code", compact=True, max_length=60)
        yield Static(self.words("enrol.about"), id="remark", classes="about", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self._ask(Wish("see"))

    def draw(self) -> None:
        """What is known of the rest of the box changes nothing here, but it may be why to look again."""
        self.query_one("#standing", Static).update(self._standing())

    def on_seen(self, message: Seen) -> None:
        message.stop()
        before, self._seen = self._seen, message.enrolment
        address = self.query_one("#address", Input)
        if before is None and not address.value:
            address.value = self._seen.address
            (self.query_one("#code", Input) if address.value else address).focus()
        if message.stick == "write":
            self.post_message(self.Told(Notice("note", self.words("done.enrol.write"))))
        self._sent = self._sent or message.stick == "read"
        if self._sent and self._seen.state != "asking":
            self._sent = False
            if self._seen.state == "enrolled" and not self._seen.fault:
                self.query_one("#code", Input).value = ""
                self.post_message(self.Told(Notice("note", self.words("done.enrol"))))
        self._look_while(asking=self._seen.state == "asking")
        self.draw()

    # ── what a person asks

    def action_next_field(self) -> None:
        """The other field."""
        self.focus_next(Input)

    def action_cancel(self) -> None:
        """Stop asking, where something is asked."""
        if self._seen is not None and self._seen.state == "asking":
            self._sent = False
            self._ask(Wish("cancel"))

    def action_write(self) -> None:
        """The request by this code onto the stick that is plugged in."""
        if code := self._typed("code"):
            self._sure(self.words("confirm.enrol.write"), Wish("write", code=code))

    def action_read(self) -> None:
        """HQ's answer from the stick."""
        self._ask(Wish("read"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if (address := self._typed("address")) and (code := self._typed("code")):
            self._sure(self.words("confirm.enrol", address=plain(address)), Wish("enrol", address, code))

    def _typed(self, field: str) -> str:
        """What stands there; where nothing does, that is where to type next."""
        entry = self.query_one(f"#{field}", Input)
        if not entry.value.strip():
            entry.focus()
        return entry.value.strip()

    def _sure(self, question: str, wish: Wish) -> None:
        """Ask before a box that is known already is made known anew."""
        if self._seen is not None and self._seen.state == "enrolled":
            self.app.push_screen(Confirm(self.words, question), lambda yes: self._send(wish) if yes else None)
        else:
            self._send(wish)

    def _send(self, wish: Wish) -> None:
        self._sent = wish.word == "enrol"
        self._ask(wish)

    def _ask(self, wish: Wish) -> None:
        self.post_message(self.Asked(self, wish))

    def _look_while(self, *, asking: bool) -> None:
        if asking and self._looking is None:
            self._looking = self.set_interval(LOOK_SECONDS, lambda: self._ask(Wish("see")))
        elif not asking and self._looking is not None:
            self._looking.stop()
            self._looking = None

    # ── words

    def _standing(self) -> Text:
        seen, words = self._seen, self.words
        if seen is None:
            return Text(words("enrol.looking"))
        told = {"not_enrolled": self._none, "asking": self._asking, "enrolled": self._known_there}[seen.state](seen)
        return Text("\n").join(told)

    def _none(self, seen: Enrolment) -> list[Text]:
        return [Text(self.words("enrol.none")), *self._fault(seen, "enrol.refused")]

    def _asking(self, seen: Enrolment) -> list[Text]:
        words = self.words
        asked = words("enrol.asking", address=plain(seen.address)) if seen.address else words("enrol.by_hand")
        return [Text(asked, "bold"), *self._fault(seen, "enrol.not_yet"), Text(words("enrol.leave"))]

    def _known_there(self, seen: Enrolment) -> list[Text]:
        words = self.words
        word = "enrol.known_as" if seen.name else "enrol.known"
        told = [Text(words(word, address=plain(seen.address), name=plain(seen.name)))]
        told.append(Text(words("enrol.key", code=seen.hq_code)))
        if seen.certificate_ends:
            told.append(Text(words("enrol.certificate", when=words.whole(seen.certificate_ends))))
        else:
            told.append(Text(words("enrol.no_certificate")))
        if abs(seen.clock_off) >= CLOCK_SECONDS:
            told.append(Text(words("enrol.clock", span=words.span(abs(seen.clock_off))), "bold"))
        return [*told, *self._fault(seen, "enrol.refused")]

    def _fault(self, seen: Enrolment, word: str) -> list[Text]:
        return [Text(self.words(word, why=self.words.sync_fault(seen.fault)), "bold")] if seen.fault else []
