"""`hq publish`: from plain files to packs that boxes take; two at once; what it says to who mistypes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sync import items, pack, suite
from sync.__main__ import main
from sync.faults import SyncFault
from sync.hq import folder as hq_folder
from sync.hq import publish
from sync.hq.cards import Card
from sync.hq.objects import numbered_path, open_objects
from sync.hq.publish import Ready
from sync.keys import BoxFacts
from tests.fakes.packs import NOW
from tests.fakes.parties import make_hq

INBOX = suite.RecordKey(suite.new_seed())
BOX = BoxFacts(b"B" * 16, suite.SigningKey(suite.new_seed()).public, INBOX.public)
OLD = BoxFacts(b"O" * 16, suite.SigningKey(suite.new_seed()).public)


@pytest.fixture
def hq(tmp_path: Path) -> Path:
    make_hq(tmp_path / "hq")
    hq_folder.enroll(tmp_path / "hq", BOX)
    return tmp_path / "hq"


@dataclass
class Ran:
    """What a command came to."""

    returncode: int
    stdout: str
    stderr: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def ran(*arguments: str | Path) -> Ran:
        code = main(["hq", "publish", *map(str, arguments)])
        return Ran(code, *capsys.readouterr())

    return ran


async def chain(hq: Path) -> list[tuple[pack.Pack, list[items.Item]]]:
    """All packs of the box, verified as the box does it."""
    found, objects = [], open_objects(hq)
    keys, previous = hq_folder.public(hq).pack_keys, bytes(32)
    number = 1
    while (raw := await objects.get(numbered_path("packs", BOX.box, number))) is not None:
        one = pack.parse(raw)
        pack.verify(one, keys, BOX.box)
        assert (one.number, one.previous) == (number, previous)
        records = pack.open_records(one, INBOX)
        found.append((one, [items.decode(record.record_class, record.body) for record in records]))
        number, previous = number + 1, one.hash
    return found


async def test_two_who_publish_at_once_make_one_chain(hq: Path) -> None:
    both = [publish.publish(hq, [BOX], publish.revocations([f"user{n}"], False), lambda: NOW) for n in range(6)]
    made = await asyncio.gather(*both)
    assert sorted(one.first for (one,) in made) == [1, 2, 3, 4, 5, 6]
    found = await chain(hq)
    assert [contents[0].version for _, contents in found] == [1, 2, 3, 4, 5, 6]  # what has no version gets the number
    assert {one.accounts for _, (one,) in found} == {(f"user{n}",) for n in range(6)}  # type: ignore[attr-defined]


async def test_a_large_file_goes_in_several_packs_before_what_names_it(hq: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp3").write_bytes(bytes(range(256)) * 1000)
    described = tmp_path / "a.toml"
    described.write_text('version=1\nid="a"\ntitle="A"\nkind="audio"\nmedia_type="audio/mpeg"\nfile="a.mp3"\n')
    (made,) = await publish.publish(hq, [BOX], publish.resource(described), lambda: NOW)
    kinds = [type(item).__name__ for _, contents in await chain(hq) for item in contents]
    assert kinds == ["ResourcePart"] * 6 + ["Resource"]
    assert (made.first, made.last) == (1, 3)


async def test_a_box_without_a_key_for_packs_is_told_of_and_the_others_get_theirs(hq: Path) -> None:
    made = await publish.publish(hq, [OLD, BOX], [Ready(items.Policy(version=1))], lambda: NOW)
    assert [(one.first, one.fault) for one in made] == [(0, "no_inbox_key"), (1, "")]


def test_a_box_that_is_shut_out_gets_nothing(hq: Path) -> None:
    async def shut_out() -> None:
        await hq_folder.cards(hq).change(BOX.box, lambda card: replace(card or Card(BOX), revoked="2026-03-04"))

    asyncio.run(shut_out())
    for to, told in (("all", "no box is enrolled"), (BOX.box.hex(), "is shut out")):
        with pytest.raises(ValueError, match=told):
            publish.recipients(hq, to)


async def test_a_key_that_no_box_knows_signs_nothing(hq: Path) -> None:
    (hq / "keys" / "packs.key").write_bytes(suite.new_seed())
    with pytest.raises(SyncFault, match="bad_key_file"):
        await publish.publish(hq, [BOX], [Ready(items.Policy(version=1))], lambda: NOW)


def test_files_of_the_document_are_published_and_listed(run: Run, hq: Path, tmp_path: Path) -> None:
    (tmp_path / "en.txt").write_text("Our rules\n\nBe kind.\n\nBe on time.\n")
    (tmp_path / "agreement.toml").write_text('version = 2\ntexts = [ { language = "en", file = "en.txt" } ]\n')
    (tmp_path / "policy.json").write_text('{"version": 3, "hear_within_days": 21}')
    (tmp_path / "boxes").write_text(BOX.box.hex() + "\n")
    files = ("--agreement", tmp_path / "agreement.toml", "--policy", tmp_path / "policy.json")
    done = run(hq, "--to", tmp_path / "boxes", *files, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"box": BOX.box.hex(), "first": 1, "last": 1, "fault": ""}
    ((_, (first, second)),) = asyncio.run(chain(hq))
    assert isinstance(second, items.Agreement) and second.texts[0].body == "Be kind.\n\nBe on time."
    assert isinstance(first, items.Policy)
    listed = run(hq, "--list", BOX.box.hex(), "--json")
    assert json.loads(listed.stdout)["number"] == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "nothing to publish"),
        (["--revoke", "ann"], "say who gets it"),
        (["--revoke", "ann", "--to", "f" * 32], "is not enrolled here"),
        (["--revoke", "ann", "--to", "no-such-file"], "a file with one id a line"),
        (["--policy", "missing.toml", "--to", "all"], "there is no file missing.toml"),
        (["--tls-name", "not a name", "--to", "all"], "tls_name"),
        (["--list", "short"], "32 hexadecimal digits"),
    ],
)
def test_a_slip_is_named_and_nothing_is_made(run: Run, hq: Path, arguments: list[str], told: str) -> None:
    done = run(hq, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert asyncio.run(chain(hq)) == []


@pytest.mark.parametrize("line", ["version = 1\nmood = 1", "version =", "hear_within_days = 3", "version = 'one'"])
def test_what_is_wrong_in_a_file_is_named_with_it(line: str, tmp_path: Path) -> None:
    (tmp_path / "policy.toml").write_text(line)
    with pytest.raises(ValueError, match=r"policy\.toml"):
        publish.policy(tmp_path / "policy.toml")
