"""What the console says of headquarters' side: only what there is to say, and what wants somebody, first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from appliance.control.types import Sync
from tui.model import Known, needs
from tui.screens.headquarters import packs
from tui.words import LANGUAGES, Language, Words

TODAY = datetime(2031, 3, 4, 14, 5, tzinfo=UTC)


def sync(**changed: Any) -> Sync:
    facts: dict[str, Any] = {"queued": 0, "last_receipt_at": "", "last_attempt_at": "", "fault": ""}
    return Sync(**{"state": "up_to_date", **facts, **changed})


def told(found: Sync, language: Language = "en") -> str:
    lines = packs(found, Words(language, UTC), TODAY)
    assert all(len("  ".join(line)) <= 78 for line in lines), [line for line in lines if len("  ".join(line)) > 78]
    return "\n".join("  ".join(line) for line in lines)


def test_a_box_without_hq_has_nothing_to_tell() -> None:
    assert packs(sync(state="not_enrolled", update="0.6.0"), Words("en", UTC), TODAY) == []


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({}, "nothing yet"),
        ({"packs_applied": 7}, "all of it is in use, up to number 7"),
        ({"packs_applied": 7, "packs_waiting": 2}, "2 packs wait"),
        ({"packs_applied": 7, "pack_fault": "unsupported_version"}, "number 8 can't be used"),
        ({"pack_fault": "unsupported_version"}, "A newer version made it."),
        ({"pack_fault": "mumps"}, "(mumps)"),
        ({"heard_at": "2031-01-01T10:00:00Z", "silent_days": 62}, "SILENT FOR 62 DAYS"),
        ({"update": "0.6.0", "update_since": "2031-03-01"}, "0.6.0 is there since 2031-03-01"),
        ({"update": "0.6.0", "update_since": "\x1b[31m"}, "0.6.0 is there since ?"),
        ({"portal_name": "box7.clinic.example", "portal_certificate_days": 59}, "59 days left"),
        ({"portal_name": "box7.clinic.example", "portal_certificate_days": 20}, "ENDS IN 20 DAYS"),
        ({"portal_name": "box7.clinic.example", "portal_certificate_days": -1}, "ENDED"),
        ({"to_appoint": 1}, "1 person to appoint"),
        ({"kept_accounts": 1}, "HQ wants the last administrator changed"),
    ],
)
def test_each_fact_is_told_where_there_is_one(facts: dict[str, Any], words: str) -> None:
    assert words in told(sync(**facts))


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_at_once_fits_a_line_each(language: Language) -> None:
    everything = sync(
        packs_applied=123456,
        pack_fault="certificate_unfit",
        heard_at="2031-01-01T10:00:00Z",
        silent_days=365,
        update="10.60.0",
        update_since="2031-03-01",
        portal_name="box7.clinic.example",
        portal_certificate_days=5,
        to_appoint=12,
        kept_accounts=1,
    )
    assert len(told(everything, language).splitlines()) == 7


def test_what_hq_needs_somebody_for_is_on_the_first_page() -> None:
    found = sync(pack_fault="item_older", silent_days=31, portal_certificate_days=27)
    assert [one.kind for one in needs(Known(sync=found))] == ["pack_refused", "hq_silent", "name_ends"]
    assert needs(Known(sync=sync(portal_certificate_days=28))) == ()
    assert needs(Known(sync=sync(state="not_enrolled", silent_days=31))) == ()
