"""The patient's waiting page: how far the hour is, how long it takes, and staff's line; with and without script.

All of it stands in the page itself, so nothing is lost on a reload and a browser without script has it too; the event
`wait` on the room's socket says the same again when it changes (webclient/src/hour/wait.ts).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from aiohttp import web

from appliance import showing
from appliance.clinic import Clinic
from appliance.clock import now_text, parse
from appliance.faults import Fault
from appliance.portal import bodies, pages, questions
from appliance.portal.logins import Visitor
from appliance.portal.route import Route
from appliance.portal.way import posted, write
from appliance.sessions import rows, waiting
from appliance.sessions.rules import Phase

Said = Literal["notOpen", "open", "begun", "locked", "leaderAway"]
LONGER = 2  # times the average: then it is said that today it may take longer


@dataclass(frozen=True, slots=True)
class Hour:
    """How far the hour is, for somebody who waits for it."""

    phase: Phase
    locked: bool
    leader_here: bool


def said(hour: Hour) -> Said:
    """Which sentence tells how far it is: the first that explains the wait. As in webclient/src/hour/waitrules.ts."""
    if hour.phase in ("scheduled", "ended"):
        return "notOpen"
    if not hour.leader_here:
        return "leaderAway"
    if hour.locked:
        return "locked"
    return "open" if hour.phase == "open" else "begun"


def longer(waited: float, minutes: int | None) -> bool:
    """Whether somebody has waited so long, in seconds, that it should be said that today it may take longer."""
    return minutes is not None and waited > LONGER * minutes * 60


async def facts(request: web.Request, clinic: Clinic, who: Visitor) -> dict[str, Any]:
    """What the page needs besides the room's own: `wait`, and how many answers are unread."""
    at, own = now_text(), who.member
    minutes, members = await clinic.db.read(lambda tx: (waiting.average_wait(tx, at), rows.members(tx, who.session.id)))
    leader = showing.session_fact(who.session, members, clinic.live.present)["leader"]
    waited = max(0.0, (parse(at) - parse(own.waiting_since)).total_seconds()) if own.waiting_since else 0.0
    shown = showing.wait(who.session, own, minutes)
    wait = {
        **shown,
        "said": said(Hour(who.session.phase, shown["locked"], leader["here"])),
        "waited": round(waited),
        "longer": longer(waited, minutes),
        "messageTime": pages.time_of_day(request, own.message_at) if own.message else "",
    }
    return {"wait": wait, "unread": await questions.unread(clinic, who)}


async def phrase(request: web.Request) -> web.StreamResponse:
    """The check phrase typed without script. The page that follows says how it went."""
    who, form = await posted(request)
    text = bodies.field(form, "text")
    try:
        await write(request, who, lambda tx, actor: waiting.answer_phrase(tx, actor, text, now_text()))
    except Fault as fault:
        if fault.code not in ("bad_request", "wrong_state", "too_many_tries"):
            raise
        raise web.HTTPSeeOther(f"/join/wait?phrase={fault.code}#phrase") from None
    raise web.HTTPSeeOther("/join/wait#phrase")


def complaint(request: web.Request) -> str:
    """Of the phrase that was just sent: the code of what was wrong, "" if nothing was."""
    asked = request.query.get("phrase", "")
    return asked if asked in ("bad_request", "too_many_tries") else ""


ROUTES: tuple[Route, ...] = (Route("POST", "/join/phrase", phrase, ("answer_phrase", "see_own_place")),)
