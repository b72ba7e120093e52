"""Where a member of staff can go in the portal: what the policy's table lets their role do, and nothing else. Pure."""

from __future__ import annotations

from appliance.policy import TABLE, Action, Role

# Action that the page behind it asks for, its path, its word (the label is in _staff.html).
PLACES: tuple[tuple[Action, str, str], ...] = (
    ("see", "/staff", "sessions"),
    ("schedule", "/staff/planned", "planned"),
    ("see_people", "/staff/patients", "people"),
    ("answer_question", "/staff/questions", "questions"),
    ("see_notes", "/staff/notes", "notes"),
    ("handle_concern", "/staff/concerns", "concerns"),
    ("see_attendance", "/staff/attendance", "attendance"),
    ("see_staff", "/staff/people", "staff"),
    ("read_audit", "/staff/audit", "audit"),
    ("see_on_call", "/staff/on-call", "on_call"),
    ("see_account", "/staff/library", "library"),
    ("see_account", "/staff/account", "account"),
)


def places(role: Role) -> list[tuple[str, str]]:
    """Path and word of each place, in order."""
    return [(path, word) for action, path, word in PLACES if role in TABLE[action]]
