"""Whom to call: in an emergency, for whoever sits here; and of the staff, for who is signed in."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from appliance.control.types import Contact
from tui.screens.facts import Fact, FactsPage
from tui.words import plain
from tui.work import CallsListed


class CallsPage(FactsPage):
    """Posts `Looked` once; is told `CallsListed` by the worker."""

    title_id = "calls.title"

    class Looked(Message):
        """Somebody wants to see who is on call; the answer goes to `page`."""

        def __init__(self, page: CallsPage) -> None:
            super().__init__()
            self.page = page

    _on_call: tuple[Contact, ...] | None = None

    def on_mount(self) -> None:
        super().on_mount()
        if self.known.login is not None:
            self.post_message(self.Looked(self))

    def on_calls_listed(self, message: CallsListed) -> None:
        message.stop()
        self._on_call = message.contacts
        self.draw()

    def facts(self) -> list[Fact]:
        box = self.known.box
        emergency = box.emergency if box is not None else ()
        made = [*self._list("emergency", emergency)]
        if box is not None and box.phone:
            made += [("", "", ""), (self.words("calls.clinic"), plain(box.phone), plain(box.clinic))]
        if self.known.login is not None and self._on_call is not None:
            made += [("", "", ""), *self._list("on_call", self._on_call)]
        return made

    def remark(self) -> str:
        return self.words("calls.where")

    def _list(self, which: str, contacts: Sequence[Contact]) -> list[Fact]:
        title = self.words(f"calls.{which}")
        if not contacts:
            return [(title, self.words(f"calls.{which}_none"), "")]
        rows = [(plain(one.phone), plain(one.name), plain(one.about)) for one in contacts]
        return [
            ("" if n else title, phone, f"{name}   {about}".rstrip()) for n, (phone, name, about) in enumerate(rows)
        ]
