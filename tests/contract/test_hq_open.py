"""Records into PostgreSQL, Parquet and FHIR: the same however often, in however many runs, wherever one was killed."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pyarrow.parquet as pq
import pytest
from fhir.resources.R4B.bundle import Bundle

from sync.faults import SyncFault
from sync.hq import opening
from sync.hq.into import typed
from sync.hq.into.fhir import Fhir
from sync.hq.into.parquet import Parquet
from sync.hq.into.postgres import Postgres, usable
from sync.hq.open_command import Keeping, target_of
from sync.hq.opening import Opener
from sync.hq.walking import Trouble
from tests.fakes import postgres
from tests.fakes.fleet import StoredBox, ended, granted, make, session

BOXES = (b"B" * 16, b"\xb0" * 16, b"C" * 16)


class Kept(Protocol):
    """One kind of target, and what is in it as plain values."""

    def open(self) -> Keeping: ...

    def holds(self) -> Any: ...


class InPostgres:
    TABLES = ("boxes", "envelopes", "records", "sessions", "attendances", "consents", "audit_checkpoints")

    def __init__(self, url: str) -> None:
        self.url = url

    def open(self) -> Postgres:
        return Postgres(self.url)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(statement.encode()).fetchall()

    def holds(self) -> Any:
        own = {"boxes": "box, sequence, last", "envelopes": "box, sequence, records"}
        select = {name: f"SELECT {own.get(name, '*')} FROM {name}" for name in self.TABLES}  # noqa: S608 - our own names
        return {name: sorted(map(repr, self.rows(statement))) for name, statement in select.items()}


class InFiles:
    def __init__(self, root: Path, kind: type[Parquet] | type[Fhir]) -> None:
        self.root, self.kind = root, kind

    def open(self) -> Keeping:
        if self.kind is Parquet:
            return Parquet(self.root)
        return Fhir(self.root, "https://hq.example.org/fhir", {})

    def holds(self) -> Any:
        return self.parquet() if self.kind is Parquet else self.bundled()

    def parquet(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for file in sorted(self.root.rglob("*.parquet")):
            name = str(file.parent.relative_to(self.root))
            found.setdefault(name, []).extend(map(repr, pq.read_table(file, partitioning=None).to_pylist()))
        return {name: sorted(rows) for name, rows in found.items()}

    def bundled(self) -> dict[str, dict[str, Any]]:
        """What a FHIR server holds after all bundles were posted in their order."""
        known: dict[str, dict[str, Any]] = {}
        for file in sorted(self.root.rglob("bundles/*/*.json")):
            bundle = json.loads(file.read_bytes())
            Bundle.model_validate(bundle)
            known.update((entry["request"]["url"], entry["resource"]) for entry in bundle["entry"])
        return known


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    if postgres.binaries() is None:
        if os.environ.get("CI"):
            pytest.fail("PostgreSQL is missing: apt install postgresql")
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    with postgres.running() as url:
        yield url


@pytest.fixture
def database(server: str) -> str:
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["postgres", "parquet", "fhir"])
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Kept:
    if request.param == "postgres":
        return InPostgres(request.getfixturevalue("database"))
    return InFiles(tmp_path / "out", Parquet if request.param == "parquet" else Fhir)


@pytest.fixture
def hq(tmp_path: Path) -> Path:
    return tmp_path / "hq"


@pytest.fixture
def boxes(hq: Path) -> list[StoredBox]:
    facts = make(hq)
    found = [StoredBox(hq, facts, box) for box in BOXES]
    for box in found:
        box.put(box.record("disclosure_granted", granted()), box.record("session_ended", session(1)))
        box.put(box.record("something_new", {"a": 1}))
        box.put(box.record("session_ended", session(2)))
    return found


async def run(hq: Path, kept: Kept) -> Sequence[Trouble]:
    target = kept.open()
    try:
        await Opener(hq).into(target)
        return target.troubles()
    finally:
        target.close()


async def test_what_came_in_many_runs_is_what_came_in_one(
    hq: Path, boxes: list[StoredBox], kept: Kept, tmp_path: Path
) -> None:
    await run(hq, kept)
    once = kept.holds()
    assert await run(hq, kept) == []
    assert kept.holds() == once
    boxes[1].put(boxes[1].record("disclosure_ended", ended()))
    await run(hq, kept)
    assert kept.holds() != once
    other = type(kept)(tmp_path / "other", kept.kind) if isinstance(kept, InFiles) else None
    if other is not None:
        await run(hq, other)
        assert other.holds() == kept.holds()


# Each kill is a process of its own; `make hq` does all nine.
KILLS = [("postgres", "written"), ("parquet", "commit"), ("fhir", "writing")]
if os.environ.get("HEARTH_EVERY_STEP"):
    KILLS = list(itertools.product(("postgres", "parquet", "fhir"), ("writing", "written", "commit")))


@pytest.mark.parametrize(("kept", "step"), KILLS, indirect=["kept"])
async def test_a_run_that_was_killed_is_gone_on_with(
    hq: Path, boxes: list[StoredBox], kept: Kept, step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "BATCH_RECORDS", 2)
    killed = subprocess.run(  # noqa: ASYNC221 - nothing else runs here
        [sys.executable, "-m", "tests.fakes.killed_open", str(hq), _address(kept), step], capture_output=True, text=True
    )
    assert killed.returncode == -9, killed.stderr
    between = kept.holds()
    assert await run(hq, kept) == []
    whole = InFiles(tmp_path / "whole", kept.kind) if isinstance(kept, InFiles) else None
    if whole is not None:
        await run(hq, whole)
        assert whole.holds() == kept.holds()
    else:
        assert len(kept.holds()["records"]) == 12 > len(between["records"])
    assert between != kept.holds()


async def test_the_same_record_twice_is_one_and_another_under_its_number_is_told(
    hq: Path, boxes: list[StoredBox], kept: Kept
) -> None:
    box = boxes[0]
    await run(hq, kept)
    once = kept.holds()
    box.put(box.record("session_ended", session(1), number=2))
    assert await run(hq, kept) == []
    same = kept.holds()
    box.put(box.record("session_ended", session(9), number=2))
    troubles = await run(hq, kept)
    assert [(one.code, one.number, one.sequence) for one in troubles] == [("conflict", 2, 5)]
    if not isinstance(kept, InPostgres):
        assert once == same == kept.holds()
    else:
        assert once["records"] == same["records"] == kept.holds()["records"]


async def test_what_could_not_be_read_is_read_when_it_can_be(hq: Path, boxes: list[StoredBox], kept: Kept) -> None:
    lost = boxes[0].path(2).read_bytes()
    boxes[0].path(2).unlink()
    whole = boxes[1].path(1).read_bytes()
    boxes[1].write(boxes[1].path(1), whole[:-1] + bytes([whole[-1] ^ 1]))
    troubles = await run(hq, kept)
    assert {(one.box, one.sequence, one.code) for one in troubles} == {
        (boxes[0].facts.box, 2, "hole"),
        (boxes[1].facts.box, 1, "bad_signature"),
    }
    boxes[0].write(boxes[0].path(2), lost)
    boxes[1].write(boxes[1].path(1), whole)
    assert await run(hq, kept) == []
    if isinstance(kept, InPostgres):
        assert kept.rows("SELECT count(*) FROM records") == [(12,)]


async def test_rubbish_under_a_high_number_hides_nothing_that_comes(
    hq: Path, boxes: list[StoredBox], kept: Kept
) -> None:
    boxes[0].write(boxes[0].path(10**15), b"rubbish")
    assert {one.code for one in await run(hq, kept)} == {"hole", "malformed_envelope"}
    boxes[0].put()
    before = kept.holds()
    await run(hq, kept)
    after = kept.holds()
    assert after != before
    boxes[0].path(10**15).unlink()
    assert await run(hq, kept) == []
    assert kept.holds() == after


async def test_a_body_that_no_database_takes_stops_nothing(hq: Path, kept: Kept) -> None:
    box = StoredBox(hq, make(hq))
    bodies = (b"\xff\x00", b'{"a": "\\u0000"}', b'{"a": "\\ud800"}', b'{"a": 1e999}', b"[" * 50_000, b'{"session": 1}')
    box.put(*(box.record("session_ended", body, at="\x00never") for body in bodies))
    box.put()
    troubles = await run(hq, kept)
    assert {one.code for one in troubles} <= {"untyped"}
    assert len(troubles) >= 4
    if isinstance(kept, InPostgres):
        assert kept.rows("SELECT count(*), count(body) FROM records") == [(7, 2)]


def test_no_password_stands_in_an_address() -> None:
    for url in ("postgres://a:b@c/d", "postgres://c/d?password=x"):
        with pytest.raises(ValueError, match="PGPASSFILE"):
            usable(url)


async def test_files_of_somebody_else_are_left_alone(hq: Path, boxes: list[StoredBox], tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "a.parquet").write_bytes(b"x")
    with pytest.raises(ValueError, match="something else"):
        Parquet(theirs)
    kept = InFiles(tmp_path / "out", Parquet)
    await run(hq, kept)
    for name in ("mine.json", "sessions/mine.parquet"):
        (kept.root / name).write_bytes(b"x")
    leftover = kept.root / "sessions" / "4-00000099.parquet"
    leftover.write_bytes(b"x")
    await run(hq, kept)
    assert (kept.root / "mine.json").exists() and (kept.root / "sessions" / "mine.parquet").exists()
    assert not leftover.exists()


def test_a_target_that_is_none_is_refused(hq: Path) -> None:
    make(hq)
    with pytest.raises(ValueError, match="--to takes"):
        target_of("mysql://x", Opener(hq), {})
    with pytest.raises(SyncFault, match="target_failed"):
        target_of("postgresql:///x?host=/nowhere", Opener(hq), {})


@pytest.mark.parametrize("kind", ["postgres", "parquet"])
async def test_a_class_that_is_learnt_later_is_typed_then(
    kind: str, hq: Path, boxes: list[StoredBox], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = InPostgres(request.getfixturevalue("database")) if kind == "postgres" else InFiles(hq / "out", Parquet)
    with monkeypatch.context() as older:
        older.setattr(typed, "CLASSES", frozenset(("disclosure_granted",)))
        await run(hq, kept)
    target = kept.open()
    assert target.again("session_ended") == 6
    target.close()
    held = kept.holds()
    assert (len(held["sessions"]), len(held["attendances"])) == (6, 18)


@pytest.mark.parametrize("kept", ["postgres", "parquet"], indirect=True)
async def test_two_openers_wait_for_each_other(hq: Path, boxes: list[StoredBox], kept: Kept) -> None:
    first = kept.open()
    waiting = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here
        [sys.executable, "-m", "sync", "hq", "open", str(hq), "--json", "--to", _address(kept)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert waiting.stderr is not None
    assert "Waiting" in waiting.stderr.readline()
    assert waiting.poll() is None
    first.close()
    out, _ = waiting.communicate(timeout=20)
    assert json.loads(out)["records"] == 12


def _address(kept: Any) -> str:
    if isinstance(kept, InPostgres):
        return kept.url
    return f"{'parquet' if kept.kind is Parquet else 'fhir'}:{kept.root}"


async def test_fhir_tells_visits_consents_and_their_end(hq: Path, boxes: list[StoredBox], tmp_path: Path) -> None:
    boxes[0].put(boxes[0].record("consent_signed", {**granted(), "agreement": 3, "at": "2026-01-02T03:04:05Z"}))
    boxes[0].put(boxes[0].record("pack_applied", {"number": 1, "hash": "ab" * 32, "code": ""}))
    kept = InFiles(tmp_path / "out", Fhir)
    await run(hq, kept)
    boxes[0].put(boxes[0].record("disclosure_ended", ended()))
    assert await run(hq, kept) == []
    held = kept.bundled()
    kinds = sorted({key.partition("/")[0] for key in held})
    pointed_to = ["Organization", "Patient", "Practitioner"]
    assert kinds == ["AuditEvent", "Communication", "Consent", "DocumentReference", "Encounter", *pointed_to]
    (over,) = [one for one in held.values() if one["resourceType"] == "Consent" and one["status"] == "inactive"]
    assert over["provision"]["period"] == {"start": "2026-01-02T03:04:05Z", "end": "2026-03-04T05:06:07Z"}
    about = [one for one in held.values() if one["resourceType"] in ("Encounter", "Consent", "Patient")]
    assert all("42CFRPart2" in json.dumps(one["meta"]) and "42 CFR part 2" in one["text"]["div"] for one in about)
    references = {line["reference"] for line in _references(list(held.values()))}
    assert references <= set(held)


def _references(value: Any) -> Iterator[dict[str, str]]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


async def test_an_invalid_resource_is_told_and_the_rest_is_written(
    hq: Path, boxes: list[StoredBox], tmp_path: Path
) -> None:
    wrong = session(7)
    wrong["attendees"] = [{"person": "x" * 32, "present": [], "consent": "c", "facilitator": False}]
    boxes[0].put(boxes[0].record("pack_applied", {"number": "", "hash": "x"}), boxes[0].record("session_ended", wrong))
    boxes[0].put(boxes[0].record("audit_checkpoint", {"note": "a\n1\nb\nnumber 1\nat \n"}))
    kept = InFiles(tmp_path / "out", Fhir)
    troubles = await run(hq, kept)
    assert {(one.code, one.sequence) for one in troubles} == {("untyped", 4), ("untyped", 5)}
    assert len([key for key in kept.bundled() if key.startswith("Encounter/")]) == 13
