"""The sign-in page. The password is handed over and wiped from the field in the same moment."""

from __future__ import annotations

from collections.abc import Iterable

from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from tui.screens.page import Page


class SignInPage(Page):
    """Posts `Given` with name and password."""

    CSS_PATH = "form.tcss"
    AUTO_FOCUS = "#username"
    typing = True
    title_id = "sign_in.title"
    extra_hints = (("enter", "hint.send"), ("tab", "hint.next_field"), ("ctrl+q", "command.quit"))

    class Given(Message):
        """Somebody typed a name and a password."""

        def __init__(self, username: str, password: str) -> None:
            super().__init__()
            self.username = username
            self.password = password

    def body(self) -> Iterable[Widget]:
        yield Static(self.words("sign_in.text"), classes="about", markup=False)
        yield Label(self.words("sign_in.username"), markup=False)
        yield Input(id="username", select_on_focus=False, compact=True, max_length=64)
        yield Label(self.words("sign_in.password"), markup=False)
        yield Input(password=True, id="password", select_on_focus=False, compact=True, max_length=256)
        yield Static(self.words("sign_in.empty"), classes="about after", markup=False)

    def draw(self) -> None:
        """The page is the same whatever is known."""

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        username, password = self.query_one("#username", Input), self.query_one("#password", Input)
        if not username.value.strip():
            username.focus()
        elif not password.value:
            password.focus()
        else:
            given = self.Given(username.value.strip(), password.value)
            password.clear()
            self.post_message(given)
