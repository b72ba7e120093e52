"""A store from before the hour, copied while sessions went on, under the program of today: nobody is lost or let in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from appliance.policy import Actor
from appliance.sessions import actions, rows, states
from appliance.sessions.rules import MEMBER, Place, next_step
from appliance.store import migrate
from appliance.store.connection import connect_writer
from appliance.store.database import Database, Transaction
from appliance.store.key import StoreKey

AT, LATER = "2031-03-04T14:00:00Z", "2031-03-04T15:00:00Z"
BEFORE_THE_HOUR = 14
MARA = Actor(person="mara", role="facilitator", surface="portal")
OLD = f"""
INSERT INTO people (id, name, created_at) VALUES ('mara', 'Mara', '{AT}'), ('ada', 'Ada', '{AT}'),
  ('tom', 'Tom', '{AT}');
INSERT INTO care_groups VALUES ('ours', 'Tuesday', '{AT}');
INSERT INTO care_group_clinicians VALUES ('ours', 'mara', '{AT}');
INSERT INTO agreements VALUES (1, 'en', 'Agreement', 'We keep it here.', 'd1', '{AT}');
INSERT INTO consents (person, version, language, digest, signature, at) VALUES ('ada', 1, 'en', 'd1', 'Ada', '{AT}');
INSERT INTO sessions VALUES
  ('planned', 'Tuesday', 'mara', '{AT}', 'scheduled', NULL, NULL, 'ours'),
  ('going', 'Tuesday', 'mara', '{AT}', 'open', '{AT}', NULL, 'ours'),
  ('shut', 'Tuesday', 'mara', '{AT}', 'locked', '{AT}', NULL, 'ours'),
  ('over', 'Tuesday', 'mara', '{AT}', 'ended', '{AT}', '{LATER}', NULL);
INSERT INTO members (id, session, person, facilitator, standing, display_name, devices_tried) SELECT
  s.id || '-mara', s.id, 'mara', 1, 'admitted', 'Mara', 0 FROM sessions s;
INSERT INTO members (id, session, person, facilitator, standing, display_name, devices_tried) SELECT
  s.id || '-ada', s.id, 'ada', 0, CASE s.state WHEN 'scheduled' THEN 'joining' ELSE 'admitted' END, 'Ada', 1
  FROM sessions s;
INSERT INTO members (id, session, person, facilitator, standing, display_name, devices_tried, waiting_since,
  waiting_order) SELECT s.id || '-tom', s.id, 'tom', 0, 'waiting', 'Tom', 1, '{AT}', 1 FROM sessions s
  WHERE s.state IN ('open', 'locked');
INSERT INTO attendances (member, joined_at) VALUES ('going-ada', '{AT}');
INSERT INTO visits (token_hash, member, csrf, created_at, expires_at)
  VALUES (x'01', 'going-ada', 'c', '{AT}', 9999999999);
"""  # noqa: S608 - all of it is written here


@pytest.fixture
async def upgraded(tmp_path: Path) -> AsyncIterator[Database]:
    key, path = StoreKey(bytes(32)), tmp_path / "store" / "hearth.db"
    path.parent.mkdir()
    with closing(connect_writer(path, key, create=True)) as raw:
        raw.execute("PRAGMA application_id = 0x48525448")
        migrate.apply(raw, migrate.load()[:BEFORE_THE_HOUR])
        for line in OLD.strip().split(";\n"):
            raw.execute(line)
    database = await Database.open(path.parent, key)
    yield database
    await database.close()


async def test_every_session_of_before_stands_where_it_stood(upgraded: Database) -> None:
    def look(tx: Transaction) -> dict[str, rows.Session]:
        return {one: rows.session(tx, one) for one in ("planned", "going", "shut", "over")}

    found = await upgraded.read(look)
    assert {one: session.place for one, session in found.items()} == {
        "planned": Place("scheduled"),
        "going": Place("open"),
        "shut": Place("open", locked=True),
        "over": Place("ended"),
    }
    assert {session.leads_now for session in found.values()} == {"mara"}
    assert not await upgraded.read(lambda tx: tx.all("PRAGMA foreign_key_check"))


async def test_who_was_in_stays_in_and_carried_and_who_waits_waits(upgraded: Database) -> None:
    rooms = await upgraded.read(rows.rooms)
    assert {session.id: {m.id for m in members} for session, members in rooms} == {
        "going": {"going-mara", "going-ada"},
        "shut": {"shut-mara", "shut-ada"},
    }
    assert not any(m.held or m.flagged or m.aside or m.blocked for _, members in rooms for m in members)
    for session in ("going", "shut"):
        ada = await upgraded.read(lambda tx, m=f"{session}-ada": rows.member(tx, m))  # type: ignore[misc]
        tom = await upgraded.read(lambda tx, m=f"{session}-tom": rows.member(tx, m))  # type: ignore[misc]
        assert next_step(await upgraded.read(lambda tx, m=ada: actions.progress(tx, m))) == "wait"  # type: ignore[misc]
        assert tom.standing == "waiting" and ("waiting", "admit") in MEMBER


async def test_what_was_signed_stays_and_the_hour_goes_to_its_end(upgraded: Database) -> None:
    signed = await upgraded.read(lambda tx: tx.all("SELECT person, digest, signature, cycle FROM consents"))
    assert [(row["person"], row["digest"], row["signature"], row["cycle"]) for row in signed] == [
        ("ada", "d1", "Ada", 1)
    ]
    await upgraded.write(lambda tx: states.let_in(tx, MARA, "admit", "going", "going-tom", LATER))
    assert (await upgraded.read(lambda tx: rows.session(tx, "going"))).place.locked  # everybody is in
    for action in ("pause", "resume", "show_rules", "begin", "end"):
        await upgraded.write(lambda tx, action=action: actions.change(tx, MARA, action, "going", LATER))  # type: ignore[misc]
    ended = await upgraded.read(lambda tx: rows.session(tx, "going"))
    times = await upgraded.read(lambda tx: rows.attendances(tx, "going-ada", LATER))
    assert ended.phase == "ended" and times == [(AT, LATER)]
