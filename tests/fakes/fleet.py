"""Boxes as headquarters' store knows them: envelopes of any records, put where intake would have put them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sync import envelope, receipt, suite
from sync.checkpoint import EMPTY, extend
from sync.content import Record
from sync.hq import folder as hq_folder
from sync.hq.objects import object_path
from sync.keys import BoxFacts, HqFacts

AT = "2026-01-02T03:04:05Z"


def make(folder: Path) -> HqFacts:
    """An HQ with keys and no boxes."""
    return hq_folder.init(folder, hq_folder.DEFAULT_URL, datetime.now(UTC))


class StoredBox:
    """A box that is enrolled, and its log in the local store of `folder`."""

    def __init__(self, folder: Path, hq: HqFacts, box: bytes = b"B" * 16) -> None:
        self.folder, self.hq = folder, hq
        self.key = suite.SigningKey(suite.new_seed())
        self.inbox = suite.RecordKey(suite.new_seed())
        self.facts = BoxFacts(box, self.key.public, self.inbox.public)
        self.sealed: list[bytes] = []
        self.tree = EMPTY
        self.number = 0
        hq_folder.enroll(folder, self.facts)

    def record(self, record_class: str, body: object, at: str = AT, number: int = 0) -> Record:
        """The next record, or one with a number of its own."""
        self.number = number or self.number + 1
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return Record(self.number, record_class, at, raw)

    def put(self, *records: Record) -> bytes:
        """One more envelope, sealed and in the store."""
        raw = self.seal(records or [self.record("session_ended", session(self.number + 1))])
        self.sealed.append(raw)
        self.tree = extend(self.tree, suite.digest(raw))
        self.write(self.path(len(self.sealed)), raw)
        return raw

    def seal(self, records: Sequence[Record], sequence: int = 0, previous: bytes = b"") -> bytes:
        return envelope.seal(
            records,
            box=self.facts.box,
            sequence=sequence or len(self.sealed) + 1,
            previous=previous or (suite.digest(self.sealed[-1]) if self.sealed else envelope.NO_PREVIOUS),
            record_key=self.hq.record_key,
            signing_key=self.key,
        )

    def receipt(self) -> bytes:
        """HQ's signed receipt for all that was put."""
        key = hq_folder.receipt_signing_key(self.folder)
        return receipt.issue(self.facts.box, suite.digest(self.sealed[-1]), self.tree, 0, key)

    def path(self, sequence: int) -> Path:
        return self.folder / "objects" / object_path(self.facts.box, sequence)

    def write(self, path: Path, raw: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(raw)


def session(number: int, consent: str = "c1", people: int = 2) -> dict[str, object]:
    """The body of a session's record: one who leads and some who were there."""

    def attendee(place: int) -> dict[str, object]:
        present = [["2026-01-02T03:00:00Z", "2026-01-02T03:50:00Z"]]
        who = {"person": f"{place:032x}", "facilitator": place == 0, "removed": False}
        return {**who, "present": present, "agreement": 2, "consent": consent if place else ""}

    times = {"starts_at": AT, "opened_at": AT, "ended_at": "2026-01-02T04:00:00Z"}
    attendees = [attendee(place) for place in range(people + 1)]
    told = {"record": "session_ended", "version": 2, "session": f"{number:032x}", "expected": people}
    return {**told, **times, "attendees": attendees, "withheld": 0}


def granted(person: int = 1, consent: str = "c1") -> dict[str, object]:
    """The body of a consent to disclosure."""
    told = {"record": "disclosure_granted", "version": 1, "consent": consent, "person": f"{person:032x}"}
    form = {"scopes": ["visits"], "recipient": "headquarters", "purpose": "care", "form": 1, "language": "en"}
    times = {"granted_at": AT, "expires_at": "2027-01-02T03:04:05Z"}
    return {**told, **form, **times, "digest": "ab" * 32, "how": "portal"}


def ended(person: int = 1, consent: str = "c1") -> dict[str, object]:
    """The body that tells of its end."""
    told = {"record": "disclosure_ended", "version": 1, "consent": consent, "person": f"{person:032x}"}
    return {**told, "ended_at": "2026-03-04T05:06:07Z", "why": "withdrawn"}
