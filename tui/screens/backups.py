"""Backups: how the newest one is, how far the one under way is, and where the next one can go. Enter makes it there."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table
from rich.text import Text
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from appliance.control.types import Backups, Copies, Place
from tui.backups import Listed
from tui.screens.facts import Fact, bar
from tui.screens.page import Page
from tui.words import plain


class BackupsPage(Page):
    """Posts `Looked` and `Chosen`; is told `Listed` by the worker that did it. Progress comes with what is known."""

    CSS_PATH = "backups.tcss"
    AUTO_FOCUS = "#places"
    aside = True
    title_id = "backups.title"
    extra_hints = (("enter", "backups.hint.make"), ("f5", "backups.hint.again"), ("escape", "hint.back"))
    BINDINGS = [("f5", "screen.again", "")]  # noqa: RUF012 - as Textual has it

    class Looked(Message):
        """Somebody wants to see the list; the answer goes to `page`."""

        def __init__(self, page: BackupsPage) -> None:
            super().__init__()
            self.page = page

    class Chosen(Message):
        """Make a backup there; the answer goes to `page`."""

        def __init__(self, page: BackupsPage, to: str) -> None:
            super().__init__()
            self.page = page
            self.to = to

    _backups: Backups | None = None
    _restored_from = ""  # stays on the page, though the box has noted that it was told
    _drawn: tuple[str, str] = ("", "")  # of the newest backup: when a new one is there the list is asked for again

    def body(self) -> Iterable[Widget]:
        yield Static(id="restored", markup=False)
        yield Static(id="facts", markup=False)
        yield Static(Text(self.words("backups.places"), "bold"), id="heading")
        yield OptionList(id="places", markup=False, compact=True)
        yield Static(id="remark", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.action_again()

    def action_again(self) -> None:
        self.post_message(self.Looked(self))

    def on_listed(self, message: Listed) -> None:
        message.stop()
        self._backups = message.backups
        self._restored_from = message.backups.copies.restored_from or self._restored_from
        places = self.query_one("#places", OptionList)
        chosen = places.highlighted or 0
        places.set_options([Option(self._place(one), id=one.path) for one in message.backups.places])
        places.highlighted = min(chosen, len(message.backups.places) - 1) if message.backups.places else None
        places.display = bool(message.backups.places)
        self.draw()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.post_message(self.Chosen(self, event.option.id or ""))

    def draw(self) -> None:
        copies = self.known.copies or Copies()
        table = Table.grid(padding=(0, 2))
        for label, value, verdict in self._facts(copies):
            table.add_row(Text(label), Text.assemble(value, ("   " + verdict, "bold" if verdict.isupper() else "")))
        self.query_one("#facts", Static).update(table)
        self.query_one("#remark", Static).update(self._remark())
        restored = self.query_one("#restored", Static)
        restored.display = bool(self._restored_from)
        moment = self.words.moment(self._restored_from, self.now()) if self._restored_from else ""
        restored.update(Text(self.words("backups.restored", moment=moment), "bold"))
        if self._drawn != (copies.last_at, copies.step) and self._drawn[1] and not copies.step:
            self.action_again()
        self._drawn = (copies.last_at, copies.step)

    def _facts(self, copies: Copies) -> list[Fact]:
        words, told = self.words, self._backups
        newest = words.moment(copies.last_at, self.now()) if copies.last_at else words("backups.never")
        state = words(f"backups.state.{copies.state}") if copies.state != "unknown" else ""
        facts = [(words("backups.newest"), newest, state)]
        if told and told.last_place:
            facts.append((words("backups.where"), plain(told.last_place), self._megabytes(told.last_size)))
            facts.append(("", plain(told.last_name), ""))
        if told:
            facts.append((words("backups.automatic"), self._automatic(told), ""))
        if copies.fault:
            facts.append((words("backups.last_try"), words.fault(copies.fault), words("backups.failed")))
        if copies.step:
            done = bar(copies.percent / 100)
            facts.append((words("backups.under_way"), f"{done} {words(f'backups.step.{copies.step}')}", ""))
        return facts

    def _automatic(self, told: Backups) -> str:
        if not told.every_hours:
            return self.words("backups.by_hand")
        keep = self.words("backups.keeps", n=told.keep) if told.keep else self.words("backups.keeps_all")
        return self.words.count("backups.every", told.every_hours) + ", " + keep

    def _remark(self) -> str:
        if self._backups is None:
            return ""
        said = [self.words("backups.no_place")] if not self._backups.places else []
        if self.known.copies and self.known.copies.same_disk:
            said.append(self.words("backups.on_same_disk"))
        return "\n".join([*said, self.words("backups.about")])

    def _place(self, place: Place) -> Text:
        words = self.words
        kind = words(f"backups.kind.{place.kind}")
        if place.fault:
            return Text(f"{kind}  {plain(place.path)}  {words('backups.unfit')}", no_wrap=True, overflow="ellipsis")
        room = words("backups.free", room=words.gib(place.free, place.total))
        same = "  " + words("backups.same_disk") if place.same_disk else ""
        return Text(f"{kind}  {plain(place.path)}  {room}{same}", no_wrap=True, overflow="ellipsis")

    def _megabytes(self, size: int) -> str:
        return self.words("backups.size", size=self.words.number(size / 1e6, 1))
