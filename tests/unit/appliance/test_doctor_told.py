"""The text for a helper: every figure comes through its code, and no line holds a name or runs over its edge."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.doctor.figures import SIZES, UNKNOWN, Figures, bounded, code, read, words
from appliance.doctor.phrases import EN, ES, PHRASES
from appliance.doctor.told import WIDTH, Language, Told

figures = st.builds(
    Figures,
    **{name: st.integers(UNKNOWN, size + 5) for name, size in SIZES.items() if name != "clock_off"},
    clock_off=st.none() | st.integers(-200_000, 200_000),
)
FINE = Figures(
    major=0, minor=7, patch=0, running=3, up_hours=80, slot=0, trial=0, fell_back=0, release_days=30, update=0, line=1,
    mbps=1000, address=17, address_kind=1, gateway=1, hq=2, hq_fault=0, hq_hours=1, receipt_days=0, queued=2, clock=0,
    clock_from=2, clock_minutes=450_000, clock_off=1, portal_days=300, name_days=60, courier_days=200, disk_percent=80,
    disk_mib=20_000, store=0, card=1, card_errors=0, card_written=40, degrees=52, throttled=0, memory_mib=2_000,
    memory_total=4_000, relay=1, people=0, carried=0, capacity=1, backup=2, backup_days=1,
)  # fmt: skip


@given(figures)
def test_a_code_gives_back_what_was_told(found: Figures) -> None:
    assert read(code(found)) == bounded(found)
    assert re.fullmatch(r"[0-9A-Z]{76}", code(found))  # as many as the smallest QR code of its kind holds, less one


@given(figures, st.integers(0, 75), st.sampled_from("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))
def test_one_wrong_letter_is_nearly_always_found_by_the_code_and_always_by_its_words(
    found: Figures, at: int, letter: str
) -> None:
    right = code(found)
    wrong = right[:at] + letter + right[at + 1 :]
    if wrong != right and read(wrong) is not None:
        assert words(wrong, "en") != words(right, "en")


@pytest.mark.parametrize("typed", ["", "A", "Z" * 76, "A" + "Z" * 75, "no code at all", "B" + code(FINE)[1:]])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert read(typed) is None


def test_a_code_is_read_as_people_type_it() -> None:
    typed = " ".join(code(FINE)[at : at + 4] for at in range(0, 76, 4)).lower()
    assert read(f" {typed}\n") == FINE


@given(figures, st.sampled_from(("en", "es")))
def test_every_box_has_the_same_numbered_lines_and_none_runs_over_the_edge(found: Figures, language: Language) -> None:
    told = Told(found, language)
    assert [int(line[:2]) for line in told.lines] == list(range(1, 14))
    assert all(line[3:5].strip() in ("ok", "NO", "?") for line in told.lines)
    assert max(map(len, told.lines)) <= WIDTH + 10  # only where several figures at once are as large as can be


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_lines_of_a_usual_box_fit_a_terminal(language: Language) -> None:
    told = Told(FINE, language)
    assert told.bad == () and max(map(len, told.lines)) <= WIDTH


WRONG = [
    ({"running": 0}, 1), ({"running": 2}, 1), ({"line": 0}, 2), ({"address_kind": 2}, 2), ({"gateway": 0}, 2),
    ({"hq": 1, "hq_fault": 1}, 3), ({"hq_hours": 1_000}, 3), ({"clock": 1}, 4), ({"clock": 6}, 4),
    ({"clock_off": -3_600}, 4), ({"portal_days": 3}, 5), ({"name_days": 0}, 5), ({"disk_percent": 5}, 6),
    ({"store": 2}, 6), ({"card_errors": 1}, 7), ({"card_used": 90}, 7), ({"degrees": 85}, 8), ({"throttled": 1}, 8),
    ({"memory_mib": 100}, 9), ({"fell_back": 1}, 10), ({"update": 2}, 10), ({"release_days": 500}, 10),
    ({"receipt_days": 30}, 11), ({"relay": 0}, 12), ({"carried": 99}, 12), ({"backup": 1}, 13), ({"backup": 3}, 13),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "line"), WRONG)
def test_what_needs_somebody_is_marked_in_its_line(fields: dict[str, int], line: int) -> None:
    assert line in Told(msgspec.structs.replace(FINE, **fields), "en").bad


@pytest.mark.parametrize("name", SIZES)
def test_what_could_not_be_seen_needs_nobody(name: str) -> None:
    """Nor does it break a line. A box that tells nothing at all is told as such."""
    unknown = msgspec.structs.replace(FINE, **{name: None if name == "clock_off" else UNKNOWN})
    assert set(Told(unknown, "es").bad) <= {3, 11}  # never heard of headquarters, never a receipt
    assert Told(Figures(), "en").bad == ()


def test_both_languages_have_the_same_phrases_with_the_same_places() -> None:
    assert set(EN) == set(ES)
    for phrase, text in EN.items():
        assert sorted(re.findall(r"{\w+", text)) == sorted(re.findall(r"{\w+", ES[phrase])), phrase


def test_every_value_of_a_small_field_has_words() -> None:
    for field in ("running", "line", "address_kind", "gateway", "hq", "clock", "clock_from", "card", "throttled"):
        assert all(f"{field}_{value}" in PHRASES["en"] for value in range(SIZES[field])), field
    assert set(Figures.__struct_fields__) == set(SIZES)
