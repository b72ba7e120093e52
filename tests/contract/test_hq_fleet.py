"""Which box needs a person first, and the page that says so; HQ's share of a notes' recovery key."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest

from appliance.notes import sealing
from appliance.notes.access import record
from sync import suite
from sync.__main__ import main
from sync.faults import SyncFault
from sync.hq import fleet, fleet_page, share
from sync.hq import folder as hq_folder
from sync.hq.cards import Card
from sync.hq.fleet import Line
from tests.fakes.fleet import StoredBox, make

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def hq(tmp_path: Path) -> Path:
    make(tmp_path / "hq")
    return tmp_path / "hq"


def text(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def seen(hq: Path, box: StoredBox, **told: object) -> None:
    usual = {"version": "0.5.0", "queued": 0, "oldest_at": "", "applied": 0, "at": text(NOW - timedelta(hours=1))}
    ends = text(NOW + timedelta(days=200))
    raw = json.dumps({**usual, "certificate_ends": ends, **told}).encode()
    box.write(hq / "objects" / "seen" / f"{box.facts.box.hex()}.json", raw)


def name(hq: Path, box: StoredBox, called: str, **more: str) -> None:
    asyncio.run(hq_folder.cards(hq).put(Card(box.facts, name=called, **more)))  # type: ignore[arg-type]


def look(hq: Path) -> list[Line]:
    return asyncio.run(fleet.look(hq, NOW))


def made(hq: Path, count: int) -> list[StoredBox]:
    facts = hq_folder.public(hq)
    return [StoredBox(hq, facts, bytes([65 + place]) * 16) for place in range(count)]


def test_who_needs_a_person_stands_first(hq: Path) -> None:
    boxes = made(hq, 8)
    names = ("well", "revoked", "packs", "backlog", "silent", "certificate", "alarm", "new")
    for box, called in zip(boxes, names, strict=True):
        name(hq, box, called, **({"revoked": text(NOW)} if called == "revoked" else {}))
        if called != "new":
            seen(hq, box)
    seen(hq, boxes[3], queued=7, oldest_at=text(NOW - timedelta(days=9)))
    seen(hq, boxes[4], at=text(NOW - timedelta(days=8)))
    seen(hq, boxes[5], certificate_ends=text(NOW + timedelta(days=3)))
    boxes[2].write(hq / "objects" / "packs" / boxes[2].facts.box.hex() / f"{4:016d}", b"x")
    boxes[6].write(hq / "objects" / "alarms" / boxes[6].facts.box.hex() / f"{1:016d}-ab.json", b"{}")
    lines = look(hq)
    wanted = ["alarm", "certificate", "silent", "backlog", "packs", "new", "well", "revoked"]
    assert [line.state for line in lines] == [line.name for line in lines] == wanted


def test_no_name_and_no_version_steers_a_terminal(hq: Path) -> None:
    (box,) = made(hq, 1)
    name(hq, box, "Clinic\x1b[2J\u202eat the lake")
    seen(hq, box, version="0.5\x1b]0;x\x07")
    (line,) = look(hq)
    assert line.name == "Clinic[2Jat the lake"
    assert "\x1b" not in fleet_page.as_text([line], NOW) + fleet_page.page([line], NOW)


def test_what_a_box_says_of_itself_is_borne_whatever_it_is(hq: Path) -> None:
    (box,) = made(hq, 1)
    lies: tuple[dict[str, object], ...] = (
        {"version": "\x1b[31m<b>", "queued": -1},
        {"at": 5, "applied": "x"},
        {"at": "0001-01-01T00:00:00+23:00"},
    )
    for told in lies:
        seen(hq, box, **told)
        (line,) = look(hq)
        assert "\x1b" not in fleet_page.as_text([line], NOW)
        assert "<b>" not in fleet_page.page([line], NOW)
        json.loads(fleet_page.as_json(line, NOW))
    box.write(hq / "objects" / "cards" / f"{box.facts.box.hex()}.json", b"?")
    assert [line.state for line in look(hq)] == ["damaged"]


def test_a_box_of_an_older_version_was_heard_when_its_last_envelope_came(hq: Path) -> None:
    (box,) = made(hq, 1)
    box.put()
    (line,) = look(hq)
    assert line.heard == datetime.fromtimestamp(box.path(1).stat().st_mtime, UTC)


def test_a_table_fits_eighty_columns() -> None:
    long = Line(b"x" * 16, "N" * 80, "backlog", NOW, 10**9, NOW, "v" * 40, 10**6, 10**7, NOW, 3)
    assert all(len(row) <= 80 for row in fleet_page.as_text([long], NOW).splitlines())


def test_the_page_is_whole_without_script_and_names_its_cells_for_a_phone() -> None:
    silent = Line(b"x" * 16, "A & <B>", "silent", NOW - timedelta(days=9))
    page = fleet_page.page([silent, Line(b"y" * 16, "", "well")], NOW)
    tags: list[tuple[str, dict[str, str | None]]] = []
    reader = HTMLParser()
    reader.handle_starttag = lambda tag, attrs: tags.append((tag, dict(attrs)))  # type: ignore[method-assign]
    reader.feed(page)
    assert "A &amp; &lt;B&gt;" in page
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags}
    assert all(told.get("data-t") for tag, told in tags if tag == "td")
    assert "not heard 9 d" in page


def test_ages_are_short_and_never_negative() -> None:
    ages = {0: "0 min", 119: "119 min", 120: "2 h", 48 * 60: "2 d", -500: "0 min"}
    assert {minutes: fleet_page.ago(NOW - timedelta(minutes=minutes), NOW) for minutes in ages} == ages


def test_the_command_prints_writes_a_page_and_refuses_nonsense(
    hq: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["hq", "fleet", str(hq)]) == 0
    assert "No box is enrolled" in capsys.readouterr().out
    made(hq, 2)
    assert main(["hq", "fleet", str(hq), "--json"]) == 0
    assert [json.loads(line)["state"] for line in capsys.readouterr().out.splitlines()] == ["new", "new"]
    assert main(["hq", "fleet", str(hq), "--html", str(tmp_path / "f.html")]) == 0
    assert (tmp_path / "f.html").read_text().startswith("<!doctype html>")
    assert main(["hq", "fleet", str(hq), "--late", "0"]) == 2


# -- the share of the notes' recovery key ------------------------------------------------------------------------------


def shared(box: StoredBox) -> tuple[suite.RecordKey, bytes]:
    """A recovery key that was shared with HQ by the box's own code; it and its seed."""
    recovery = sealing.PrivateKey.new()
    seed = recovery.seed()
    key = suite.RecordKey(seed)
    sealed = sealing.share(recovery, "hq", box.hq.record_key)
    box.put(box.record("notes_recovery_share", record.encode(key.public, sealed)))
    return key, seed


