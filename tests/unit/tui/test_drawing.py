"""What widgets make of facts: rows, bars, QR codes, keys."""

from __future__ import annotations

import pytest
import segno
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tests.fakes import clinic
from tests.unit.tui.test_model import KNOWN, group, with_member
from tui.commands import COMMANDS
from tui.screens.facts import bar
from tui.screens.palette import found
from tui.widgets.hints import key_name
from tui.widgets.invitation import half_blocks, qr_lines
from tui.widgets.roster import fit, rows
from tui.words import Words

EN, ES = Words("en"), Words("es")


def modules(lines: list[str]) -> list[list[bool]]:
    """Half blocks read back: True is a dark module."""
    upper, lower = {"█": False, "▀": False, "▄": True, " ": True}, {"█": False, "▀": True, "▄": False, " ": True}
    return [[half[char] for char in line] for line in lines for half in (upper, lower)]


def test_the_drawn_code_is_the_qr_code_with_a_quiet_border() -> None:
    link = "https://hearth.local:8443/join#K7QM-2XWD-0001"
    wanted = [[bool(one) for one in row] for row in segno.make(link, error="l", micro=False, boost_error=False).matrix]
    drawn = modules(qr_lines(link))
    size = len(wanted)
    assert [row[4 : 4 + size] for row in drawn[4 : 4 + size]] == wanted
    assert not any(any(row) for row in drawn[:4]) and not any(any(row[:4] + row[-4:]) for row in drawn[: size + 8])


def test_a_code_for_a_long_link_still_fits_80_by_24() -> None:
    lines = qr_lines("https://hearth.clinic-with-a-long-name.example:8443/join#" + "A" * 26)
    assert len(lines) <= 24 and len(lines[0]) + 34 <= 80


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), min_size=1, max_size=9))
def test_half_blocks_lose_no_module(square: list[list[bool]]) -> None:
    drawn = modules(half_blocks(square, quiet=1))
    assert [row[1:4] for row in drawn[1 : 1 + len(square)]] == square


@given(st.text(max_size=60), st.integers(min_value=0, max_value=40))
def test_a_column_has_exactly_its_width(text: str, width: int) -> None:
    assert cell_len(fit(text, width)) == width


@pytest.mark.parametrize(("share", "shown"), [(0.0, "[....................]"), (1.0, "[####################]")])
def test_a_bar_can_be_read_without_colour(share: float, shown: str) -> None:
    assert bar(share) == shown


def shown(*, words: Words = EN, **fields: object) -> str:
    of = with_member(group(KNOWN), clinic.MARTA, **fields) if fields else group(KNOWN)
    return "\n".join(text.plain for _, text in rows(of, words, 78))


def test_the_roster_says_who_waits_and_what_is_missing() -> None:
    text = shown()
    assert "WAITING ROOM (2)" in text and "NOT vouched for" in text and "page closed" in text
    assert "invitation STOPPED" in text and "NOT connected" in text


def test_an_empty_waiting_room_says_what_to_expect() -> None:
    of = clinic.session("s", "Quiet group")
    assert [text.plain for _, text in rows(of, EN, 78)][1].strip() == EN("roster.nobody_waits")


def test_the_groups_name_for_a_person_is_shown_only_where_it_differs() -> None:
    assert "as Marta" in shown()
    assert "as Marta" not in shown(display_name="Marta Velasco")


def test_a_name_with_markup_or_escapes_is_shown_as_it_is() -> None:
    assert "[bold]x[/]" in shown(name="[bold]x[/]")
    assert "\x1b" not in shown(name="\x1b[31mred")


@pytest.mark.parametrize("words", [EN, ES])
def test_rows_fit_the_narrowest_window(words: Words) -> None:
    long = shown(words=words, name="Maria-Magdalena von und zu Hohenstein-Oberberg", display_name="M" * 40)
    assert max(cell_len(line) for line in long.splitlines()) <= 78


def test_keys_are_named_as_people_read_them() -> None:
    names = [key_name(key, ES) for key in ("question_mark", "ctrl+p", "v", "f1", "enter")]
    assert names == ["?", "^P", "V", "F1", "Intro"]


def test_the_palette_finds_by_a_part_of_the_name_without_accents() -> None:
    assert found("ORD", ES)[0].id == "palette"
    assert found("adm", EN)[0].id == "admit"
    assert found("xyzzy", EN) == []
    assert len(found("", EN)) == len(COMMANDS)


def test_the_palette_searches_explanations_from_three_letters_on() -> None:
    assert [one.id for one in found("link", EN)] == ["reissue"]
    assert found("zz", EN) == []
