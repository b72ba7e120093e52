"""Who reads what HQ gave back: the clinical lead, and each reading is in the audit."""

from __future__ import annotations

from appliance.audit import rows as audit
from appliance.faults import Fault
from appliance.policy import Actor, Facts, decide
from appliance.returned import rows, rules
from appliance.returned.rows import Count, Place, Returned
from appliance.returned.rules import Session
from appliance.store.database import Transaction

PAGE = 30  # records at a time: 30 bodies of 64 KiB in base64 stay below what one answer may have
SHOWN = 50  # sessions on a page
SESSION = "session_ended"


def see(tx: Transaction, actor: Actor, skip: int, at: str) -> tuple[list[Count], list[Session], bool]:
    """What came back, sessions of lost boxes from number `skip` on, the newest first, and whether there are more.

    Faults: refused.
    """
    permit = decide(actor, "read_returned", Facts())
    found = rows.newest(tx, SESSION, SHOWN + 1, skip)
    audit.append(tx, permit, at)
    return rows.counts(tx), [rules.session(one.box, one.body) for one in found[:SHOWN]], len(found) > SHOWN


def page(tx: Transaction, actor: Actor, after: str, at: str) -> tuple[list[Returned], str]:
    """Records as they are, and where to go on from, "" at the end. Faults: refused, bad_request."""
    permit = decide(actor, "read_returned", Facts())
    found, place = rows.after(tx, _place(after), PAGE)
    if not after:
        audit.append(tx, permit, at)
    return found, _text(place) if len(found) == PAGE else ""


def _place(text: str) -> Place:
    if not text:
        return rows.START
    try:
        box, number, digest = text.split(".")
        return bytes.fromhex(box), int(number), bytes.fromhex(digest)
    except ValueError:
        raise Fault("bad_request", "after") from None


def _text(place: Place) -> str:
    return f"{place[0].hex()}.{place[1]}.{place[2].hex()}"
