"""Records of sessions as a box sends them: a clinic's hundred people, pseudonyms that do not compress."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from appliance.sessions.record import RECORD_CLASS, Attendee, SessionEnded, encode
from sync.content import Record

FIRST = datetime(2031, 3, 4, 9, tzinfo=UTC)
_PEOPLE = [f"{random.Random(n).getrandbits(128):032x}" for n in range(120)]  # noqa: S311


def session_record(number: int, people: int = 8) -> Record:
    """The record of a session of `people`: about 1.7 KiB for eight. The same for the same number."""
    chance = random.Random(number)  # noqa: S311
    begin = FIRST + timedelta(hours=7 * number)

    def at(seconds: int) -> str:
        return (begin + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    def attendee(place: int) -> Attendee:
        present = [(at(chance.randrange(900)), at(3600 + chance.randrange(600)))]
        version = chance.choice([1, 2, 2, 2])
        return Attendee(
            person=chance.choice(_PEOPLE), facilitator=place == 0, removed=False, present=present, agreement=version
        )

    record = SessionEnded(
        session=f"{chance.getrandbits(128):032x}",
        starts_at=at(300),
        opened_at=at(chance.randrange(300)),
        ended_at=at(4300),
        expected=people,
        attendees=[attendee(place) for place in range(people)],
        compared_at=[at(400)],
    )
    return Record(number, RECORD_CLASS, at(4300), encode(record))
