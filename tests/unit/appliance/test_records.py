"""RECORDS.md tells of every class that leaves the box, as rules.py and the bodies themselves have it."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from appliance.audit.record import AuditCheckpoint
from appliance.disclosures.actions import Ended, Granted, Signed
from appliance.notes.access.record import RecoveryShare
from appliance.outbox.record import LogAdopted
from appliance.outbox.rules import RULES
from appliance.packs.record import PackFate, TlsRequest
from appliance.sessions.record import Attendee, SessionEnded

TEXT = (Path(__file__).parents[3] / "appliance" / "outbox" / "RECORDS.md").read_text()
BODIES: dict[str, type[msgspec.Struct]] = {
    "session_ended": SessionEnded,
    "consent_signed": Signed,
    "disclosure_granted": Granted,
    "disclosure_ended": Ended,
    "pack_applied": PackFate,
    "pack_refused": PackFate,
    "tls_request": TlsRequest,
    "log_adopted": LogAdopted,
    "audit_checkpoint": AuditCheckpoint,
    "notes_recovery_share": RecoveryShare,
}


@pytest.mark.parametrize("name", RULES)
def test_every_class_is_told_with_its_rule_and_priority(name: str) -> None:
    rule = RULES[name]
    leaves = "yes" if rule.leaves else "no"
    row = rf"^\| `{name}` \| {leaves} \| {rule.priority} \| `[a-z_/]+\.py` \| {re.escape(rule.why)} \|$"
    assert re.search(row, TEXT, re.MULTILINE)


def test_no_class_is_told_that_is_not_in_the_table() -> None:
    assert set(re.findall(r"^\| `([a-z_]+)` \| (?:yes|no) \|", TEXT, re.MULTILINE)) == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_every_field_of_a_body_is_told(name: str) -> None:
    assert name in BODIES, "name its body here, and its fields in RECORDS.md"
    fields = {
        field.name
        for body in ((BODIES[name], Attendee) if name == "session_ended" else (BODIES[name],))
        for field in msgspec.structs.fields(body)
    }
    told = set(re.findall(r"`([a-z_]+)`", TEXT[TEXT.index("## Fields") :]))
    assert fields <= told


@pytest.mark.parametrize("name", RULES)
def test_what_makes_a_class_is_a_file_that_names_or_imports_it(name: str) -> None:
    found = re.search(rf"^\| `{name}` \|[^`]*`([a-z_/]+\.py)`", TEXT, re.MULTILINE)
    assert found is not None
    assert "outbox" in (Path(__file__).parents[3] / "appliance" / found[1]).read_text()
