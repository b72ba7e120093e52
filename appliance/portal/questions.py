"""The question box: a patient asks before the hour, staff answer at the portal (C31).

What is asked and answered stands in the store alone: not in the audit, a log or an address.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from appliance.clinic import Clinic
from appliance.clock import now_text
from appliance.faults import Fault
from appliance.orientation import actions, rows
from appliance.orientation.rules import MAX_ANSWER, MAX_OPEN, MAX_QUESTION
from appliance.policy import Actor, Facts, decide, may_ever
from appliance.portal import bodies, forms, logins, pages
from appliance.portal.logins import Staff, Visitor
from appliance.portal.noting import me, noted
from appliance.portal.route import Route
from appliance.portal.state import clinic_of
from appliance.portal.way import posted, write
from appliance.store.database import Transaction

HOME = "/staff/questions"
OWN = "/join/questions"


# -- a patient's own ---------------------------------------------------------------------------------------------------


async def box(request: web.Request, clinic: Clinic, who: Visitor) -> dict[str, Any]:
    """What a page needs to show somebody's questions and answers. Answers that were on a page count as read."""
    person = who.member.person
    found = await clinic.db.read(lambda tx: rows.of_person(tx, person))
    if any(one.answered_at and not one.read_at for one in found):
        await clinic.db.write(lambda tx: rows.mark_read(tx, person, now_text()))
    return {
        "questions": [_shown(request, one) for one in found],
        "may_ask": sum(not one.answered_at for one in found) < MAX_OPEN,
        "most": MAX_QUESTION,
        "typed": "",
    }


async def unread(clinic: Clinic, who: Visitor) -> int:
    """How many answers this patient has not seen yet."""
    found = await clinic.db.read(lambda tx: rows.of_person(tx, who.member.person))
    return sum(bool(one.answered_at) and not one.read_at for one in found)


async def own(request: web.Request) -> web.StreamResponse:
    """A patient's questions with their answers, at any time of the visit."""
    return await _own(request, await logins.visitor(request, clinic_of(request)))


async def _own(request: web.Request, who: Visitor, fault: Fault | None = None, typed: str = "") -> web.Response:
    context = await box(request, clinic_of(request), who)
    asked = "" if fault else request.query.get("done", "")
    over = who.session.state == "ended" or who.member.standing not in ("joining", "waiting")
    context |= {"typed": typed, "asked": asked == "asked", "may_ask": context["may_ask"] and not over, "over": over}
    return pages.render(request, "questions.html", context, fault=fault)


async def ask(request: web.Request) -> web.StreamResponse:
    who, form = await posted(request)
    text = bodies.long_field(form, "question", 4 * MAX_QUESTION)
    try:
        await write(request, who, lambda tx, actor: put(tx, actor, text))
    except Fault as fault:
        if fault.code not in ("bad_request", "wrong_state"):
            raise
        return await _own(request, who, fault, text)
    raise web.HTTPSeeOther(f"{OWN}?done=asked")


def put(tx: Transaction, actor: Actor, text: str) -> None:
    """One question into the box."""
    actions.ask(tx, actor, text, now_text())


# -- staff -------------------------------------------------------------------------------------------------------------


async def desk(request: web.Request) -> web.StreamResponse:
    return await _desk(request, await logins.staff(request, clinic_of(request)))


async def _desk(
    request: web.Request, who: Staff, fault: Fault | None = None, at: str = "", typed: str = ""
) -> web.Response:
    clinic = clinic_of(request)
    seen = await clinic.db.read(lambda tx: actions.see(tx, who.actor))
    listed = [one.id for one in (*seen.open, *seen.answered)]
    await clinic.audit.looked(
        who.actor, "answer_question", listed, lambda tx, one: decide(who.actor, "answer_question", rows.facts(tx, one))
    )
    context = {
        "me": me(who),
        "open": [_shown(request, one) for one in seen.open],
        "answered": [_shown(request, one) for one in seen.answered],
        "at": at,
        "typed": typed,
        "most": MAX_ANSWER,
        "done": "" if fault else request.query.get("done", ""),
    }
    return pages.render(request, "staff_questions.html", context, fault=fault)


async def waiting(clinic: Clinic, who: Staff) -> int:
    """How many questions wait for an answer of `who`."""
    if not may_ever(who.actor, "answer_question"):
        return 0
    return len((await clinic.db.read(lambda tx: actions.see(tx, who.actor))).open)


async def answer(request: web.Request) -> web.StreamResponse:
    clinic, question = clinic_of(request), request.match_info["question"]
    who, form = await logins.posted(request, clinic), await forms.read(request)
    text = bodies.long_field(form, "answer", 4 * MAX_ANSWER)
    try:
        await noted(
            clinic,
            who,
            "answer_question",
            Facts(thing=question),
            lambda tx: actions.answer(tx, who.actor, question, text, now_text()),
        )
    except Fault as fault:
        if fault.code != "bad_request":
            raise
        return await _desk(request, who, fault, question, text)
    raise web.HTTPSeeOther(f"{HOME}?done=answered")


def _shown(request: web.Request, one: rows.Question) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "group": one.group_name,
        "text": one.text.split("\n"),
        "asked": pages.day_and_time(request, one.asked_at),
        "answer": one.answer.split("\n") if one.answer else [],
        "answered": pages.day_and_time(request, one.answered_at) if one.answered_at else "",
        "by": one.answered_by,
        "new": bool(one.answered_at) and not one.read_at,
    }


ROUTES: tuple[Route, ...] = (
    Route("GET", HOME, desk, ("answer_question",)),
    Route("POST", f"{HOME}/{{question}}", answer, ("answer_question",)),
)
