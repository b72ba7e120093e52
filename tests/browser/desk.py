"""The page of who leads without a box: its real template, styles and script, told by a test what the box would say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from tests.browser.panels import Stage, built, plain

SESSION: dict[str, Any] = {
    "state": "open",
    "locked": False,
    "phase": "running",
    "leader": {"member": "me", "name": "Mara", "here": True},
    "byItself": False,
}
PEOPLE = [
    {"member": "me", "name": "Mara", "facilitator": True, "you": True, "connected": True},
    {"member": "co", "name": "Jonas", "facilitator": True, "you": False, "connected": True},
    {"member": "m2", "name": "Ada", "facilitator": False, "you": False, "connected": True},
    {"member": "m3", "name": "Tom", "facilitator": False, "you": False, "connected": True},
    {"member": "m4", "name": "Rosa", "facilitator": False, "you": False, "connected": False},
]
WAITERS: list[dict[str, Any]] = [
    {
        **{"member": "w1", "name": "Ada Brook", "displayName": "Ada", "since": "2026-11-22T10:01:00Z"},
        **{"vouched": False, "connected": True, "phrase": "blue kettle", "phraseAsked": False, "phraseGiven": ""},
        **{"phraseFits": False, "message": None},
    },
    {
        **{"member": "w2", "name": "Tomas Rivera", "displayName": "Tom", "since": "2026-11-22T10:02:00Z"},
        **{"vouched": True, "connected": True, "phrase": "seven geese", "phraseAsked": True},
        **{"phraseGiven": "eight geese", "phraseFits": False},
        "message": {"text": "We begin in a few minutes.", "at": "2026-11-22T10:03:00Z"},
    },
]
CONCERN = {"id": "c1", "member": "m2", "name": "Ada", "kind": "distress", "at": "2026-11-22T10:20:00Z"}
CARD = {"id": "k1", "kind": "rules", "at": "2026-11-22T10:04:00Z", "to": "", "done": ["m2", "m3"], "open": ["m4"]}
PHASES: dict[str, dict[str, Any]] = {
    "scheduled": {"state": "scheduled", "phase": "scheduled"},
    "open": {"phase": "open"},
    "rules": {"phase": "rules"},
    "running": {},
    "locked": {"locked": True, "byItself": True},
    "paused": {"phase": "paused"},
    "leader away": {"leader": {"member": "co", "name": "Jonas", "here": False}},
    "ended": {"state": "ended", "phase": "ended"},
}


class Desk(Stage):
    """The page with `desk` on it: what was asked of the box, and `tell` for what it says."""

    async def tell(self, event: str, data: dict[str, Any]) -> None:
        await self.run("([event, data]) => desk.tell(event, data)", [event, data])

    async def session(self, phase: str = "running", **facts: Any) -> None:
        await self.tell("session", {**SESSION, **PHASES[phase], **facts})

    async def people(self, *people: dict[str, Any]) -> None:
        await self.tell("roster", {"members": list(people) or PEOPLE})

    async def waiting(self, *people: dict[str, Any]) -> None:
        await self.tell("waiting", {"members": list(people)})

    async def hands(self, *queue: tuple[str, str]) -> None:
        await self.tell("hands", {"queue": [{"member": member, "name": name} for member, name in queue]})

    async def concerns(self, *open: dict[str, Any]) -> None:
        await self.tell("concerns", {"open": list(open)})

    async def calls(self) -> list[str]:
        return list(await self.run("() => desk.calls.splice(0)"))


def desk_script(folder: Path) -> Path:
    return built(folder).with_name("lead.js")


async def desk(browser: Browser, script: Path, page: str = "session", **more: Any) -> Desk:
    """A running session with five people in it, of whom two lead; nobody waits."""
    made = await plain(browser, page, **{"width": 1280, "height": 900, **more})
    await made.add_script_tag(path=script, type="module")
    await made.wait_for_function("() => window.lead")
    await made.evaluate("() => { window.desk = lead(); }")
    stage = Desk(made)
    await stage.session()
    await stage.people()
    await stage.waiting()
    await stage.tell("expected", {"members": []})
    return stage
