"""What every step of a patient's way in needs: where they are on it, the form they sent, and the write that follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from aiohttp import web

from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.policy import Actor
from appliance.portal import bodies, forms, logins
from appliance.portal.logins import Visitor
from appliance.portal.state import clinic_of
from appliance.sessions import actions as sessions
from appliance.sessions.rules import Progress, Step, next_step, way
from appliance.store.database import Transaction

PAGES: dict[Step, str] = {
    "name": "/join/name",
    "agreement": "/join/agreement",
    "orientation": "/join/orientation",
    "devices": "/join/devices",
    "space": "/join/space",
    "wait": "/join/wait",
    "over": "/join/over",
}


async def progress(clinic: Clinic, who: Visitor) -> Progress:
    """How far this patient is, from what is stored."""
    return await clinic.db.read(lambda tx: sessions.progress(tx, who.member))


async def place(clinic: Clinic, who: Visitor) -> str:
    """The page where this patient belongs now."""
    return PAGES[next_step(await progress(clinic, who))]


def marked(reached: Progress, step: Step) -> dict[str, int]:
    """What the macro `steps` shows: which of how many steps this one is; nothing for one that is not on their way."""
    steps = way(reached)
    return {"now": steps.index(step) + 1, "all": len(steps)} if step in steps else {}


async def posted(request: web.Request) -> tuple[Visitor, Mapping[str, object]]:
    """Who sent a form, and its fields. Faults: not_signed_in, forged, bad_request."""
    who = await logins.visitor(request, clinic_of(request))
    form = await forms.read(request)
    logins.check_csrf(request, bodies.field(form, "csrf"))
    return who, form


async def write(request: web.Request, who: Visitor, work: Callable[[Transaction, Actor], None]) -> None:
    """Something a patient does that finishes no step."""
    clinic = clinic_of(request)
    await clinic.db.write(lambda tx: work(tx, who.actor))
    await clinic.live.changed(who.session.id)


async def step(request: web.Request, who: Visitor, work: Callable[[Transaction, Actor], None]) -> web.HTTPSeeOther:
    """A step behind them; with the last one they ask to come in. What it returns leads to the next page."""

    def done(tx: Transaction, actor: Actor) -> None:
        work(tx, actor)
        sessions.ask_if_ready(tx, actor, now_text())

    await write(request, who, done)
    return web.HTTPSeeOther("/join/next")
