"""Every sentence in every language; every code, role, standing and command has words."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from string import Formatter
from typing import get_args, get_type_hints
from zoneinfo import ZoneInfo

import pytest
from babel.messages import Catalog, mofile, pofile
from hypothesis import given
from hypothesis import strategies as st

import appliance
import tui
from appliance.control import types
from appliance.control.client import CODES
from appliance.control.types import CardKind, Phase, RemovalWhy, Role, Standing, Sync, TicketState
from appliance.faults import KINDS
from appliance.room.rules import Trouble
from appliance.steward import rauc
from sync.faults import SENTENCES as SYNC_FAULTS
from tui.commands import COMMANDS
from tui.model import NeedKind
from tui.places import REGIONS
from tui.screens.palette import NAME
from tui.setup_shell import PAGES
from tui.words import FOLDER, LANGUAGES, MAX_NAME, Language, Words, choose_language, plain

TODAY = datetime(2031, 3, 4, 14, 5, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
# Sync faults that stay at HQ or end in the general sentence: they mean a broken build, not something staff can act on.
HQ_ONLY = {
    "hq_exists",
    "hq_missing",
    "box_exists",
    "store_away",
    "store_overwrites",
    "port_taken",
    "malformed_enrolment",
    "rotation_open",
    "rotation_none",
    "box_not_lost",
    "no_inbox_key",
    "target_failed",
    "hq_packages",
    "share_missing",
    "hash_unknown",
}
GENERAL = {
    "code_mistyped",  # these three are told before anything is asked, as faults of the box
    "wrong_address",
    "facts_other_code",
    "malformed_envelope",
    "malformed_content",
    "malformed_receipt",
    "malformed_carriage",
    "malformed_facts",
    "unsupported_version",
    "too_large",
    "bad_signature",
    "cannot_open",
    "unknown_recipient",
    "bad_key_file",
    "receipt_other_key",
    "receipt_other_box",
    "malformed_pack",
    "pack_other_key",
    "pack_other_box",
    "pack_fork",  # these and the next: told by pack_fault sentences
    "malformed_item",
    "item_older",
    "parts_missing",
    "certificate_unfit",
    "receipt_store_differs",
}


def catalogue(language: Language) -> Catalog:
    with (FOLDER / language / "LC_MESSAGES" / "console.po").open("rb") as file:
        return pofile.read_po(file, locale=language)


def texts(language: Language) -> dict[str, str]:
    """What a catalogue says, by id; of a counted sentence each of its two ids with the first and the last form."""
    found: dict[str, str] = {}
    for message in catalogue(language):
        ids, forms = as_tuple(message.id), as_tuple(message.string)
        if message.id:
            found |= {one: forms[0 if index == 0 else -1] for index, one in enumerate(ids)}
    return found


def as_tuple(text: object) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text) if isinstance(text, list | tuple) else ()


ENGLISH = texts("en")


def places(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name is not None}


every_language = pytest.mark.parametrize("language", LANGUAGES)


def test_english_and_spanish_are_whole() -> None:
    for language in ("en", "es"):
        assert {one for one, text in texts(language).items() if text.strip()} == set(ENGLISH)
        assert not any(message.fuzzy for message in catalogue(language) if message.id)


@every_language
def test_no_catalogue_has_a_sentence_that_english_lacks(language: Language) -> None:
    assert set(texts(language)) <= set(ENGLISH)
    ids = [message.id for message in catalogue("en")]
    assert [message.id for message in catalogue(language) if message.id not in ids] == []


@every_language
def test_every_sentence_has_the_same_places(language: Language) -> None:
    for message in catalogue(language):
        if message.id and any(as_tuple(message.string)):
            known = {place for one in as_tuple(message.id) for place in places(ENGLISH[one])}
            said = [places(form) for form in as_tuple(message.string)]
            assert set().union(*said) == known, message.id
            assert all(one >= known - {"name", "n"} for one in said), message.id  # one is named, many are counted


@every_language
def test_a_translation_stands_beside_the_english_it_was_made_from(language: Language) -> None:
    for message in catalogue(language):
        if message.id and language != "en":
            assert message.auto_comments == [ENGLISH[one].strip() for one in as_tuple(message.id)], message.id


@every_language
def test_what_is_compiled_is_what_the_catalogue_says(language: Language) -> None:
    with (FOLDER / language / "LC_MESSAGES" / "console.mo").open("rb") as file:
        compiled = mofile.read_mo(file)
    remedy = "make it anew: pybabel compile -D console -d tui/locale"
    said = {
        as_tuple(one.id): as_tuple(one.string) for one in catalogue(language) if one.id and any(as_tuple(one.string))
    }
    assert {as_tuple(one.id): as_tuple(one.string) for one in compiled if one.id} == said, remedy


@every_language
def test_no_sentence_needs_a_glyph_that_a_bare_terminal_lacks(language: Language) -> None:
    for identifier, sentence in texts(language).items():
        assert all(" " <= char <= "~" or "\N{NO-BREAK SPACE}" <= char <= "ÿ" for char in sentence), identifier


def test_a_sentence_that_a_language_lacks_comes_in_english(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for language, said in (("en", {"today.title": "Today", "today.now": "NOW"}), ("fr", {"today.title": "Le jour"})):
        folder = tmp_path / language / "LC_MESSAGES"
        folder.mkdir(parents=True)
        made = Catalog(locale=language)
        for identifier, text in said.items():
            made.add(identifier, text)
        with (folder / "console.mo").open("wb") as file:
            mofile.write_mo(file, made)
    monkeypatch.setattr("tui.words.FOLDER", tmp_path)
    words = Words("fr")
    assert (words("today.title"), words("today.now"), words("today.later")) == ("Le jour", "NOW", "today.later")


def test_every_fault_of_the_box_and_of_the_line_has_words() -> None:
    for code in [*(kind.code for kind in KINDS), *CODES]:
        assert f"fault.{code}" in ENGLISH


def told_by_machines() -> dict[str, str]:
    """Each code that the steward's programs and what stands behind the box's own pages give, and where."""
    told: dict[str, str] = {}
    for folder in ("machine", "updates", "power", "setup", "steward"):
        for file in sorted((Path(appliance.__file__).parent / folder).glob("*.py")):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Fault", "Refused", "Wrong"):
                    told |= dict.fromkeys(codes_in(node.args[0]), file.name)
    return told


def codes_in(node: ast.expr) -> list[str]:
    """What the expression can be: a text, one of two, or what a table's reader falls back to."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.IfExp):
        return codes_in(node.body) + codes_in(node.orelse)
    return codes_in(node.args[-1]) if isinstance(node, ast.Call) and len(node.args) > 1 else []


