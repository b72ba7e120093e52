"""What headquarters sent down and what it told, as facts of the sync page. Only what there is to say is said."""

from __future__ import annotations

from datetime import date, datetime

from appliance.control.types import Sync
from tui.model import NAME_ENDS_SOON
from tui.screens.facts import Fact
from tui.words import Words, plain


def packs(sync: Sync, words: Words, today: datetime) -> list[Fact]:
    """Whether HQ is heard, whether what it sent counts, and what else it told of."""
    if sync.state == "not_enrolled":
        return []
    made: list[Fact] = []
    if sync.heard_at:
        verdict = words("hq.silent", days=sync.silent_days) if sync.silent_days else ""
        made.append((words("hq.heard"), words.moment(sync.heard_at, today), verdict))
    made.append((words("hq.packs"), *_standing(sync, words)))
    if sync.pack_fault:
        made.append(("", words.pack_fault(sync.pack_fault), ""))
    if sync.update:
        made.append((words("hq.release"), words("hq.release_there", release=plain(sync.update), since=_day(sync)), ""))
    if sync.portal_name and sync.portal_certificate_days is not None:
        made.append((words("hq.certificate"), plain(sync.portal_name), _left(sync.portal_certificate_days, words)))
    if sync.to_appoint:
        made.append((words("hq.staff"), words.count("hq.to_appoint", sync.to_appoint), ""))
    if sync.kept_accounts:
        made.append((words("hq.staff"), words("hq.kept_accounts"), ""))
    return made


def _standing(sync: Sync, words: Words) -> tuple[str, str]:
    if sync.pack_fault:
        return words("hq.refused", number=sync.packs_applied + 1), words("hq.waits")
    if sync.packs_waiting:
        return words.count("hq.waiting", sync.packs_waiting), ""
    return (words("hq.applied", number=sync.packs_applied) if sync.packs_applied else words("hq.none")), ""


def _left(days: int, words: Words) -> str:
    if days < 0:
        return words("hq.ended")
    return words("hq.ends_soon", days=days) if days < NAME_ENDS_SOON else words("hq.days_left", days=days)


def _day(sync: Sync) -> str:
    """The release's day as it came, if it is one."""
    try:
        return date.fromisoformat(sync.update_since).isoformat()
    except ValueError:
        return "?"
