"""The passphrase page. What was typed is handed over and wiped from the field in the same moment."""

from __future__ import annotations

from collections.abc import Iterable

from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from tui.screens.page import Page
from tui.widgets.address import Beside


class UnlockPage(Page):
    """Posts `Given` with the passphrase."""

    CSS_PATH = "form.tcss"
    AUTO_FOCUS = "#passphrase"
    typing = True
    title_id = "unlock.title"
    extra_hints = (
        ("enter", "hint.send"),
        ("f10", "command.calls"),
        ("f12", "command.see_machine"),
        ("ctrl+q", "command.quit"),
    )

    class Given(Message):
        """Somebody typed a passphrase."""

        def __init__(self, passphrase: str) -> None:
            super().__init__()
            self.passphrase = passphrase

    def body(self) -> Iterable[Widget]:
        yield Beside(self.words, self._form())

    def _form(self) -> Iterable[Widget]:
        yield Static(self.words("unlock.text"), classes="about", markup=False)
        yield Label(self.words("unlock.passphrase"), markup=False)
        yield Input(password=True, id="passphrase", select_on_focus=False, compact=True, max_length=256)
        yield Static(self.words("unlock.empty"), classes="about after", markup=False)
        yield Static(self.words("unlock.lost"), markup=False)

    def draw(self) -> None:
        """The page is the same whatever is known."""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        passphrase = event.value
        event.input.clear()
        if passphrase:
            self.post_message(self.Given(passphrase))
