"""How sealed records travel and what came of the last stick, as facts of the sync page. What is unknown is not said."""

from __future__ import annotations

from datetime import datetime

from appliance.control.types import StickState, Sync
from tui.estimates import estimate
from tui.screens.facts import Fact, bar
from tui.words import Words, plain

MOST_REFUSED = 3  # files told of on the page; `hearth sync import` tells all


def standing(sync: Sync, words: Words) -> list[Fact]:
    """The state, and what stands in the way."""
    if sync.trouble:
        made: list[Fact] = [(words("sync.trouble"), words.sync_fault(sync.trouble), words("sync.decide"))]
    else:
        made = [(words("sync.state"), words(f"sync.{sync.state}"), "")]
    if sync.fault and sync.fault != sync.trouble:
        made.append((words("sync.fault"), words.sync_fault(sync.fault), ""))
    return made


def travel(sync: Sync, words: Words, today: datetime) -> list[Fact]:
    """What waits and for how long, the newest receipt, since when HQ is missed."""
    made: list[Fact] = [(words("sync.queued"), _waiting(sync, words, today), "")]
    made += _expected(sync, words, today)
    made.append((words("sync.last_receipt"), words.moment(sync.last_receipt_at, today), ""))
    if sync.unreachable_since:
        missed = words.moment(sync.unreachable_since, today)
        tried = words("sync.tried", moment=words.moment(sync.last_attempt_at, today))
        made.append((words("sync.since"), f"{missed}; {tried}" if sync.last_attempt_at else missed, ""))
    if sync.exported_at:
        made.append((words("sync.exported"), words.moment(sync.exported_at, today), ""))
    return made


def stick(told: StickState, words: Words) -> list[Fact]:
    """The one under way, or what came of the last one."""
    if told.step:
        return [(words("sync.stick"), f"{bar(told.percent / 100)} {words(f'sync.stick.{told.step}')}", "")]
    if not told.way:
        return []
    made: list[Fact] = [(words("sync.stick"), _came_of(told, words), "")]
    if told.fault:
        made.append(("", words.stick_fault(told.fault), words("sync.stick.failed")))
    for one in told.refused[:MOST_REFUSED]:
        made.append(("", words("sync.stick.refused", name=plain(one.name), why=words.sync_fault(one.code)), ""))
    more = len(told.refused) - MOST_REFUSED
    return [*made, ("", words("sync.stick.more", n=more), "")] if more > 0 else made


def _waiting(sync: Sync, words: Words, today: datetime) -> str:
    said = words.count("sync.records", sync.queued)
    if not sync.queued:
        return said
    if sync.queued_bytes:
        said += ", " + _size(sync.queued_bytes, words)
    return said + (", " + words("sync.oldest", moment=words.moment(sync.oldest_at, today)) if sync.oldest_at else "")


def _expected(sync: Sync, words: Words, today: datetime) -> list[Fact]:
    """How long it will take, at which rate, and what a budget leaves."""
    found = estimate(sync)
    made: list[Fact] = []
    if found.kind != "nothing":
        until = words.moment(found.until, today) if found.until else "?"
        said = words(f"sync.estimate.{found.kind}", span=words.span(found.seconds), days=found.days, until=until)
        made.append((words("sync.estimate"), said, ""))
    if sync.rate > 0 and sync.queued:
        made.append((words("sync.rate"), words("sync.per_second", size=_size(sync.rate, words)), ""))
    if sync.budget_left >= 0:
        sizes = {"spent": _size(sync.bytes_today, words), "left": _size(sync.budget_left, words)}
        made.append((words("sync.budget"), words("sync.budget_value", **sizes), ""))
    return made


def _came_of(told: StickState, words: Words) -> str:
    if told.way == "export":
        return words("sync.stick.export", n=told.segments, size=_size(told.bytes, words), there=told.there)
    if told.nothing:
        return words("sync.stick.nothing")
    return words("sync.stick.import", n=told.settled, packs=told.packs)


def _size(size: float, words: Words) -> str:
    """In the largest unit that leaves a figure before the decimal sign: sizes of 1,000 as on a bill for a line."""
    if size >= 1e6:
        return words("unit.mb", size=words.number(size / 1e6, 1))
    return words("unit.kb", size=words.number(max(size, 1) / 1e3, 1 if size < 1e4 else 0))