def request_of(box: StoredBox, recovery: bytes) -> tuple[suite.RecordKey, bytes]:
    once = suite.RecordKey(suite.new_seed())
    told = {"version": 1, "what": "hearth notes share request", "box": box.facts.box.hex()}
    keys = {"recovery": recovery, "public": once.public}
    return once, json.dumps({**told, **{key: base64.b64encode(one).decode() for key, one in keys.items()}}).encode()


def test_a_share_is_opened_for_the_box_that_asks(hq: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (box,) = made(hq, 1)
    key, seed = shared(box)
    once, asked = request_of(box, key.public)
    (tmp_path / "asked").write_bytes(asked)
    command = ["hq", "open-share", str(hq), str(tmp_path / "asked"), str(tmp_path / "answer"), "--check"]
    assert main([*command, "AAAA"]) == 1
    assert not (tmp_path / "answer").exists()
    assert main([*command, share.check_code(asked)]) == 0
    answer = json.loads((tmp_path / "answer").read_bytes())
    info = f"hearth notes share answer 1\n{answer['request']}".encode()
    assert once.open(info, base64.b64decode(answer["sealed"])) == seed
    assert (tmp_path / "answer").stat().st_mode & 0o777 == 0o600
    assert base64.b64encode(seed).decode() not in capsys.readouterr().out


def test_a_share_that_was_not_given_is_not_opened(hq: Path) -> None:
    box, other = made(hq, 2)
    key, _ = shared(box)
    for asks, recovery, code in (
        (other, key.public, "share_missing"),
        (box, suite.RecordKey(suite.new_seed()).public, "share_missing"),
    ):
        _, asked = request_of(asks, recovery)
        with pytest.raises(SyncFault, match=code):
            asyncio.run(share.open_share(hq, share.read(asked)))


def test_a_share_that_is_not_what_it_says_is_not_opened(hq: Path) -> None:
    (box,) = made(hq, 1)
    recovery = suite.RecordKey(suite.new_seed()).public
    sealed = sealing.share(sealing.PrivateKey.new(), "hq", box.hq.record_key)
    box.put(box.record("notes_recovery_share", record.encode(recovery, sealed)))
    _, asked = request_of(box, recovery)
    with pytest.raises(SyncFault, match="cannot_open"):
        asyncio.run(share.open_share(hq, share.read(asked)))


WHAT = b'{"what": "hearth notes share request", "version": 1}'


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", WHAT, b"x" * 70_000])
def test_what_is_no_request_is_refused(raw: bytes) -> None:
    with pytest.raises(SyncFault, match="malformed_facts"):
        share.read(raw)