def test_every_code_that_the_machine_tells_is_one_of_the_faults_and_has_words() -> None:
    told = told_by_machines() | dict.fromkeys((code for _, code in rauc._CODES), "rauc.py")
    assert {"wifi_refused", "machine_busy", "update_damaged", "home_read_only"} <= set(told)
    kinds = {kind.code for kind in KINDS}
    for code, where in told.items():
        assert code in kinds, (code, where)
        assert f"fault.{code}" in ENGLISH, (code, where)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_palette_shows_every_name_whole(language: Language) -> None:
    words = Words(language)
    for command in COMMANDS:
        assert len(words(f"command.{command.id}")) <= NAME, command.id
    remarks = [len(words(remark)) for remark in ("palette.not_for_role", "palette.not_here")]
    assert NAME + 1 + 4 + 1 + max(remarks) <= 60 - 4  # its window without the frame


def test_every_fault_of_sync_that_staff_can_meet_has_words() -> None:
    worded = {identifier.removeprefix("sync_fault.") for identifier in ENGLISH if identifier.startswith("sync_fault.")}
    assert worded - {"unknown"} <= set(SYNC_FAULTS)
    assert set(SYNC_FAULTS) - worded - HQ_ONLY - GENERAL == set()


def test_a_fault_tells_its_number_or_version_where_it_has_one() -> None:
    assert "7" in Words("en").fault("store_rolled_back", "7")
    assert "9.9.9" in Words("es").fault("store_newer", "9.9.9")
    assert Words("en").fault("refused", "7") == Words("en").fault("refused")


def test_a_code_that_nobody_knows_is_named() -> None:
    assert "from_the_future" in Words("en").fault("from_the_future")
    assert "from_the_future" in Words("es").sync_fault("from_the_future")


def test_everything_that_the_types_can_say_has_words() -> None:
    wanted = [f"role.{one}" for one in get_args(Role)]
    wanted += [f"session.{one}" for one in get_args(Phase)]
    wanted += [f"session.door.{one}" for one in ("unlocked", "locked", "locked_complete", "locked_leader")]
    wanted += [f"removal_why.{one}" for one in get_args(RemovalWhy) if one]
    wanted += [f"card.{one}" for one in get_args(CardKind)] + [
        f"concern.{one}" for part in get_args(Trouble) for one in get_args(part)
    ]
    wanted += [f"standing.{one}" for one in get_args(Standing)]
    wanted += [f"ticket.{one}" for one in get_args(TicketState) if one != "issued"]
    wanted += [f"{kind}.{one}" for one in get_args(get_type_hints(Sync)["state"]) for kind in ("sync", "status")]
    wanted += [f"command.{one.id}" for one in COMMANDS] + [f"help.{one.id}" for one in COMMANDS]
    for kind in get_args(NeedKind):
        counted = kind in ("concern", "waiting", "hq_unreachable")
        wanted += [f"need.{kind}.one", f"need.{kind}.many"] if counted else [f"need.{kind}"]
    for command in COMMANDS:
        wanted += [f"confirm.{command.id}"] if command.confirm else []
        wanted += [f"done.{command.id}"] if command.reach in ("session", "member") else []
    assert [one for one in wanted if one not in ENGLISH] == []


