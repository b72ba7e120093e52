"""The sign-in page. The password is handed over and wiped from the field in the same moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, Label, Static

from tui.screens.page import Page
from tui.widgets.address import Beside


class SignInPage(Page):
    """Posts `Given` with name and password."""

    CSS_PATH = "form.tcss"
    AUTO_FOCUS = "#username"
    typing = True
    title_id = "sign_in.title"
    extra_hints = (
        ("enter", "hint.send"),
        ("tab", "hint.next_field"),
        ("f10", "command.calls"),
        ("ctrl+q", "command.quit"),
    )

    # With priority they act before the next key is given to a field. Otherwise, over a slow line that delivers
    # "name, Tab, password" in one piece, the password would be typed into the name's field, in clear.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "next_field", "", show=False, priority=True),
        Binding("enter", "leave_name", "", show=False, priority=True),
    ]

    class Given(Message):
        """Somebody typed a name and a password."""

        def __init__(self, username: str, password: str) -> None:
            super().__init__()
            self.username = username
            self.password = password

    def body(self) -> Iterable[Widget]:
        yield Beside(self.words, self._form())

    def _form(self) -> Iterable[Widget]:
        yield Static(self.words("sign_in.text"), classes="about", markup=False)
        yield Label(self.words("sign_in.username"), markup=False)
        yield Input(id="username", select_on_focus=False, compact=True, max_length=64)
        yield Label(self.words("sign_in.password"), markup=False)
        yield Input(password=True, id="password", select_on_focus=False, compact=True, max_length=256)
        yield Static(self.words("sign_in.empty"), classes="about after", markup=False)

    def draw(self) -> None:
        """The page is the same whatever is known."""

    def action_next_field(self) -> None:
        """The other field."""
        self.focus_next(Input)

    def action_leave_name(self) -> None:
        """Enter in the name's field goes on to the password; elsewhere the key takes its usual way.

        Not from an empty field: whoever then types name, Tab, password would have the password in clear.
        """
        username = self.query_one("#username", Input)
        if self.focused is not username:  # has_focus is told later, by a message
            raise SkipAction
        if username.value.strip() or username.message_queue_size:  # typed, or keys on their way to the field
            self.set_focus(self.query_one("#password"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        username, password = self.query_one("#username", Input), self.query_one("#password", Input)
        if not username.value.strip():
            self.set_focus(username)
        elif password.value:
            given = self.Given(username.value.strip(), password.value)
            password.clear()
            self.post_message(given)
