"""What comes after the password: a code, a new password, or a first sheet of codes. Escape goes back to the sign-in.

Each posts `Given` with its step and what was typed; secrets are wiped from their fields in the same moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from appliance.control.types import WayIn
from tui import model
from tui.screens.page import Frame, Page
from tui.words import plain

MAX_CODE = 40
MAX_PASSWORD = 256


class StepPage(Page):
    """One step. `step` is the word that `work.take_step` knows it by."""

    CSS_PATH = "form.tcss"
    typing = True
    step: ClassVar[str]
    extra_hints = (("enter", "hint.send"), ("escape", "hint.back"), ("ctrl+q", "command.quit"))

    class Given(Message):
        """Somebody typed what the step asks for."""

        def __init__(self, step: str, values: tuple[str, ...]) -> None:
            super().__init__()
            self.step = step
            self.values = values

    def draw(self) -> None:
        """The page is the same whatever is known."""

    def give(self, *fields: Input) -> None:
        """Hand over what the fields hold, and wipe them."""
        values = tuple(field.value for field in fields)
        for field in fields:
            field.clear()
        self.post_message(self.Given(self.step, values))


class CodePage(StepPage):
    """The second step: a code of the person's app or from their printed sheet."""

    AUTO_FOCUS = "#code"
    step = "code"
    title_id = "second.title"

    def __init__(self, frame: Frame, way: WayIn) -> None:
        super().__init__(frame)
        self._way = way

    def body(self) -> Iterable[Widget]:
        yield Static(self.words("second.text"), classes="about", markup=False)
        yield Static(id="clock", classes="about", markup=False)
        if not (self._way.authenticator or self._way.codes):
            yield Static(id="nothing", markup=False)
            return
        yield Label(self.words(self._asked()), markup=False)
        yield Input(id="code", select_on_focus=False, compact=True, max_length=MAX_CODE)
        yield Static(self.words("second.help"), classes="about after", markup=False)

    def draw(self) -> None:
        wrong, box = model.clock_wrong(self.known.box), self.known.box
        note = self.query_one("#clock", Static)
        note.display = wrong and self._way.authenticator
        note.update(self.words("second.clock"))
        if not (self._way.authenticator or self._way.codes):
            address = plain(box.addresses[0]) if box and box.addresses else ""
            word = "second.browser" if self._way.passkeys else "second.used_up"
            self.query_one("#nothing", Static).update(self.words(word, address=address))

    def _asked(self) -> str:
        if not self._way.authenticator:
            return "second.sheet"
        return "second.either" if self._way.codes else "second.app"

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.give(event.input)


class NewPasswordPage(StepPage):
    """Instead of a password that somebody else made up."""

    AUTO_FOCUS = "#new"
    step = "new_password"
    title_id = "new_password.title"
    extra_hints = (("enter", "hint.send"), ("tab", "hint.next_field"), ("escape", "hint.back"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "next_field", "", show=False, priority=True),  # as on the sign-in page
        Binding("enter", "leave_first", "", show=False, priority=True),
    ]

    def body(self) -> Iterable[Widget]:
        yield Static(self.words("new_password.text"), classes="about", markup=False)
        for name in ("new", "again"):
            yield Label(self.words(f"new_password.{name}"), markup=False)
            yield Input(password=True, id=name, select_on_focus=False, compact=True, max_length=MAX_PASSWORD)

    def action_next_field(self) -> None:
        """The other field."""
        self.focus_next(Input)

    def action_leave_first(self) -> None:
        """Enter in the first field goes on to the second; elsewhere the key takes its usual way."""
        if self.focused is not self.query_one("#new"):
            raise SkipAction
        self.set_focus(self.query_one("#again"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.give(self.query_one("#new", Input), self.query_one("#again", Input))
        self.set_focus(self.query_one("#new"))


class SheetPage(StepPage):
    """A first sheet of printed codes, shown once. It counts when one of them was typed."""

    AUTO_FOCUS = "#code"
    step = "codes"
    title_id = "codes.title"

    def __init__(self, frame: Frame, codes: Sequence[str]) -> None:
        super().__init__(frame)
        self._codes = codes

    def body(self) -> Iterable[Widget]:
        yield Static(self.words("codes.text"), classes="about", markup=False)
        half = (len(self._codes) + 1) // 2
        for left, right in zip(self._codes[:half], (*self._codes[half:], ""), strict=False):
            yield Static(f"    {left:<18}{right}", classes="sheet", markup=False)
        yield Label(self.words("codes.type"), classes="after", markup=False)
        yield Input(id="code", select_on_focus=False, compact=True, max_length=MAX_CODE)
        yield Static(self.words("codes.phone"), classes="about", markup=False)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.give(event.input)


def step_page(frame: Frame, way: WayIn, codes: Sequence[str]) -> StepPage:
    """The page for that step."""
    if way.stage == "second":
        return CodePage(frame, way)
    return NewPasswordPage(frame) if way.stage == "new_password" else SheetPage(frame, codes)
