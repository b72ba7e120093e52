"""The ways into the box: its key slots, and what an administrator does with them.

Secrets are typed into windows of their own (`tui/widgets/key_form.py`), which go with the login; the page keeps none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from appliance.control.types import Keys, KeySlot
from tui.keys import Listed, SheetMade, Stopped, Wish
from tui.screens.page import Page
from tui.widgets.confirm import Confirm
from tui.widgets.key_form import Given, KeyForm
from tui.widgets.sheet import SheetPanel
from tui.words import plain

TICK = 1.0  # seconds between two looks at how long a rekey takes


class KeysPage(Page):
    """Posts `Asked`; is told `Listed`, `SheetMade` and `Stopped` by the worker that did it."""

    CSS_PATH = "keys.tcss"
    AUTO_FOCUS = "#slots"
    aside = True
    title_id = "keys.title"
    extra_hints = (
        ("p", "keys.hint.passphrase"),
        ("w", "keys.hint.sheet"),
        ("y", "keys.hint.try"),
        ("m", "keys.hint.rotate"),
        ("x", "keys.hint.remove"),
        ("q", "keys.hint.hq"),
        ("o", "keys.hint.own"),
        ("z", "keys.hint.rekey"),
        ("escape", "hint.back"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(f"{key},{key.upper()}", f"screen.{action}", "", show=False)
        for key, action in (
            ("p", "add_passphrase"),
            ("w", "add_sheet"),
            ("y", "try"),
            ("m", "rotate"),
            ("x", "remove"),
            ("q", "add_hq"),
            ("o", "add_own"),
            ("z", "rekey"),
        )
    ]

    class Asked(Message):
        """Something to do; the answer goes to `page`."""

        def __init__(self, page: KeysPage, wish: Wish) -> None:
            super().__init__()
            self.page = page
            self.wish = wish

    class Told(Message):
        """Something to tell in the banner: the id of a sentence."""

        def __init__(self, sentence: str) -> None:
            super().__init__()
            self.sentence = sentence

    _keys: Keys | None = None
    _began: float | None = None  # monotonic seconds; a rekey is under way
    _ticking: Timer | None = None

    def body(self) -> Iterable[Widget]:
        yield Static(self.words("keys.about"), classes="about", markup=False)
        yield OptionList(id="slots", markup=False)
        yield Static(id="remark", markup=False)

    def on_mount(self) -> None:
        super().on_mount()
        self._ask(Wish("list"))

    def draw(self) -> None:
        """The page is the same whatever is known of the rest of the box."""

    # ── what the worker tells

    def on_listed(self, message: Listed) -> None:
        message.stop()
        self._end_rekey()
        self._keys = message.keys
        slots = self.query_one("#slots", OptionList)
        before = self._chosen()
        slots.clear_options()
        slots.add_options([Option(self._line(slot), id=slot.id) for slot in message.keys.slots])
        known = [slot.id for slot in message.keys.slots]
        slots.highlighted = known.index(before.id) if before and before.id in known else 0
        self.query_one("#remark", Static).update(self._remark())

    def on_sheet_made(self, message: SheetMade) -> None:
        """Shown once; then it must be typed back before it counts."""
        message.stop()
        slot = message.sheet.id
        self.app.push_screen(SheetPanel(self.words, message.sheet), lambda _: self._try_sheet(slot))

    def on_stopped(self, message: Stopped) -> None:
        message.stop()
        self._end_rekey()
        self.query_one("#remark", Static).update(self._remark())

    # ── what a person asks

    def action_add_passphrase(self) -> None:
        form = KeyForm(self.words, "keys.new_passphrase", twice=True, label=True)
        self._fill(form, lambda secret, label: Wish("passphrase", secret=secret, label=label))

    def action_add_sheet(self) -> None:
        self._ask(Wish("sheet", language="es" if self.words.language == "es" else "en"))

    def action_try(self) -> None:
        slot = self._chosen()
        if slot is None or slot.kind not in ("sheet", "passphrase"):
            proved = "keys.proved_by_start" if slot and slot.kind == "machine" else "keys.not_typed"
            self.post_message(self.Told(proved))
        elif slot.kind == "sheet":
            self._try_sheet(slot.id)
        else:
            form = KeyForm(self.words, "keys.try_passphrase")
            self._fill(form, lambda secret, _: Wish("try", slot.id, secret))

    def action_rotate(self) -> None:
        slot = self._chosen()
        if slot is None or slot.kind != "passphrase":
            self.post_message(self.Told("keys.not_a_passphrase"))
            return
        form = KeyForm(self.words, "keys.other_passphrase", twice=True)
        self._fill(form, lambda secret, _: Wish("rotate", slot.id, secret))

    def action_remove(self) -> None:
        slot = self._chosen()
        if slot is None:
            return
        if not slot.removable:
            self.post_message(self.Told("fault.last_slot"))
            return
        question = self.words("confirm.remove_key", what=self._called(slot))
        self._confirm(question, lambda: self._ask(Wish("remove", slot.id)))

    def action_add_hq(self) -> None:
        if self._keys is None or not self._keys.enrolled:
            self.post_message(self.Told("fault.not_enrolled"))
            return
        code = self._keys.hq_code
        self._confirm(self.words("confirm.add_hq", code=code), lambda: self._ask(Wish("hq", code=code)))

    def action_add_own(self) -> None:
        """What whoever takes the box could do with it is said before, and with what this machine has to guard it."""
        keeps = self._keys.machine_keeps if self._keys else "nothing"
        if keeps == "nothing":
            self.post_message(self.Told("fault.not_the_machine"))
            return
        tpm = keeps == "by_tpm"
        question = self.words("confirm.add_own", guard=self.words(f"keys.guard.{keeps}"))
        self._confirm(question, lambda: self._ask(Wish("own", tpm=tpm)))

    def action_rekey(self) -> None:
        if self._keys is not None and self._began is None:
            question = self.words("confirm.rekey", seconds=self._seconds(), slow=self._seconds(slow=True))
            self._confirm(question, self._rekey)

    def _rekey(self) -> None:
        self._ask(Wish("rekey"))
        self._began = time.monotonic()
        self._ticking = self.set_interval(TICK, self._tick)
        self._tick()

    def _try_sheet(self, slot: str) -> None:
        form = KeyForm(self.words, "keys.try_sheet", masked=False)
        self._fill(form, lambda secret, _: Wish("try", slot, secret))

    def _fill(self, form: KeyForm, wish: Callable[[str, str], Wish]) -> None:
        def answered(given: Given | None) -> None:
            if given is not None:
                self._ask(wish(*given))

        self.app.push_screen(form, answered)

    def _confirm(self, question: str, then: Callable[[], None]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                then()

        self.app.push_screen(Confirm(self.words, question), answered)

    def _ask(self, wish: Wish) -> None:
        self.post_message(self.Asked(self, wish))

    # ── words

    def _tick(self) -> None:
        if self._began is None:
            return
        gone = self.words.number(time.monotonic() - self._began)
        text = self.words("keys.rekeying", gone=gone, seconds=self._seconds(), slow=self._seconds(slow=True))
        self.query_one("#remark", Static).update(Text(text, "bold"))

    def _end_rekey(self) -> None:
        self._began = None
        if self._ticking is not None:
            self._ticking.stop()
            self._ticking = None

    def _chosen(self) -> KeySlot | None:
        at = self.query_one("#slots", OptionList).highlighted
        return self._keys.slots[at] if self._keys and at is not None and at < len(self._keys.slots) else None

    def _line(self, slot: KeySlot) -> Text:
        words, today = self.words, self.now()
        when = words.moment(slot.tried_at or slot.made_at, today)
        when = words("keys.tried" if slot.tried_at else "keys.made", when=when)
        state = words(f"keys.state.{slot.state}")
        style = "bold" if slot.state in ("untried", "foreign") else ""
        return Text.assemble(
            f"{words(f'keys.kind.{slot.kind}'):<18}", (f"{state:<16}", style), f"{when:<24}", plain(slot.label)
        )

    def _called(self, slot: KeySlot) -> str:
        label = f" ({plain(slot.label)})" if slot.label else ""
        return self.words(f"keys.kind.{slot.kind}") + label

    def _remark(self) -> str:
        slots = self._keys.slots if self._keys else ()
        own = [slot for slot in slots if slot.kind == "machine"]
        others = [slot for slot in slots if slot.kind != "machine"]
        said = [self.words("keys.remark.untried")] if _any(others, "untried") else []
        said += [self.words("keys.remark.foreign")] if _any(slots, "foreign") else []
        if sum(slot.state == "works" for slot in slots) == 1:
            said.append(self.words("keys.remark.single"))
        if _any(own, "untried"):
            said.append(self.words("keys.remark.own_untried"))
        if own and not (self._keys and self._keys.machine_keeps == "by_tpm"):
            said.append(self.words("keys.remark.machine"))
        return "\n".join(said)

    def _seconds(self, *, slow: bool = False) -> str:
        keys = self._keys
        return self.words.number(max(1.0, keys.rekey_seconds_slow if slow else keys.rekey_seconds)) if keys else ""


def _any(slots: Iterable[KeySlot], state: str) -> bool:
    return any(slot.state == state for slot in slots)
