"""How the sealed records travel to HQ, in full, and what can be done about it: try now, a stick, the way out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.table import Table
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from appliance.control.types import Place
from tui.carrying import Deed, Found, Wish
from tui.screens.headquarters import packs
from tui.screens.page import Page
from tui.screens.travel import standing, stick, travel
from tui.widgets.confirm import Confirm
from tui.words import plain

# What is offered, in this order, and the policy's word that it asks for.
DEEDS: tuple[tuple[Deed, str], ...] = (
    ("now", "carry_by_stick"),
    ("export", "carry_by_stick"),
    ("import", "carry_by_stick"),
    ("adopt", "adopt_log"),
    ("enrol", "enrol_box"),
)
REASON = 10  # letters at least, as the box asks for


class SyncPage(Page):
    """Posts `Asked`; is told `Found` by the worker that did it. Progress comes with what is known."""

    CSS_PATH = "sync.tcss"
    AUTO_FOCUS = "#deeds"
    aside = True
    title_id = "sync.title"
    extra_hints = (("enter", "sync.hint.do"), ("f5", "sync.hint.now"), ("escape", "hint.back"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "screen.now", "", show=False),
        Binding("escape", "screen.back", "", show=False),
        Binding("pagedown", "screen.turn(1)", "", show=False, priority=True),  # what does not fit on a small screen
        Binding("pageup", "screen.turn(-1)", "", show=False, priority=True),
    ]

    class Asked(Message):
        """Something to do; the answer goes to `page`."""

        def __init__(self, page: SyncPage, wish: Wish) -> None:
            super().__init__()
            self.page = page
            self.wish = wish

    _way: Deed | None = None  # of a stick that is being chosen, or adopt while a reason is asked for
    _places: tuple[Place, ...] = ()
    _shown: tuple[object, ...] = ()  # what the list was made from

    def body(self) -> Iterable[Widget]:
        yield Static(id="heading", markup=False)
        yield OptionList(id="deeds", markup=False, compact=True)
        yield Input(id="reason", compact=True, max_length=200)
        yield Static(id="remark", markup=False)
        yield Static(id="facts", markup=False)

    # ── what is shown

    def draw(self) -> None:
        sync, words, today = self.known.sync, self.words, self.now()
        parts = (
            (standing(sync, words), stick(sync.stick, words), travel(sync, words, today), packs(sync, words, today))
            if sync
            else ()
        )
        table = Table.grid(padding=(0, 2))
        for label, value, verdict in (fact for part in parts for fact in part):
            table.add_row(Text(label), Text.assemble(value, ("   " + verdict, "bold" if verdict.isupper() else "")))
        self.query_one("#facts", Static).update(table)
        self._draw_list()
        self.query_one("#remark", Static).update(self._remark())

    def _draw_list(self) -> None:
        deeds, reason = self.query_one("#deeds", OptionList), self.query_one("#reason", Input)
        offered, adopting = self._offered(), self._way == "adopt"
        heading = f"sync.which.{self._way}" if self._way else "sync.deeds"
        self.query_one("#heading", Static).update(Text(self.words(heading) if offered or self._way else "", "bold"))
        deeds.display, reason.display = bool(offered) and not adopting, adopting
        shown = (self._way, *offered, *self._places)
        if shown != self._shown:
            self._shown = shown
            deeds.set_options(self._options(offered))
            deeds.highlighted = 0 if deeds.option_count else None

    def _options(self, offered: list[Deed]) -> list[Option]:
        if self._way in ("export", "import"):
            return [Option(self._place(one), id=one.path) for one in self._places]
        return [Option(self.words(f"sync.deed.{deed}"), id=deed) for deed in offered]

    def _offered(self) -> list[Deed]:
        """What this login may do, and what there is to do."""
        sync, login = self.known.sync, self.known.login
        if sync is None or login is None:
            return []
        known = [deed for deed, asks in DEEDS if asks in login.may and (deed != "adopt" or sync.trouble)]
        return [deed for deed in known if deed == "enrol"] if sync.state == "not_enrolled" else known

    def _remark(self) -> str:
        words, sync = self.words, self.known.sync
        if sync is None:
            return words("health.unknown")
        if self._way == "adopt":
            return words("sync.about.adopt")
        if self._way:
            return words("sync.no_stick") if not self._places else words(f"sync.about.{self._way}")
        if sync.trouble and self.known.login and "adopt_log" not in self.known.login.may:
            return words("sync.ask_administrator")
        return words("sync.about.silent") if sync.silent else words("sync.about")

    def _place(self, place: Place) -> Text:
        words = self.words
        room = words("backups.unfit") if place.fault else words("backups.free", room=words.gib(place.free, place.total))
        return Text(f"{plain(place.path)}  {room}", no_wrap=True, overflow="ellipsis")

    # ── what a person asks

    def action_now(self) -> None:
        """In a list of sticks: look again; else: have the courier try now."""
        if self._way in ("export", "import"):
            self.post_message(self.Asked(self, Wish(self._way)))
        elif "now" in self._offered():
            self.post_message(self.Asked(self, Wish("now")))

    def action_turn(self, pages: int) -> None:
        """Up and down in the facts; the list keeps its choice."""
        body = self.query_one("#body", VerticalScroll)
        body.scroll_relative(y=pages * max(1, body.size.height - 2), animate=False)

    async def action_back(self) -> None:
        """Out of a list of sticks or a reason first, then off the page."""
        if self._way is None:
            await self.run_action("app.leave")
        else:
            self._turn(None)

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Whoever moves in the list sees it, also after looking at the facts further down."""
        event.stop()
        self._to_the_top()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        chosen = event.option.id or ""
        if self._way in ("export", "import"):
            way = self._way
            self._turn(None)
            self.post_message(self.Asked(self, Wish(way, place=chosen)))
        elif chosen == "adopt":
            self._turn("adopt")
        elif chosen in ("export", "import"):
            self._places = ()
            self._turn("export" if chosen == "export" else "import")
            self.post_message(self.Asked(self, Wish("export" if chosen == "export" else "import")))
        else:
            self.post_message(self.Asked(self, Wish("enrol" if chosen == "enrol" else "now")))

    def on_found(self, message: Found) -> None:
        message.stop()
        self._places = message.places
        self.draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Asked once more: what this box alone has sealed is sealed anew, on top of what HQ has."""
        event.stop()
        reason = " ".join(event.value.split())
        if len(reason) < REASON:
            self.query_one("#remark", Static).update(self.words("sync.reason_short"))
            return
        self.app.push_screen(
            Confirm(self.words, self.words("confirm.adopt")), lambda yes: self._adopt(bool(yes), reason)
        )

    def _adopt(self, yes: bool, reason: str) -> None:
        if yes:
            self._turn(None)
            self.post_message(self.Asked(self, Wish("adopt", reason=reason)))

    def _turn(self, way: Deed | None) -> None:
        self._way = way
        self.query_one("#reason", Input).value = ""
        self.draw()
        self.query_one("#reason" if way == "adopt" else "#deeds").focus()
        self._to_the_top()

    def _to_the_top(self) -> None:
        self.query_one("#body", VerticalScroll).scroll_home(animate=False)
