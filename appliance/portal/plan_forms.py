"""The form of a plan: from what was typed to a `Plan`, and back to the form with nothing lost.

Without a script, searching for people is a press of a button that brings the form back: who is ticked stays in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from appliance import clock
from appliance.people.rules import PAGE, fold, matches, number
from appliance.portal import bodies
from appliance.sessions import planning, rows
from appliance.sessions.plan import Choices, first_name
from appliance.sessions.planning import Plan
from appliance.sessions.rules import MAX_DISPLAY_NAME, MAX_MEMBERS

WALL: tzinfo | None = None  # the clock on the wall is the machine's
MAX_TICKS = 200  # of one name in a form; a room holds 16


@dataclass(frozen=True, slots=True)
class Typed:
    """The form's fields as they came. `names`: what the group sees of those who lead, by person."""

    title: str = ""
    day: str = ""
    time: str = ""
    times: str = "1"
    group: str = ""
    find: str = ""
    leaders: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)


def typed(form: Mapping[str, Any]) -> Typed:
    """Fault("bad_request") for more than a form of ours can hold."""
    leaders = bodies.fields(form, "leader", MAX_TICKS)
    names = {key[5:]: bodies.field(form, key) for key in list(form)[:1000] if key.startswith("name-")}
    one = {name: bodies.field(form, name) for name in ("title", "day", "time", "times", "group", "find")}
    people = bodies.fields(form, "person", MAX_TICKS)
    return Typed(**one, leaders=tuple(dict.fromkeys(leaders)), people=tuple(dict.fromkeys(people)), names=names)


def fresh(group: str = "", person: str = "") -> Typed:
    """An empty form: tomorrow at the full hour."""
    day, at = planning.wall(_now() + timedelta(days=1), WALL)
    return Typed(day=day, time=f"{at[:2]}:00", group=group, people=(person,) if person else ())


def of_session(session: rows.Session, members: list[rows.Member]) -> Typed:
    """The form of a session as it is planned now."""
    day, at = planning.wall(clock.parse(session.starts_at), WALL)
    leading = [m for m in members if m.facilitator]
    return Typed(
        title=session.title,
        day=day,
        time=at,
        leaders=tuple(m.person for m in leading),
        people=tuple(m.person for m in members if not m.facilitator),
        names={m.person: m.display_name for m in leading},
    )


def plan(given: Typed, choices: Choices, was: rows.Session | None = None) -> Plan:
    """What was typed as a plan. `was`: the session, whose own time is never too long ago. Faults: bad_request."""
    title = planning.title(given.title)
    if was and planning.wall(clock.parse(was.starts_at), WALL) == (given.day, given.time[:5]):
        starts = [was.starts_at]
    else:
        times = 1 if was else number(given.times)
        starts = planning.starts(given.day, given.time, times, _now(), WALL)
    full = {one.person: one.name for one in choices.leaders}
    leaders = [(one, given.names.get(one, "").strip() or first_name(full.get(one, "?"))) for one in given.leaders]
    return Plan(title, starts, given.group, leaders, given.people)


def context(given: Typed, choices: Choices, also: list[rows.Member] | None = None) -> dict[str, Any]:
    """What the template needs. `also`: who is in the plan already, whatever became of them."""
    known = {one.id: one.name for one in choices.people}
    leading = {one.person: one.name for one in choices.leaders}
    for member in also or ():
        (leading if member.facilitator else known).setdefault(member.person, member.name)
    ticked = [one for one in given.people if one in known]
    others = [one for one, name in known.items() if one not in ticked and matches(given.find, name)]
    return {
        "given": given,
        "groups": [{"id": one.id, "name": one.name} for one in choices.groups],
        "leaders": [
            {
                "id": one,
                "name": name,
                "ticked": one in given.leaders,
                "shown": given.names.get(one) or first_name(name),
            }
            for one, name in leading.items()
        ],
        "ticked": sorted(({"id": one, "name": known[one]} for one in ticked), key=lambda p: fold(p["name"])),
        "others": [{"id": one, "name": known[one]} for one in others[:PAGE]],
        "more": max(0, len(others) - PAGE),
        "everybody": len(known),
        "most": MAX_MEMBERS,
        "most_times": planning.MAX_TIMES,
        "most_title": planning.MAX_TITLE,
        "most_name": MAX_DISPLAY_NAME,
    }


def _now() -> datetime:
    return clock.moment()
