"""`hearth doctor`: looks at machine, disk, clock and network, measures the relay, says what this box can carry.

The figures are kept for `hearth up` (`carrying.py`). Nothing is measured while people are in a room: it would take
their processor. Exit codes: 0 all is well, 1 something needs somebody, 2 bad usage.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from appliance import carrying, settings
from appliance.clock import now_text
from appliance.doctor import asking, machine, network, rules
from appliance.doctor.facts import Box, Facts, Forwarding
from appliance.doctor.rules import Finding
from appliance.faults import Fault
from appliance.home import Home

MARKS = {"ok": "ok     ", "look": "look   ", "bad": "NOT OK ", "unknown": "?      "}


def doctor(root: Path, *, as_json: bool) -> int:
    """Look, keep, print. Faults of the home and the settings are the caller's to print."""
    home = Home(root)
    home.make()
    chosen = settings.load(home.settings)
    facts = look(home, asking.box(home.control_socket), asking.forwarding)
    found = rules.findings(facts)
    try:
        _keep(home, facts)
        carrying.write_for_unit(home, carrying.of_this_box(home, chosen.media))
    except Fault:
        found.append(Finding("kept", "bad", "The figures could not be kept: the box's folder cannot be written to."))
    capacity = carrying.of_this_box(home, chosen.media)
    people = asking.people(capacity.kbps, capacity.packets)
    told = rules.summary(capacity, people, facts.interfaces)
    sys.stdout.write(_json(facts, found, capacity, people) if as_json else text(found, told, restart=facts.box.running))
    return rules.exit_code(found)


def look(home: Home, box: Box, measure: Callable[[], Forwarding | None]) -> Facts:
    """Everything; the relay is measured only while nobody is in a room."""
    forwarding = measure() if box.people == 0 else None
    return Facts(
        machine=machine.look(home.root),
        interfaces=network.interfaces(),
        box=box,
        forwarding=forwarding,
        why="" if forwarding else "session" if box.people else "failed",
    )


def _keep(home: Home, facts: Facts) -> None:
    """What could not be measured this time keeps its figure of before, if that is of this machine."""
    line, before = rules.line(facts.interfaces), carrying.read(home)
    if facts.forwarding is None:
        return
    same_line = before is not None and line is not None and before.network == line.name
    carrying.write(
        home,
        carrying.Kept(
            version=carrying.VERSION,
            measured_at=now_text(),
            machine=facts.machine.name,
            cores=facts.machine.cores,
            network=line.name if line else "",
            kbps=rules.kbps(facts.interfaces) or (before.kbps if before and same_line else 0),
            packets=rules.packets(facts),
        ),
    )


def text(found: Sequence[Finding], told: Sequence[str], *, restart: bool) -> str:
    """For a person: what was looked at, then what this box can carry."""
    lines = [f"{MARKS[one.mark]}{one.sentence}" for one in found]
    last = ["A box that runs already reckons with it from its next start."] if restart else []
    return "\n".join([*lines, "", *told, *last]) + "\n"


def _json(facts: Facts, found: Sequence[Finding], capacity: carrying.Capacity, people: dict[str, int] | None) -> str:
    whole = {"version": carrying.VERSION, "findings": found, "capacity": capacity, "people": people, "facts": facts}
    return msgspec.json.encode(whole).decode() + "\n"
