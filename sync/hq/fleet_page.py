"""The fleet on a terminal of 80 columns, as JSON, and as one page without script that a phone shows as well. Pure."""

from __future__ import annotations

import html
import json
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sync.hq.fleet import ORDER, WORDS, Line, State
from sync.terminal import counted

NOBODY: frozenset[State] = frozenset(("well", "new", "revoked"))  # states that ask for no person
_HEAD = f"{'BOX':8} {'NAME':16} {'HEARD':>6} {'WAITS':>6} {'VERSION':8} {'PACKS':>7} {'CERT':>6} WHAT"

_STYLE = """
:root{color-scheme:light dark;font:16px/1.45 system-ui,sans-serif}body{margin:1rem auto;max-width:70rem;
padding:0 .75rem}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .5rem;border-bottom:1px solid #8886}
td.n{text-align:right;font-variant-numeric:tabular-nums}code{font-size:.9em}.bad{font-weight:600}
.bad::before{content:"\\25B2\\00A0"}summary{padding:.75rem 0;cursor:pointer}
@media(max-width:40rem){thead{position:absolute;left:-99rem}tr{display:block;border:1px solid #8886;border-radius:.5rem;
margin:.5rem 0;padding:.4rem}td,td.n{display:flex;justify-content:space-between;gap:1rem;border:0;padding:.15rem .3rem;
text-align:right}td::before{content:attr(data-t);opacity:.7;text-align:left}}
"""
_TITLES = ("Name", "Box", "What", "Last heard", "Waits on the box", "Version", "Packs", "Certificate")


def as_text(lines: Sequence[Line], now: datetime) -> str:
    """At most 80 columns; the sum comes last, where the eye is."""
    rows = [_row(line, now) for line in lines]
    return "\n".join([_HEAD, *rows, summary(lines)])


def summary(lines: Sequence[Line]) -> str:
    """One sentence."""
    counts = Counter(line.state for line in lines)
    parts = [f"{counts[state]} {WORDS[state] or 'well'}" for state in ORDER if counts[state]]
    return (
        f"{counted(len(lines), 'box', 'boxes')}: {', '.join(parts)}."
        if lines
        else "No box is enrolled yet: hearth hq enroll"
    )


def as_json(line: Line, now: datetime) -> str:
    """One line of JSON."""
    return json.dumps(
        {
            "box": line.box.hex(),
            "name": line.name,
            "state": line.state,
            "heard": line.heard.isoformat() if line.heard else None,
            "queued": line.queued,
            "oldest": line.oldest.isoformat() if line.oldest else None,
            "version": line.version,
            "applied": line.applied,
            "packs": line.packs,
            "certificate_days": _days(line, now),
            "alarms": line.alarms,
        }
    )


def page(lines: Sequence[Line], now: datetime) -> str:
    """A whole page: who needs a person on top, the others folded away."""
    wanted = [line for line in lines if line.state not in NOBODY]
    rest = [line for line in lines if line.state in NOBODY]
    title = f"Boxes on {now:%Y-%m-%d %H:%M} UTC"
    first = _table(wanted, now) if wanted else "<p>No box needs a person.</p>"
    others = f"<details><summary>{len(rest)} others</summary>{_table(rest, now)}</details>" if rest else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body><h1>{title}</h1>"
        f"<p>{html.escape(summary(lines))}</p>{first}{others}</body></html>\n"
    )


def _table(lines: Sequence[Line], now: datetime) -> str:
    head = "".join(f'<th scope="col">{title}</th>' for title in _TITLES)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(_tr(line, now) for line in lines)}</tbody></table>"


def _tr(line: Line, now: datetime) -> str:
    waits = (
        "" if line.queued is None else f"{line.queued}, {ago(line.oldest, now)}" if line.oldest else str(line.queued)
    )
    days = _days(line, now)
    values = (
        html.escape(line.name or "no name"),
        f"<code>{line.box.hex()[:8]}</code>",
        html.escape(_what(line, now) or "well"),
        ago(line.heard, now) or "never",
        waits,
        html.escape(line.version),
        f"{line.applied} of {line.packs}" if line.packs else "",
        "" if days is None else f"{days} days",
    )
    kinds = ("", "", "" if line.state in NOBODY else "bad", "", "n", "", "n", "n")
    cells = zip(_TITLES, kinds, values, strict=True)
    return "<tr>" + "".join(f'<td data-t="{t}" class="{k}">{value}</td>' for t, k, value in cells) + "</tr>"


def _row(line: Line, now: datetime) -> str:
    queued = "" if line.queued is None else str(line.queued)
    packs, days = f"{line.applied}/{line.packs}" if line.packs else "", _days(line, now)
    cert = "" if days is None else f"{days} d"
    name, heard = _cut(line.name, 16), ago(line.heard, now) or "never"
    start = f"{line.box.hex()[:8]} {name:16} {heard:>6} {queued:>6.6} {line.version:8.8} {packs:>7.7} {cert:>6.6} "
    return _cut(start + _what(line, now), 80)


def _what(line: Line, now: datetime) -> str:
    since = {"silent": line.heard, "backlog": line.oldest}.get(line.state)
    if line.state == "certificate" and line.certificate is not None and line.certificate <= now:
        return "certificate ended"
    return f"{WORDS[line.state]} {ago(since, now)}".rstrip() if since else WORDS[line.state]


def ago(then: datetime | None, now: datetime) -> str:
    """How long ago, short: `5 min`, `3 h`, `12 d`; "" for never. A moment to come counts as now."""
    if then is None:
        return ""
    minutes = max(0, int((now - then).total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} d"


def _days(line: Line, now: datetime) -> int | None:
    return None if line.certificate is None else (line.certificate - now).days


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"
