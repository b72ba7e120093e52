"""Write a group's card in its own words, or take the clinic's again. Each runs in one transaction."""

from __future__ import annotations

from appliance.care import rows as care
from appliance.faults import Fault
from appliance.guidelines import rows
from appliance.guidelines.rules import LANGUAGES, Kind, written
from appliance.policy import Actor, decide
from appliance.store.database import Transaction


def edit(
    tx: Transaction, actor: Actor, care_group: str, kind: Kind, language: str, title: str, body: str, base: int, at: str
) -> None:
    """A new version on top of version `base`, 0 for the first. Faults: refused, not_found, bad_request, wrong_state
    (somebody else wrote meanwhile)."""
    permit = decide(actor, "edit_guidelines", care.facts(tx, care_group))
    if language not in LANGUAGES:
        raise Fault("bad_request", "language")
    if rows.last(tx, care_group, kind, language) != base:
        raise Fault("wrong_state", "another version was written meanwhile")
    rows.write(tx, permit, care_group, kind, language, *written(title, body), at)


def reset(tx: Transaction, actor: Actor, care_group: str, kind: Kind, language: str, at: str) -> None:
    """The clinic's words again; the group's own stay in its earlier versions. Nothing happens where they count."""
    permit = decide(actor, "edit_guidelines", care.facts(tx, care_group))
    if language not in LANGUAGES:
        raise Fault("bad_request", "language")
    if rows.newest(tx, care_group, kind, language) is not None:
        rows.write(tx, permit, care_group, kind, language, "", "", at)
