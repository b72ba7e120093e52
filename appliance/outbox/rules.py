"""Which records may leave the box, and how urgent each is: a table that a clinician could check. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.faults import Fault


@dataclass(frozen=True, slots=True)
class Rule:
    """`leaves`: whether HQ may have it at all. `priority`: lower goes first. `why` is for the person who checks."""

    leaves: bool
    priority: int
    why: str


URGENT, USUAL, BULK = 0, 10, 20

# A class that is not here cannot leave the box.
RULES: dict[str, Rule] = {
    "session_ended": Rule(True, USUAL, "That a session took place: pseudonyms, times, agreement versions. No names."),
    "consent_signed": Rule(
        True,
        USUAL,
        "Which version of the agreement a person signed, where their consent covers it. No name.",
    ),
    "disclosure_granted": Rule(True, USUAL, "That a person, by pseudonym, lets HQ have records: which, until when."),
    "disclosure_ended": Rule(True, USUAL, "That such a consent has ended, so that HQ acts on it."),
    "pack_applied": Rule(True, USUAL, "That a pack from HQ counts here now: its number and hash, kinds of its items."),
    "pack_refused": Rule(
        True, URGENT, "That a pack cannot be applied, and why, a code: those behind it wait until HQ mends it."
    ),
    "tls_request": Rule(
        True, USUAL, "The request for a certificate of the box's own name: name and public key. The key stays here."
    ),
    "log_adopted": Rule(
        True,
        URGENT,
        "That this box was set back and goes on after what HQ had: how many segments. No person, no reason.",
    ),
    "audit_checkpoint": Rule(
        True, BULK, "How many entries the audit has and the hash over them: proof that none was taken out. No entry."
    ),
    "notes_recovery_share": Rule(
        True,
        USUAL,
        "The recovery key of the notes, sealed to headquarters, because a clinical lead decided so. No note, no name:"
        " without the box's store it opens nothing.",
    ),
}


def priority_of(record_class: str) -> int:
    """The class's priority; Fault `refused` for a class that must stay on the box, named in the table or not."""
    rule = RULES.get(record_class)
    if rule is None or not rule.leaves:
        raise Fault("refused", "record class may not leave the box")
    return rule.priority
