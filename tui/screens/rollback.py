"""A store that is older than what was here before: put the newer one back, or go on without what is missing.

Whoever goes on gives a reason, which stays in the audit, and the passphrase. It is asked once more before it is done.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from tui.screens.page import Frame, Page

ACCEPTABLE = frozenset({"store_rolled_back", "wal_missing"})  # the box's refusals that a person may overrule
SHORTEST, LONGEST = 10, 500  # characters of a reason, as the box takes them


class RollbackPage(Page):
    """Posts `Given` with reason and passphrase, `TooShort` for a reason that says nothing."""

    CSS_PATH = "form.tcss"
    AUTO_FOCUS = "#reason"
    aside = True
    typing = True
    title_id = "rollback.title"
    extra_hints = (("enter", "hint.send"), ("tab", "hint.next_field"), ("f12", "command.see_machine"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next_field(1)", "", show=False, priority=True),
        Binding("shift+tab", "next_field(-1)", "", show=False, priority=True),
        Binding("enter", "leave_field", "", show=False, priority=True),
    ]

    class Given(Message):
        """What was typed. No readable repr."""

        def __init__(self, reason: str, passphrase: str) -> None:
            super().__init__()
            self.reason = reason
            self.passphrase = passphrase

        def __repr__(self) -> str:
            return "Given()"

    class TooShort(Message):
        """The reason is none to speak of."""

    def __init__(self, frame: Frame, code: str, about: str) -> None:
        super().__init__(frame)
        self._code, self._about = code, about

    def body(self) -> Iterable[Widget]:
        told = (self.words.fault(self._code, self._about), self.words("rollback.first"), self.words("rollback.means"))
        for sentence in told:
            yield Static(sentence, classes="about", markup=False)
        yield Label(self.words("rollback.reason", least=SHORTEST), markup=False)
        yield Input(id="reason", select_on_focus=False, compact=True, max_length=LONGEST)
        yield Label(self.words("unlock.passphrase"), markup=False)
        yield Input(password=True, id="passphrase", select_on_focus=False, compact=True, max_length=256)

    def draw(self) -> None:
        """The page is the same whatever is known."""

    def action_next_field(self, way: int) -> None:
        (self.focus_next if way > 0 else self.focus_previous)("Input")

    def action_leave_field(self) -> None:
        """From the reason to the passphrase before the next key is given to a field; there it is sent."""
        if self.focused is not self.query_one("#reason", Input):
            raise SkipAction
        self.action_next_field(1)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        passphrase, reason = event.value, " ".join(self.query_one("#reason", Input).value.split())
        event.input.clear()
        if len(reason) < SHORTEST:
            self.query_one("#reason", Input).focus()
            self.post_message(self.TooShort())
        elif passphrase:
            self.post_message(self.Given(reason, passphrase))
