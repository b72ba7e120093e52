"""The audit as a file: a table for a spreadsheet, or one JSON object a line with the proof of each entry.

Names of persons stand in the columns for names, and nowhere else; there is no title, note or word of a session in it.
"""

from __future__ import annotations

import csv as tables
import io
from collections.abc import AsyncIterator, Sequence

from appliance.audit import proof
from appliance.audit.actions import Auditing, Page
from appliance.audit.checking import Stored
from appliance.audit.rows import Filter
from appliance.policy import Actor

COLUMNS = (
    *("number", "time_utc", "actor", "actor_name", "role", "surface", "address", "action", "outcome", "times"),
    *("person", "person_name", "session", "session_starts_utc", "member", "thing", "hash"),
)
# A spreadsheet would run what begins like this (OWASP, CSV injection); some take the wide forms and skip blanks.
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_BLANKS = ("\t", "\r", "\n")


async def csv(audit: Auditing, actor: Actor, wanted: Filter, after: int = 0) -> AsyncIterator[bytes]:
    """The table's head, then portions of its rows, UTF-8 with the mark that spreadsheets need. Faults: refused."""
    portions = audit.export(actor, wanted, after)
    first: Sequence[tuple[Stored, Page]] = await anext(portions, ())
    yield b"\xef\xbb\xbf" + _rows([COLUMNS, *(_row(row, page) for row, page in first)])
    async for portion in portions:
        yield _rows([_row(row, page) for row, page in portion])


async def lines(audit: Auditing, actor: Actor, wanted: Filter, after: int = 0) -> AsyncIterator[bytes]:
    """Portions of proofs, one a line (proof.py). Faults: refused, audit_broken."""
    portions = audit.export_proved(actor, wanted, after)
    yield b"".join(map(proof.exported, await anext(portions, [])))
    async for portion in portions:
        yield b"".join(map(proof.exported, portion))


def _rows(cells: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO()
    tables.writer(out, lineterminator="\r\n").writerows([[safe(str(cell)) for cell in row] for row in cells])
    return out.getvalue().encode()


def safe(cell: str) -> str:
    """The cell as text, whatever it begins with."""
    return f"'{cell}" if cell.lstrip().startswith(_FORMULA) or cell.startswith(_BLANKS) else cell


def _row(row: Stored, page: Page) -> tuple[object, ...]:
    e, names = row.entry, page.names
    whose = names.get(e.person) or names.get(e.subject, "")
    starts = page.starts.get(e.session, "")
    return (
        *(
            e.sequence,
            e.at,
            e.actor,
            names.get(e.actor, ""),
            e.role,
            e.surface,
            e.address,
            e.action,
            e.outcome,
            e.times,
        ),
        *(e.person, whose, e.session, starts, e.subject, e.thing, row.hash.hex()),
    )
