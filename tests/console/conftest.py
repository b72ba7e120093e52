"""A console at a fake box: keys in, words out. Nothing here waits for a time, only for a condition."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from textual.events import Key
from textual.pilot import Pilot

from appliance.control.client import ControlClient
from tests.fakes.daemon import PASSPHRASE, PASSWORD, FakeDaemon
from tui import line
from tui.app import Console
from tui.words import Language, Words

NAMED = {" ": "space"}


class Desk:
    """One person in front of the console."""

    def __init__(self, app: Console, pilot: Pilot[None], daemon: FakeDaemon, seconds: list[float]) -> None:
        self.app = app
        self.pilot = pilot
        self.daemon = daemon
        self.bells = 0
        self._seconds = seconds

    @property
    def screen(self) -> str:
        """Everything that can be read right now."""
        return "\n".join(strip.text for strip in self.app.screen._compositor.render_strips(self.app.size))

    @property
    def page(self) -> str:
        return type(self.app.screen).__name__

    def wait_long(self, seconds: float) -> None:
        """Time goes by without a key."""
        self._seconds[0] += seconds

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not condition():
                await self.pilot.pause()
                await asyncio.sleep(0)

    async def comes_to(self, page: str) -> None:
        await self.until(lambda: self.page == page)

    async def sees(self, *words: str) -> None:
        """All of these, wherever lines are broken."""
        try:
            await self.until(lambda: all(word in " ".join(self.screen.split()) for word in words))
        except TimeoutError:
            raise AssertionError(f"not seen: {words}\n{self.screen}") from None

    async def types(self, text: str) -> None:
        """A text in one piece, as a fast hand or a slow line delivers it."""
        for char in text:
            self.app.post_message(Key(NAMED.get(char, char), char))
        await self.pilot.pause()

    async def presses(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    async def unlocks(self) -> None:
        await self.until(lambda: self.page == "UnlockPage")
        await self.types(PASSPHRASE)
        await self.presses("enter")
        await self.until(lambda: self.page == "SignInPage")

    async def signs_in(self, username: str = "cleo") -> None:
        """From whichever page stands between."""
        await self.until(lambda: self.page in ("UnlockPage", "SignInPage"))
        if self.page == "UnlockPage":
            await self.unlocks()
        await self.types(username)
        await self.presses("tab")
        await self.types(PASSWORD)
        await self.presses("enter")
        await self.until(lambda: self.page == "TodayPage")

    async def opens_the_group(self, username: str = "cleo") -> None:
        """Signed in, on the page of the session with people waiting, the first of them highlighted."""
        await self.signs_in(username)
        await self.presses("n")
        await self.until(lambda: self.page == "SessionPage")
        await self.sees("Marta Velasco")


@asynccontextmanager
async def sitting_down(
    *, language: Language = "en", size: tuple[int, int] = (80, 24), locked: bool = False
) -> AsyncIterator[Desk]:
    # A short folder: a Unix socket's path has at most 107 bytes.
    with TemporaryDirectory(prefix="hearth-") as folder:
        daemon = await FakeDaemon(Path(folder) / "control.sock").start()
        if not locked:
            daemon.tell_box(state="unlocked")
        seconds = [0.0]
        app = Console(
            ControlClient(daemon.path),
            Words(language, UTC),
            clock=lambda: seconds[0],
            idle_check=0.01,
            now=lambda: datetime(2031, 3, 4, 14, 5, tzinfo=UTC),
        )
        try:
            async with app.run_test(size=size) as pilot:
                desk = Desk(app, pilot, daemon, seconds)
                app.bell = lambda: setattr(desk, "bells", desk.bells + 1)  # type: ignore[method-assign]
                yield desk
        finally:
            await daemon.stop()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnect nearly at once."""
    monkeypatch.setattr(line.follow, "__defaults__", ((0.01,),))


@pytest.fixture
async def desk(impatient: None) -> AsyncIterator[Desk]:
    async with sitting_down() as made:
        yield made
