"""Releases: which one runs and how old it is, which ones are there, how far one is, and what can be done about it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.table import Table
from rich.text import Text
from textual.message import Message
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from appliance.control.types import Box, Release, Updates
from tui.screens.facts import Fact, bar
from tui.screens.page import Page
from tui.updating import InSession, Told, Wish
from tui.widgets.banner import Notice
from tui.widgets.confirm import Confirm
from tui.words import plain

OLD_DAYS = 180  # patches of half a year ago: what was found since is open here
MEGABYTE = 1_000_000


class UpdatesPage(Page):
    """Posts `Asked`; is told `Told` or `InSession` by the worker that did it. It asks again whenever the box tells."""

    CSS_PATH = "backups.tcss"
    AUTO_FOCUS = "#places"
    aside = True
    title_id = "updates.title"
    extra_hints = (("enter", "updates.hint.do"), ("f5", "backups.hint.again"), ("escape", "hint.back"))
    BINDINGS = [("f5", "screen.again", "")]  # noqa: RUF012 - as Textual has it

    class Asked(Message):
        """Something to ask of the box; the answer goes to `page`."""

        def __init__(self, page: UpdatesPage, wish: Wish) -> None:
            super().__init__()
            self.page = page
            self.wish = wish

    class Said(Message):
        """Something to tell in the banner."""

        def __init__(self, notice: Notice) -> None:
            super().__init__()
            self.notice = notice

    _updates: Updates | None = None
    _box: Box | None = None  # as it was when the page asked last
    _wishes: tuple[Wish | None, ...] = ()  # of the lines of the list; None: only to be read

    def body(self) -> Iterable[Widget]:
        yield Static(id="restored", markup=False)
        yield Static(id="facts", markup=False)
        yield Static(Text(self.words("updates.can"), "bold"), id="heading")
        yield OptionList(id="places", markup=False, compact=True)
        yield Static(id="remark", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self.action_again()

    def action_again(self) -> None:
        """Ask how things stand."""
        self.post_message(self.Asked(self, Wish("see")))

    # -- what the worker tells

    def on_told(self, message: Told) -> None:
        message.stop()
        before, self._updates = self._updates, message.updates
        self._list()
        self.draw()
        said = self._ended(before, message.updates)
        if said is None and message.wish.word in ("now", "tonight", "later", "back"):
            said = Notice("note", self.words(f"done.updates.{message.wish.word}"))
        if said is not None:
            self.post_message(self.Said(said))

    def on_in_session(self, message: InSession) -> None:
        """It can wait; if it cannot, somebody says so."""
        message.stop()
        wish = Wish(message.wish.word, message.wish.path, anyway=True)
        self._ask("confirm.updates.session", wish)

    def _ended(self, before: Updates | None, after: Updates) -> Notice | None:
        """How an installation that was under way ended."""
        if before is None or not before.step or after.step:
            return None
        if after.fault:
            return Notice("fault", self.words.fault(after.fault))
        return Notice("note", self.words("done.updates.install", version=plain(after.installing)))

    # -- the list

    def _list(self) -> None:
        told = self._updates
        lines = [] if told is None else self._lines(told)
        self._wishes = tuple(wish for _, wish in lines)
        places = self.query_one("#places", OptionList)
        chosen = places.highlighted or 0
        places.set_options([Option(text, disabled=wish is None) for text, wish in lines])
        if lines and self._wishes[min(chosen, len(lines) - 1)] is None:
            chosen = next((n for n, wish in enumerate(self._wishes) if wish is not None), 0)
        places.highlighted = min(chosen, len(lines) - 1) if any(self._wishes) else None
        places.display = bool(lines)
        self.query_one("#heading").display = bool(lines)
        self.draw_hints()
        if lines and self.focused is None:  # it was hidden meanwhile, and lost the keys by that
            places.focus()

    def hints_here(self) -> tuple[tuple[str, str], ...]:
        return self.extra_hints if any(self._wishes) else self.extra_hints[1:]

    def _lines(self, told: Updates) -> list[tuple[str, Wish | None]]:
        """What can be done now, first what is most likely wanted; then what cannot, with the reason."""
        words = self.words
        if not told.possible or told.step or told.trial:
            return []
        lines: list[tuple[str, Wish | None]] = []
        if told.failed_version:
            lines.append((words("updates.do.seen"), Wish("seen")))
        if told.installed:
            lines.append((words("updates.do.now", version=plain(told.installed)), Wish("now")))
            lines.append((words("updates.do.tonight"), Wish("tonight")))
            if told.restart_at:
                lines.append((words("updates.do.later"), Wish("later")))
        for one in told.found:
            if not one.refused and one.version != told.installed:
                lines.append((self._offer(one), Wish("install", one.path)))
        if told.other_version and not told.installed:
            lines.append((words("updates.do.back", version=plain(told.other_version)), Wish("back")))
        lines += [(self._unfit(one), None) for one in told.found if one.refused]
        return lines

    def _offer(self, one: Release) -> str:
        size = self.words.number(one.size / MEGABYTE)
        if not one.where:
            return self.words("updates.do.line", version=plain(one.version), size=size)
        return self.words("updates.do.stick", version=plain(one.version), size=size, stick=plain(one.where))

    def _unfit(self, one: Release) -> str:
        where = self.words("updates.from_stick", stick=plain(one.where)) if one.where else self.words("updates.from_hq")
        return f"{plain(one.version) or '-'}, {where}: {self.words.fault(one.refused)}"

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        wish, told = self._wishes[event.option_index], self._updates
        if wish is None or told is None:
            return
        if wish.word in ("install", "now", "back"):
            self._ask(f"confirm.updates.{wish.word}", wish)
        else:
            self.post_message(self.Asked(self, wish))

    def _ask(self, question: str, wish: Wish) -> None:
        told = self._updates
        version = next((one.version for one in told.found if one.path == wish.path), "") if told else ""
        if told and wish.word in ("now", "back"):
            version = told.installed if wish.word == "now" else told.other_version
        text = self.words(question, version=plain(version))

        def answered(yes: bool | None) -> None:
            if yes:
                self.post_message(self.Asked(self, wish))

        self.app.push_screen(Confirm(self.words, text), answered)

    # -- what stands there

    def draw(self) -> None:
        told = self._updates
        if self._box is not self.known.box:
            asked_before, self._box = self._box, self.known.box
            if asked_before is not None:
                self.action_again()
        failed = self.query_one("#restored", Static)
        failed.display = bool(told and (told.failed_version or told.trial))
        facts = self.query_one("#facts", Static)
        if told is None:
            return
        failed.update(Text(self._warning(told), "bold"))
        table = Table.grid(padding=(0, 2))
        for label, value, verdict in self._facts(told):
            table.add_row(Text(label), Text.assemble(value, ("   " + verdict, "bold" if verdict.isupper() else "")))
        facts.update(table)
        self.query_one("#remark", Static).update(self._remark(told))

    def _warning(self, told: Updates) -> str:
        if told.trial:
            return self.words("updates.trial", version=plain(told.version))
        word = "fell_back" if told.fell_back else "cut"
        return self.words(f"updates.{word}", version=plain(told.failed_version), present=plain(told.version))

    def _facts(self, told: Updates) -> list[Fact]:
        words = self.words
        facts = [(words("updates.runs"), plain(told.version), self._age(told))]
        if told.since:
            facts.append((words("updates.since"), words.moment(told.since, self.now()), ""))
        if told.possible:
            facts.append((words("updates.other"), plain(told.other_version) or words("updates.nothing"), ""))
        if told.release:
            offered = words("updates.of", release=plain(told.release), day=plain(told.release_since))
            facts.append((words("updates.told"), offered, ""))
            facts += self._coming(told)
        if told.step:
            facts.append((words("updates.under_way"), f"{bar(told.percent / 100)} {plain(told.installing)}", ""))
        if told.installed:
            when = words.moment(told.restart_at, self.now()) if told.restart_at else words("updates.next_start")
            facts.append((words("updates.installed"), plain(told.installed), when))
        return facts

    def _age(self, told: Updates) -> str:
        """How old its patches are."""
        try:
            made = datetime.fromisoformat(told.made_at)
        except ValueError:
            return ""
        days = (self.now() - made).days
        if days >= OLD_DAYS:
            return self.words("updates.old", days=self.words.number(days)).upper()
        return self.words.count("updates.age", max(0, days))

    def _coming(self, told: Updates) -> list[Fact]:
        if not told.fetching:
            return []
        words, share = self.words, told.have / told.size if told.size else 0.0
        state = words.sync_fault(told.fetch_fault) if told.fetch_fault else words(f"updates.fetching.{told.fetching}")
        if not told.size:
            return [("", state, "")]
        have, size = (words.number(one / MEGABYTE) for one in (told.have, told.size))
        return [("", f"{bar(share)} {words('updates.megabytes', have=have, size=size)}", ""), ("", state, "")]

    def _remark(self, told: Updates) -> str:
        if not told.possible:
            return self.words.fault("not_the_machine")
        if told.step:
            return self.words("updates.working")
        notes = told.notes.get(self.words.language) or told.notes.get("en") or ""
        about = self.words("updates.about")
        return f"{plain(notes)}\n{about}" if notes and told.release != told.version else about
