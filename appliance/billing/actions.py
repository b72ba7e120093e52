"""What billing may see: attendances, a month at a time. Each person shown is an entry of the audit."""

from __future__ import annotations

from appliance.audit import rows as audit
from appliance.billing import rows, rules
from appliance.policy import Actor, Facts, decide
from appliance.store.database import Transaction

PAGE = 200  # attendances on one page
FILE = 20_000  # in one file: a month of a large clinic


def see(
    tx: Transaction, actor: Actor, month: str, at: str, *, whole: bool = False
) -> tuple[list[str], str, list[rules.Attendance], bool]:
    """The months there are, the one shown ("" for the newest), its attendances, and whether some were left out.

    Faults: refused, bad_request.
    """
    decide(actor, "see_attendance", Facts())
    months = rows.months(tx)
    wanted = month or (months[0] if months else at[:7])
    since, until = rules.month(wanted)
    limit = FILE if whole else PAGE
    found = rows.attendances(tx, since, until, limit + 1)
    for person in dict.fromkeys(one.person for one in found[:limit]):
        audit.append(tx, decide(actor, "see_attendance", Facts(person=person)), at)
    return months, wanted, found[:limit], len(found) > limit
