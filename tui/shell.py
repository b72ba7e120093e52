"""What the console is made on: one state (`known`, `notice`), the line to the box, the way in and out.

Workers post messages, the handlers here and in `app.py` change the state, the pages watch it. Nothing else changes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from textual import events
from textual.app import App
from textual.reactive import reactive
from textual.screen import Screen
from textual.scrollbar import ScrollBar

from appliance.control.client import ControlClient
from appliance.control.types import StickState
from tui import backups, carrying, model, work
from tui.commands import Target
from tui.line import Heard, Lost, Told, follow
from tui.look import THEME, PlainScrollBar
from tui.model import Known
from tui.screens.away import AwayPage
from tui.screens.page import Frame, Page
from tui.screens.session import SessionPage
from tui.screens.sign_in import SignInPage
from tui.screens.today import TodayPage
from tui.screens.unlock import UnlockPage
from tui.screens.way_in import StepPage, step_page
from tui.widgets.banner import Kind, Notice
from tui.words import LANGUAGES, Words, plain

IDLE_SECONDS = 300.0  # a front desk is left alone for a moment often; five minutes is what clinics ask for
IDLE_CHECK_SECONDS = 1.0
SETUP_IDLE = 3  # times as long while a box is being set up: ten codes are being written down
GOODBYE_SECONDS = 1.0  # for telling the box of the sign-out while leaving


class Shell(App[None]):
    """`clock` is monotonic seconds and measures idleness; `now` is the wall clock, shown only."""

    known: reactive[Known] = reactive(Known)
    notice: reactive[Notice | None] = reactive(None)

    def __init__(
        self,
        client: ControlClient,
        words: Words,
        *,
        idle_seconds: float = IDLE_SECONDS,
        idle_check: float = IDLE_CHECK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__()
        ScrollBar.renderer = PlainScrollBar
        self.register_theme(THEME)
        self.theme = THEME.name
        self.animation_level = "none"
        self.client = client
        self.words = words
        self._machine_now = now
        self._frame = Frame(words, self._now)
        self._idle_seconds = idle_seconds
        self._idle_check = idle_check
        self._clock = clock
        self._touched = clock()
        self._line = 0  # number of the line in use; what older ones still tell is not listened to
        self._login = 0  # likewise for who is signed in: an answer that was asked for before a sign-out is not shown
        self._busy: set[tuple[str, Target]] = set()
        self.follows = True  # the language that the clinic chose, unless another one was asked for

    # ── life

    def on_mount(self) -> None:
        self.title = self.words("frame.product")
        self.push_screen(AwayPage(self._frame))
        self._start_line()
        self.set_interval(self._idle_check, self._lock_when_idle)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.exit)

    async def on_unmount(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(work.sign_out(self.client), GOODBYE_SECONDS)
        await self.client.close()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key | events.Paste | events.MouseDown | events.MouseScrollDown):
            self._touched = self._clock()
        await super().on_event(event)

    def _fatal_error(self) -> None:
        # Textual would print a traceback with local variables: names, a passphrase. Say where it happened and no more.
        where = "?"
        trace = self._exception.__traceback__ if self._exception else None
        while trace is not None:
            code = trace.tb_frame.f_code
            where = f"{type(self._exception).__name__}, {Path(code.co_filename).name}:{trace.tb_lineno}"
            trace = trace.tb_next
        self._exit_renderables.append(self.words("shell.stopped", where=where))
        self._close_messages_no_wait()

    # ── what the box tells

    def _now(self) -> datetime:
        """What time the box goes by: its machine's clock, which is ours too, and the correction that it told."""
        box = self.known.box
        return self._machine_now() + timedelta(seconds=box.clock_correction if box else 0)

    def _start_line(self) -> None:
        """Ask anew from the beginning, with the login that holds now."""
        self._line += 1
        self._work(follow(self.client, self._line, self.post_message), group="line", exclusive=True)

    def on_told(self, message: Told) -> None:
        if message.line != self._line:
            return
        if message.snapshot.login is None and self.client.signed_in:
            self._sign_out("banner.expired")
        else:
            self._learn(model.from_snapshot(message.snapshot))

    def on_heard(self, message: Heard) -> None:
        if message.line == self._line:
            self._learn(model.fold(self.known, message.entry))

    def on_lost(self, message: Lost) -> None:
        if message.line != self._line:
            return
        if message.code == "not_signed_in":
            self._sign_out("banner.expired")
        else:
            self._learn(model.lost(self.known, message.code, self._frame.now().isoformat()))

    def _learn(self, known: Known) -> None:
        arrived, raised = model.arrivals(self.known, known), model.raised(self.known, known)
        made = backups.ended(self.known.copies, known.copies)
        carried = carrying.ended(self.known.sync, known.sync)
        self.known = known
        if carried is not None and known.login is not None and "carry_by_stick" in known.login.may:
            self.notice = self._carried(carried)
        if made and known.login is not None and "back_up" in known.login.may:
            text = self.words("done.back_up") if made == "done" else self.words.fault(made)
            self.notice = Notice("note" if made == "done" else "fault", text)
        if raised:  # before an arrival: who waits can wait a moment longer
            self._announce("banner.concern", tuple((of, one.member) for of, one in raised))
        elif arrived:
            self._announce("banner.arrived", arrived)
        elif self.notice and self.notice.kind == "look" and not _pressing(known):
            self.notice = None
        if known.gap:
            self._start_line()

    def _carried(self, stick: StickState) -> Notice:
        """How a stick ended."""
        if stick.fault:
            return Notice("fault", self.words.stick_fault(stick.fault))
        word = "refused" if stick.refused else "nothing" if stick.nothing else stick.way
        return Notice("note", self.words(f"done.stick.{word}"))

    def _announce(self, sentence: str, whose: tuple[tuple[str, str], ...]) -> None:
        """With the bell: who is there, or that they raised something; what it is stands on the session's page."""
        of, who = model.session(self.known, whose[-1][0]), model.member(self.known, *whose[-1])
        if of is not None:
            name = plain(who.name) if who is not None else self.words("concern.somebody")
            self.notice = Notice("look", self.words.count(sentence, len(whose), title=plain(of.title), name=name))
            self.bell()

    def speak(self, language: str) -> None:
        """The pages that come from now on are in that language."""
        self.words = Words(language, self.words.zone)
        self._frame = Frame(self.words, self._now)

    def _learn_language(self, known: Known) -> bool:
        """Whether the box was set to another language than the screen's, before anybody signed in."""
        wanted = known.box.language if known.box is not None and self.follows else ""
        if wanted not in LANGUAGES or wanted == self.words.language or known.login is not None:
            return False
        self.speak(wanted)
        return True

    def watch_known(self, before: Known, after: Known) -> None:
        where, spoken = model.place(after), self._learn_language(after)
        if where == model.place(before) and not spoken:
            return
        if where in ("inside", "unlock"):
            self.notice = None
        if where == "setup":
            self.enter_setup()
            return
        if model.place(before) == "setup":
            self.leave_setup()
        pages: dict[model.Place, type[Page]] = {
            "away": AwayPage,
            "unlock": UnlockPage,
            "sign_in": SignInPage,
            "inside": TodayPage,
        }
        self._pop_until(lambda screen: False)
        self.push_screen(pages[where](self._frame))

    def enter_setup(self) -> None:
        """The box is being set up: its pages come. `setup_shell.py` has them."""

    def leave_setup(self) -> None:
        """It is set up, or away."""

    def rest_setup(self) -> None:
        """Nobody pressed a key for long while it was being set up."""

    # ── unlock, sign in, sign out

    def on_unlock_page_given(self, message: UnlockPage.Given) -> None:
        self._say("note", "banner.opening")
        self._once("unlock", work.unlock(self.client, self.post_message, self._login, message.passphrase))

    def on_sign_in_page_given(self, message: SignInPage.Given) -> None:
        self._say("note", "banner.signing_in")
        self._take_step("password", (message.username, message.password))

    def on_step_page_given(self, message: StepPage.Given) -> None:
        self._say("note", "banner.signing_in")
        self._take_step(message.step, message.values)

    def _take_step(self, step: str, values: tuple[str, ...]) -> None:
        self._once("sign_in", work.take_step(self.client, self.post_message, self._login, step, values))

    def on_onward(self, message: work.Onward) -> None:
        """The page of the next step in place of the last one's, on top of the sign-in."""
        if message.login != self._login or model.place(self.known) != "sign_in":
            return
        self.notice = None
        self._pop_until(lambda screen: isinstance(screen, SignInPage))
        self.push_screen(step_page(self._frame, message.way, message.codes))

    def on_unlocked(self) -> None:
        self._say("note", "banner.unlocked")

    def on_entered(self) -> None:
        self._touched = self._clock()
        self._login += 1
        self._start_line()

    def _lock_when_idle(self) -> None:
        idle = self._clock() - self._touched
        if self.known.login is not None and idle >= self._idle_seconds:
            self._sign_out("banner.idle")
        elif model.place(self.known) == "setup":
            if idle >= SETUP_IDLE * self._idle_seconds:
                self._touched = self._clock()
                self.rest_setup()
        elif idle >= self._idle_seconds:
            self._start_over()  # a sheet of codes must not stay on a screen that nobody looks at

    def _sign_out(self, why: str) -> None:
        """Names leave the screen at once; the token is dropped before the new line asks for its first snapshot."""
        self._login += 1
        self._work(work.sign_out(self.client), group="sign_out")
        self._say("note", why)
        self.known = model.signed_out(self.known)
        self._start_line()

    def _start_over(self) -> None:
        """From a step of the way in back to its beginning."""
        if isinstance(self.screen, StepPage):
            self.client.start_over()
            self.pop_screen()

    # ── small things

    def _show_session(self, session: str, member: str = "") -> None:
        self.notice = None
        if isinstance(self.screen, SessionPage) and self.screen.session == session:
            self.screen.go_to(member)
        else:
            self._pop_until(lambda screen: isinstance(screen, TodayPage))
            self.push_screen(SessionPage(self._frame, session, member))

    def _show(self, page: Page) -> None:
        """On top of today or a session, never on top of another such page: the stack stays three deep."""
        self.notice = None
        if isinstance(self.screen, Page) and self.screen.aside:
            self.pop_screen()
        self.push_screen(page)

    def _pop_until(self, wanted: Callable[[Screen[Any]], bool]) -> None:
        while len(self.screen_stack) > 1 and not wanted(self.screen):
            self.pop_screen()

    def _target(self) -> Target:
        return self.screen.target if isinstance(self.screen, Page) else ("", "")

    def _facts(self, target: Target) -> dict[str, str]:
        of, who = model.session(self.known, target[0]), model.member(self.known, *target)
        return {"title": plain(of.title) if of else "", "name": plain(who.name) if who else ""}

    def _say(self, kind: Kind, sentence: str, **facts: object) -> None:
        self.notice = Notice(kind, self.words(sentence, **facts))

    def _once(self, word: str, doing: Coroutine[Any, Any, None], target: Target = ("", "")) -> None:
        """Do it unless the very same is under way: a key that bounces must not ask twice."""
        if (word, target) in self._busy:
            doing.close()
            return
        self._busy.add((word, target))

        async def guarded() -> None:
            try:
                await doing
            finally:
                self._busy.discard((word, target))

        self._work(guarded(), group="act")

    def _work(self, doing: Coroutine[Any, Any, None], *, group: str, exclusive: bool = False) -> None:
        self.run_worker(doing, group=group, exclusive=exclusive, exit_on_error=True)


def _pressing(known: Known) -> bool:
    """Whether there is somebody for whom the bell rings."""
    return any(model.waiting(one) or one.concerns for one in known.sessions)
