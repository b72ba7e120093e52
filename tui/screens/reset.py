"""Delete everything: an administrator types the clinic's name; whoever sits at a box that nobody can open types a word,
twice. What is lost, and what is not, stands above the field. The pause is the box's to hold; here it is counted down.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from tui.machine import Deleting, Waiting
from tui.screens.page import Frame, Page
from tui.words import plain


class ResetPage(Page):
    """Posts `Given` with what was typed. `locked`: of a box that nobody can open."""

    CSS_PATH = "form.tcss"
    AUTO_FOCUS = "#typed"
    aside = True
    typing = True
    title_id = "reset.title"
    extra_hints = (("enter", "hint.send"), ("escape", "hint.back"))

    class Given(Message):
        """What was typed; the answer goes to `page`."""

        def __init__(self, page: ResetPage, typed: str, *, locked: bool) -> None:
            super().__init__()
            self.page = page
            self.typed = typed
            self.locked = locked

    def __init__(self, frame: Frame, *, locked: bool) -> None:
        super().__init__(frame)
        self._locked = locked
        self._waiting = 0
        self._asked = self._going = False

    def body(self) -> Iterable[Widget]:
        yield Static(id="about", classes="about", markup=False)
        yield Label(id="label", markup=False)
        yield Input(id="typed", compact=True, max_length=200)
        yield Static(id="state", classes="after", markup=False)

    def draw(self) -> None:
        clinic = plain(self.known.box.clinic) if self.known.box else ""
        about = "reset.about_locked" if self._locked else "reset.about_open"
        label = "reset.label_locked" if self._locked else "reset.label_open"
        self.query_one("#about", Static).update(self.words(about))
        self.query_one("#label", Label).update(self.words(label, clinic=clinic))
        quiet = "reset.again" if self._asked else "reset.nothing_yet"
        state = "reset.going" if self._going else "reset.pause" if self._waiting else quiet
        self.query_one("#state", Static).update(self.words(state, seconds=self._waiting))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip() and not self._going:
            self.post_message(self.Given(self, event.value, locked=self._locked))

    def on_waiting(self, message: Waiting) -> None:
        """The word was right; it is asked for once more when the pause is over, which is counted down here."""
        message.stop()
        self._waiting, self._asked = message.seconds, True
        self.query_one("#typed", Input).clear()
        self.draw()
        self.set_timer(1.0, self._count)

    def _count(self) -> None:
        self._waiting = max(0, self._waiting - 1)
        self.draw()
        if self._waiting:
            self.set_timer(1.0, self._count)

    def on_deleting(self, message: Deleting) -> None:
        message.stop()
        self._going = True
        self.query_one("#typed", Input).disabled = True
        self.draw()