def test_every_sentence_is_shown_somewhere() -> None:
    """By its whole id, or by one made of a word: of the console itself, of a wire type, a command or a fault."""
    source = "\n".join(path.read_text() for path in Path(tui.__path__[0]).rglob("*.py"))
    words = set(re.findall(r"""["']([a-z_0-9.]+)["']""", source + Path(types.__file__).read_text()))
    words |= {command.id for command in COMMANDS} | {kind.code for kind in KINDS} | {*CODES, *SYNC_FAULTS}
    words |= {one for part in get_args(Trouble) for one in get_args(part)}
    words |= {"too_soon", "locked_complete", "locked_leader", "emergency_none", "on_call_none"}  # made of two
    words |= {region.lower() for region in REGIONS}
    words |= {"title", "text", "rule"}  # of the pages of set-up
    words |= {f"capacity_{one}" for one in ("measured", "set", "assumed")}
    for identifier in ENGLISH:
        shown = identifier.removesuffix(".key").removesuffix(".many").removesuffix(".one")
        head, _, last = shown.rpartition(".")
        made = last in words and (f'"{head}.' in source or f"{head}.{{" in source or f'"{head}"' in source)
        made |= last in words and head.startswith("setup.") and head.removeprefix("setup.") in PAGES  # of its page
        assert shown in words or made, identifier


@pytest.mark.parametrize(
    ("option", "environment", "language"),
    [
        ("", {}, "en"),
        ("", {"LANG": "es_MX.UTF-8"}, "es"),
        ("", {"LANG": "es_ES", "LC_ALL": "en_US.UTF-8"}, "en"),
        ("", {"LANG": "es_ES", "LC_MESSAGES": "", "LC_ALL": ""}, "es"),
        ("", {"LANG": "de_DE.UTF-8"}, "en"),
        ("es", {"LANG": "en_US"}, "es"),
        ("en", {"LANG": "es_ES"}, "en"),
    ],
)
def test_the_option_wins_over_the_terminals_language(option: str, environment: dict[str, str], language: str) -> None:
    assert choose_language(option, environment) == language


@pytest.mark.parametrize(
    ("language", "at", "shown"),
    [
        ("en", "2031-03-04T13:52:00Z", "2:52 PM"),
        ("en", "2031-03-03T23:05:00Z", "12:05 AM"),
        ("en", "2031-03-02T09:00:00Z", "Mar 2, 10:00 AM"),
        ("es", "2031-03-04T13:52:00Z", "14:52"),
        ("es", "2031-03-02T09:00:00Z", "2 mar 10:00"),
        ("es", "2031-09-02T09:00:00Z", "2 sept 11:00"),
        ("en", "", "never"),
        ("es", "soon", "nunca"),
        ("en", "2031-03-04T13:52:00", "never"),
    ],
)
def test_moments_are_told_as_the_clinics_clock_tells_them(language: Language, at: str, shown: str) -> None:
    assert Words(language, BERLIN).moment(at, TODAY) == shown


def test_numbers_and_spans_follow_the_language() -> None:
    assert Words("en").number(0.42, 1) == "0.4"
    assert Words("es").number(0.42, 1) == "0,4"
    assert (Words("en").number(12_345), Words("es").number(12_345)) == ("12,345", "12.345")
    spans = [Words("en").span(seconds) for seconds in (-1, 59, 60, 3600, 90_000, 10**9)]
    assert spans == ["0 min", "0 min", "1 min", "1 h 0 min", "1 d 1 h", "11574 d 1 h"]


def test_one_and_many_are_told_apart() -> None:
    assert Words("en").count("sync.records", 1) == "1 record"
    assert Words("en").count("sync.records", 0) == "0 records"


@given(st.text(max_size=400))
def test_a_name_is_one_bounded_line_without_anything_invisible(text: str) -> None:
    shown = plain(text)
    assert len(shown) <= MAX_NAME
    assert shown.isprintable() and "\n" not in shown
    assert plain(shown) == shown


def test_a_name_cannot_move_the_cursor_or_turn_the_line_round() -> None:
    assert plain("Ma\x1b[2Jrta\u202e \u200bV\r\n") == "Ma [2Jrta V"
