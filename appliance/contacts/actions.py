"""See and change who can be called: in an emergency (on every page), and of the staff (on call)."""

from __future__ import annotations

from collections.abc import Sequence

from appliance.contacts import rows
from appliance.contacts.rules import Contact, List
from appliance.policy import Action, Actor, Facts, decide
from appliance.store.database import Transaction

EDITS: dict[List, Action] = {"emergency": "edit_contacts", "on_call": "edit_on_call"}


def see(tx: Transaction, actor: Actor) -> tuple[tuple[Contact, ...], tuple[Contact, ...]]:
    """Emergency contacts, and who of the staff is on call."""
    decide(actor, "see_on_call", Facts(leaders=(actor.person,)))
    return rows.contacts(tx, "emergency"), rows.contacts(tx, "on_call")


def change(tx: Transaction, actor: Actor, which: List, new: Sequence[Contact], at: str) -> None:
    """This list from now on."""
    rows.replace(tx, decide(actor, EDITS[which], Facts()), which, new, at)
