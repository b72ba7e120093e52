"""What all pages have: head, banner, body, status line, key hints. A page draws itself anew when the facts change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui.commands import Target, offered
from tui.model import Known
from tui.widgets.address import Beside
from tui.widgets.banner import Banner, Notice
from tui.widgets.hints import Hints
from tui.widgets.status import Status
from tui.words import Words, plain


@dataclass(frozen=True, slots=True)
class Frame:
    """What a page is given to draw with: words and the clock."""

    words: Words
    now: Callable[[], datetime]


class Page(Screen[None]):
    """Subclasses name their `title_id`, compose `body` and fill it in `draw`. They read `known` and change nothing."""

    title_id: ClassVar[str]
    extra_hints: ClassVar[tuple[tuple[str, str], ...]] = (("escape", "hint.back"),)
    aside: ClassVar[bool] = False  # on top of today or a session, never on top of another such page; Escape leaves it
    typing: ClassVar[bool] = False  # letters go into a field here, so hints name the other key of a command

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.words = frame.words
        self.now = frame.now
        self.known = Known()
        self.notice: Notice | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="head"):
            yield Static(id="where", markup=False)
            yield Static(id="who", markup=False)
        yield Banner(self.words)
        with VerticalScroll(id="body", can_focus=False):
            yield from self.body()
        yield Status(self.words)
        yield Hints(self.words)

    def body(self) -> Iterable[Widget]:
        """The widgets of this page."""
        raise NotImplementedError

    def draw(self) -> None:
        """Fill the widgets from `self.known`."""
        raise NotImplementedError

    @property
    def target(self) -> Target:
        """The session and member that a command here means."""
        return ("", "")

    def on_mount(self) -> None:
        self.watch(self.app, "known", self._know)
        self.watch(self.app, "notice", self._tell)

    def hints_here(self) -> tuple[tuple[str, str], ...]:
        """The page's own keys that do something now."""
        return self.extra_hints

    def draw_hints(self) -> None:
        """After the highlight moved: other commands may be offered."""
        self.query_one(Hints).draw(self.hints_here(), offered(self.known, self.target), typing=self.typing)

    def _know(self, known: Known) -> None:
        self.known = known
        self.set_class(not known.reached, "stale")
        self.query_one("#where", Static).update(Text(self.headline(known), no_wrap=True, overflow="ellipsis"))
        self.query_one("#who", Static).update(self._who(known))
        self.query_one(Status).draw(known, self.now())
        self._tell(self.notice)
        self.draw()
        self.draw_hints()

    def headline(self, known: Known) -> str:
        """What stands at the top: whose box it is, and which page."""
        clinic = f", {plain(known.box.clinic)}" if known.box else ""
        return f"{self.words('frame.product')}{clinic}: {self.words(self.title_id)}"

    def _tell(self, notice: Notice | None) -> None:
        self.notice = notice
        self.query_one(Banner).draw(self.known, notice)
        self.call_after_refresh(self.fit)

    def on_resize(self) -> None:
        self.fit()

    def fit(self) -> None:
        """There may be more or less room than before: the code of the portal's address takes what it needs, or goes."""
        addresses = self.known.box.addresses if self.known.box else ()
        for beside in self.query(Beside):
            beside.show(addresses, self.query_one("#body").container_size.height)

    def _who(self, known: Known) -> str:
        if known.login is None:
            return self.words("frame.nobody")
        role = self.words(f"role.{known.login.role}")
        return self.words("frame.person", name=plain(known.login.name), role=role)
