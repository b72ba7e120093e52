"""A made-up clinic's day, as the control socket tells it: what the fake daemon starts with."""

from __future__ import annotations

from msgspec import structs

from appliance.control.types import Box, Health, Member, Session, Standing, Sync, TicketState

GIB = 1024**3
GROUP, EVENING, MORNING = "s-group", "s-evening", "s-morning"
MARTA, IVAN, LEA, OTTO, RUTH, JONAS, NADIA = "m-marta", "m-ivan", "m-lea", "m-otto", "m-ruth", "m-jonas", "m-nadia"


def member(
    identifier: str,
    name: str,
    standing: Standing,
    *,
    display_name: str = "",
    facilitator: bool = False,
    connected: bool = True,
    vouched: bool = False,
    waiting_since: str = "",
    ticket: TicketState = "issued",
    phrase: str = "",
) -> Member:
    """A member with the usual things left out."""
    return Member(
        id=identifier,
        name=name,
        display_name=display_name,
        facilitator=facilitator,
        standing=standing,
        connected=connected,
        vouched=vouched,
        waiting_since=waiting_since,
        ticket=ticket,
        phrase=phrase,
    )


def session(identifier: str, title: str, *members: Member, **fields: object) -> Session:
    """An open session led by Ben Okafor unless `fields` say otherwise."""
    usual = Session(
        id=identifier,
        title=title,
        members=members,
        starts_at="2031-03-04T14:00:00Z",
        state="open",
        locked=False,
        facilitator="Ben Okafor",
        facilitator_connected=True,
        actions=(),
        phase="open",
    )
    return structs.replace(usual, **fields)


def sessions() -> list[Session]:
    """Three sessions: one ended, one open with two people waiting, one this evening. Marta has a check phrase."""
    return [
        session(
            MORNING,
            "Morning group",
            member("m-ines", "Ines Marsh", "admitted", display_name="Ines"),
            member("m-karl", "Karl Stone", "admitted", display_name="Karl"),
            starts_at="2031-03-04T09:30:00Z",
            state="ended",
            phase="ended",
        ),
        session(
            GROUP,
            "Tuesday group",
            member("m-ben", "Ben Okafor", "admitted", display_name="Ben", facilitator=True),
            member(
                MARTA,
                "Marta Velasco",
                "waiting",
                display_name="Marta",
                waiting_since="2031-03-04T13:52:00Z",
                phrase="blue heron",
            ),
            member(
                IVAN,
                "Ivan Petrov",
                "waiting",
                display_name="Vanya",
                vouched=True,
                connected=False,
                waiting_since="2031-03-04T13:57:00Z",
            ),
            member(LEA, "Lea Brandt", "admitted", display_name="Lea", vouched=True),
            member(OTTO, "Otto Lindqvist", "admitted", display_name="O.", vouched=True, connected=False),
            member(RUTH, "Ruth Adeyemi", "expected", connected=False, ticket="stopped"),
            member(JONAS, "Jonas Field", "joining", display_name="Jo"),
            member(NADIA, "Nadia Haddad", "denied", display_name="N", connected=False),
        ),
        session(
            EVENING,
            "Evening group",
            member("m-paul", "Paul Winter", "expected", connected=False),
            member("m-sara", "Sara Nilsson", "expected", connected=False),
            starts_at="2031-03-04T18:00:00Z",
            state="scheduled",
            phase="scheduled",
            facilitator="Cleo Marin",
            facilitator_connected=False,
        ),
    ]


def box() -> Box:
    """The box before anybody gave the passphrase."""
    return Box(
        state="locked",
        clinic="Riverside Clinic",
        version="0.1.0",
        addresses=("https://hearth.local:8443", "https://192.168.1.5:8443"),
        relay_connected=True,
    )


def health() -> Health:
    """A Pi 5 that is well."""
    return Health(
        load=0.42,
        cores=4,
        memory_used=3 * GIB,
        memory_total=8 * GIB,
        disk_used=14 * GIB,
        disk_total=116 * GIB,
        temperature=52.3,
        uptime_seconds=3 * 86400 + 4 * 3600 + 120,
    )


def sync() -> Sync:
    """HQ has everything."""
    return Sync(
        state="up_to_date",
        queued=0,
        last_receipt_at="2031-03-04T13:40:00Z",
        last_attempt_at="2031-03-04T13:40:00Z",
        fault="",
    )
