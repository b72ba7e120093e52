"""What a note may be, how it is searched for, and what its seal binds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.billing import rules as billing
from appliance.clock import parse
from appliance.faults import Fault
from appliance.notes import rules
from appliance.notes.access.rules import RECOVERY, Holder, must_renew, waiting
from appliance.notes.sealing import GroupKey, PrivateKey, opened_share, share, unwrap, wrap
from appliance.store.words import MOST_WORDS, WordIndex
from tests.fakes.box import CHEAP_NOTES


@given(st.text(max_size=200), st.text(max_size=2000))
def test_what_is_kept_is_what_was_typed_but_for_what_cannot_be_seen(title: str, text: str) -> None:
    try:
        kept = rules.words(title, text)
    except Fault as fault:
        assert fault.code in ("note_empty", "note_too_long")
        return
    assert rules.unpacked(rules.packed(kept)) == kept
    assert kept == rules.words(kept.title, kept.text)


@given(st.text(max_size=rules.MAX_QUERY))
def test_no_query_is_syntax(query: str) -> None:
    try:
        terms = rules.terms(query)
    except Fault as fault:
        assert fault.code == "bad_request"
        return
    if terms:
        index = WordIndex()
        index.find(rules.match(terms), 2**62, 5)
        index.close()


@given(st.text(max_size=600), st.text(max_size=30))
def test_a_snippet_is_of_the_text_and_short(text: str, query: str) -> None:
    try:
        pieces = rules.snippet(text, rules.terms(query))
    except Fault:
        return
    assert sum(len(piece) for piece, _ in pieces) <= 2 * 90 + 2 + rules.MAX_QUERY * 3


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("anos", True),
        ("AÑO", True),
        ('"tres años"', True),
        ('"años tres"', False),
        ("años tres", True),
        ('"año"', False),
    ],
)
def test_accents_and_case_do_not_count_and_quotes_do(query: str, found: bool) -> None:
    index = WordIndex()
    index.put([(1, "Cumplió tres años"), (2, "nothing of it")])
    terms = rules.terms(query)
    assert index.find(rules.match(terms), 2**62, 5) == ([1] if found else [])
    assert any(hit for _, hit in rules.snippet("Cumplió tres años", terms)) is found
    index.close()


def test_a_new_text_takes_the_place_of_the_old_one() -> None:
    index = WordIndex()
    index.put([(1, "old words")])
    index.put([(1, "new words")])
    assert (index.find('"old"', 9, 9), index.find('"new"', 9, 9)) == ([], [1])
    index.close()


@pytest.mark.parametrize("many", [1, MOST_WORDS + 1])
def test_the_beginning_of_a_long_word_finds_all_that_begin_so_however_many(many: int) -> None:
    index = WordIndex()
    index.put([(number + 1, f"She is Añorada{number:04}, cold") for number in range(many)])
    index.put([(many + 1, "anora")])
    for query in ("anora", "AÑORA", "añorada cold"):
        newest = many + 1 if query.lower() in ("anora", "añora") else many
        assert index.find(rules.match(rules.terms(query)), 2**62, 1) == [newest]
    assert len(index.find(rules.match(rules.terms("anorad")), 2**62, 10_000)) == many
    assert index.find(rules.match(rules.terms("anorx")), 2**62, 5) == []
    index.close()


def test_a_wrapped_key_opens_with_its_own_password_person_and_public_half_only() -> None:
    key, other = PrivateKey.new(), PrivateKey.new()
    kept = wrap(key, "p", "right password", CHEAP_NOTES)
    found = unwrap(kept, "p", key.public, "right password")
    assert found is not None and found.seed() == key.seed()
    for person, public, password in (("p", key.public, "wrong"), ("q", key.public, "right password")):
        assert unwrap(kept, person, public, password) is None
    assert unwrap(kept, "p", other.public, "right password") is None


def test_a_seal_binds_group_epoch_kind_and_header() -> None:
    key = GroupKey("g", 1, bytes(32))
    nonce, sealed = key.seal("note", b"header", b"words")
    assert key.open("note", b"header", nonce, sealed) == b"words"
    for other, kind, header in (
        (GroupKey("h", 1, bytes(32)), "note", b"header"),
        (GroupKey("g", 2, bytes(32)), "note", b"header"),
        (key, "reason", b"header"),
        (key, "note", b"headex"),
    ):
        with pytest.raises(Fault, match="note_damaged"):
            other.open(kind, header, nonce, sealed)


def test_a_length_shows_in_steps_only() -> None:
    key = GroupKey("g", 1, bytes(32))
    assert len({len(key.seal("note", b"", bytes(size))[1]) for size in range(1, 250)}) == 1


def test_what_is_sealed_to_one_holder_opens_for_no_other() -> None:
    one, two = PrivateKey.new(), PrivateKey.new()
    key = GroupKey.new("g", 3)
    sealed = key.sealed_for("one", one.public)
    assert GroupKey.opened("g", 3, "one", one, sealed).commitment() == key.commitment()
    for group, epoch, holder, with_key in (("g", 3, "two", two), ("g", 3, "two", one), ("h", 3, "one", one)):
        with pytest.raises(Fault, match="note_damaged"):
            GroupKey.opened(group, epoch, holder, with_key, sealed)
    recovery = PrivateKey.new()
    assert opened_share(recovery.public, "one", one, share(recovery, "one", one.public)).seed() == recovery.seed()
    with pytest.raises(Fault, match="note_damaged"):
        opened_share(two.public, "one", one, share(recovery, "one", one.public))


def test_keys_do_not_print() -> None:
    key = PrivateKey.new()
    assert key.seed().hex() not in repr(key) and repr(GroupKey.new("g", 1)) == "GroupKey(…)"


def test_a_new_key_is_due_when_one_who_had_it_should_not_read_on() -> None:
    both = {"a": b"1", "b": b"2"}
    held = [Holder(1, "a", b"1", True), Holder(1, "b", b"2", True), Holder(1, RECOVERY, b"9", True)]
    assert not must_renew(held, both)
    assert must_renew(held, {"a": b"1"})
    assert must_renew(held, {"a": b"1", "b": b"3"})
    assert must_renew([held[0], Holder(1, "b", b"2", False)], both)
    assert [(w.holder, w.epochs) for w in waiting([1, 2], held, {**both, "c": b""})] == [
        ("a", (2,)),
        ("b", (2,)),
        ("c", (1, 2)),
    ]


@given(st.lists(st.tuples(st.integers(0, 200), st.integers(0, 200)), max_size=6))
def test_minutes_count_once_what_two_devices_cover(spans: list[tuple[int, int]]) -> None:
    def moment(minute: int):  # type: ignore[no-untyped-def]  # noqa: ANN202
        return parse(f"2026-01-05T{10 + minute // 60:02}:{minute % 60:02}:00Z")

    covered = {m for begin, end in spans for m in range(begin, end)}
    assert billing.minutes((moment(begin), moment(end)) for begin, end in spans) == len(covered)


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@x", "\t=1", " =1", "\r=1"])
def test_a_cell_is_no_formula(cell: str) -> None:
    assert billing.as_csv(("a",), [(cell,)]).split("\r\n")[1].lstrip('"').startswith("'")


@pytest.mark.parametrize("month", ["", "2026", "2026-13", "2026-1", "2026-01-01", "x"])
def test_a_month_is_a_month(month: str) -> None:
    with pytest.raises(Fault, match="bad_request"):
        billing.month(month)
