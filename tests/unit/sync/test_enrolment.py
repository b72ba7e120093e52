"""The one-time code, the request and the answer as bytes, and the steps from old keys of HQ to new ones."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import enrolment, keys, rollover, suite
from sync.enrolment import ALPHABET, CODE_LETTERS, Answer
from sync.faults import SyncFault
from sync.keys import BoxFacts, HqFacts
from sync.rollover import acceptable


def code_of(numbers: Iterable[int]) -> str:
    drawn = iter(numbers)
    return enrolment.new_code(lambda below: next(drawn) % below)


CODES = st.lists(st.integers(0, len(ALPHABET) - 1), min_size=CODE_LETTERS - 1, max_size=CODE_LETTERS - 1).map(code_of)
CODE = code_of(range(CODE_LETTERS - 1))
KEY, INBOX = suite.SigningKey(bytes(32)), suite.RecordKey(bytes(32))
BOX = BoxFacts(bytes(range(16)), KEY.public, INBOX.public)
PACKS, RECEIPTS = suite.SigningKey(b"p" * 32), suite.SigningKey(b"r" * 32)
HQ = HqFacts("https://hq.example.org", (INBOX.public,), (RECEIPTS.public,), (b"certificate",), (PACKS.public,))


def asked(code: str = "", serial: int = 0) -> enrolment.Request:
    raw = enrolment.request(BOX, KEY, b"csr", software="0.5.0", serial=serial, nonce=bytes(16), code=code)
    return enrolment.parse_request(raw)


def answer_to(request: enrolment.Request, **changed: object) -> Answer:
    given = Answer(request.digest, BOX.box, b"pem", "Clinic", "2031-03-04T14:00:00Z", facts=keys.hq_to_json(HQ))
    return replace(given, **changed)  # type: ignore[arg-type]


# -- the code


@given(CODES)
def test_a_code_is_read_however_it_is_typed(code: str) -> None:
    typed = f" {enrolment.shown(code).lower().replace('-', ' - ')}\n"
    assert enrolment.read_code(typed) == enrolment.read_code(code) == code


@given(CODES, st.integers(0, CODE_LETTERS - 1), st.integers(1, len(ALPHABET) - 1))
def test_any_one_wrong_letter_is_told_before_anything_is_sent(code: str, place: int, by: int) -> None:
    wrong = ALPHABET[(ALPHABET.index(code[place]) + by) % len(ALPHABET)]
    with pytest.raises(SyncFault, match="code_mistyped"):
        enrolment.read_code(code[:place] + wrong + code[place + 1 :])


@given(CODES, st.integers(0, CODE_LETTERS - 2))
def test_two_letters_that_changed_places_are_told_but_for_one_pair(code: str, place: int) -> None:
    first, second = code[place], code[place + 1]
    swapped = code[:place] + second + first + code[place + 2 :]
    if {first, second} in ({ALPHABET[0], ALPHABET[-1]}, {first}):
        assert enrolment.read_code(swapped)
    else:
        with pytest.raises(SyncFault, match="code_mistyped"):
            enrolment.read_code(swapped)


@pytest.mark.parametrize("typed", ["", "ABCD", "0" * 20, "A" * 21, "é" * 20])
def test_what_cannot_be_a_code_is_told_too(typed: str) -> None:
    with pytest.raises(SyncFault, match="code_mistyped"):
        enrolment.read_code(typed)


# -- request and answer


@given(CODES, CODES)
def test_the_code_is_in_no_byte_that_travels(code: str, other: str) -> None:
    request = asked(code)
    assert code.encode() not in request.body
    assert base64.b64encode(code.encode()) not in request.body
    assert enrolment.knows_code(request, enrolment.code_secret(code))
    assert enrolment.knows_code(request, enrolment.code_secret(other)) == (code == other)


@given(st.data())
def test_a_request_with_one_changed_byte_is_refused_or_proves_no_code(data: st.DataObject) -> None:
    code = CODE
    raw = bytearray(asked(code).raw)
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] ^= data.draw(st.integers(1, 255))
    try:
        request = enrolment.parse_request(bytes(raw))
    except SyncFault as fault:
        assert fault.code in ("malformed_enrolment", "unsupported_version", "bad_signature")
        return
    same = (request.body, request.signature) == (asked(code).body, asked(code).signature)
    assert same or not enrolment.knows_code(request, enrolment.code_secret(code))


def test_a_box_that_names_a_key_it_does_not_have_is_refused() -> None:
    fields = json.loads(asked().raw)
    body = json.loads(base64.b64decode(fields["body"]))
    body["box"]["verify_key"] = base64.b64encode(PACKS.public).decode()
    fields["body"] = base64.b64encode(json.dumps(body).encode()).decode()
    with pytest.raises(SyncFault, match="bad_signature"):
        enrolment.parse_request(json.dumps(fields).encode())


def test_an_answer_counts_for_its_own_request_and_code_only() -> None:
    code = CODE
    request, secret = asked(code), enrolment.code_secret(code)
    raw = enrolment.answer_by_code(answer_to(request), secret)
    assert enrolment.read_answer(raw, request, secret) == (answer_to(request), HQ)
    for wrong in (
        enrolment.answer_by_code(answer_to(request), bytes(32)),  # somebody between, with facts of their own
        enrolment.answer_by_code(answer_to(asked(code, serial=3)), secret),  # an older answer
        enrolment.answer_by_code(answer_to(request, box=bytes(16)), secret),  # another box's
        enrolment.answer_renewal(answer_to(request), RECEIPTS),
    ):
        with pytest.raises(SyncFault, match="answer_forged"):
            enrolment.read_answer(wrong, request, secret)


def test_a_renewal_counts_from_the_hq_we_know_only() -> None:
    request = asked(serial=1)
    raw = enrolment.answer_renewal(answer_to(request, facts=b""), RECEIPTS)
    assert enrolment.read_renewal(raw, request, HQ)[1] == HQ
    for wrong in (
        enrolment.answer_renewal(answer_to(request), PACKS),
        enrolment.answer_renewal(answer_to(asked(serial=2)), RECEIPTS),
        enrolment.answer_by_code(answer_to(request), bytes(32)),
    ):
        with pytest.raises(SyncFault, match="answer_forged"):
            enrolment.read_renewal(wrong, request, HQ)


@given(st.binary(max_size=400))
def test_bytes_of_a_network_s_own_page_are_no_answer(raw: bytes) -> None:
    with pytest.raises(SyncFault, match="not_hq"):
        enrolment.read_answer(raw, asked(), bytes(32))
    with pytest.raises(SyncFault, match="not_hq"):
        enrolment.read_renewal(raw, asked(), HQ)
    with pytest.raises(SyncFault, match="malformed_enrolment"):
        enrolment.parse_request(raw)


# -- rollover

NAMES = st.lists(st.sampled_from([b"a", b"b", b"c"]), min_size=1, max_size=3, unique=True).map(tuple)


@given(NAMES, NAMES, st.integers(1, 5), st.integers(1, 5))
def test_new_facts_are_taken_if_newer_and_each_list_keeps_something_known(
    had: tuple[bytes, ...], has: tuple[bytes, ...], before: int, after: int
) -> None:
    old, new = replace(HQ, receipt_keys=had, serial=before), replace(HQ, receipt_keys=has, serial=after)
    assert acceptable(old, new) == (after > before and bool(set(had) & set(has)))


def test_a_box_pinned_before_there_were_pack_keys_takes_the_first_ones_from_a_receipt_key() -> None:
    old, new = replace(HQ, pack_keys=()), replace(HQ, serial=2)
    step = rollover.sign(new, [PACKS, RECEIPTS])
    assert rollover.walk([step], old) == new
    with pytest.raises(SyncFault, match="facts_other_key"):  # and never again after that
        rollover.walk([rollover.sign(replace(HQ, serial=3), [RECEIPTS])], new)


def test_steps_are_walked_one_on_the_other_and_an_altered_one_stops_the_walk() -> None:
    other = suite.SigningKey(b"q" * 32)
    second = replace(HQ, serial=2, pack_keys=(PACKS.public, other.public))
    third = replace(HQ, serial=3, pack_keys=(other.public,))
    steps = [rollover.sign(second, [PACKS, other]), rollover.sign(third, [other])]
    assert rollover.walk(steps, HQ) == third
    assert rollover.walk(steps, third) == third
    with pytest.raises(SyncFault, match="facts_other_key"):
        rollover.walk(steps[1:], HQ)
    altered = replace(steps[0], facts=keys.hq_to_json(replace(second, url="https://evil.example.org")))
    with pytest.raises(SyncFault, match="bad_signature"):
        rollover.walk([altered], HQ)


@given(st.binary(max_size=200))
def test_bytes_that_are_no_step_are_a_fault(raw: bytes) -> None:
    with pytest.raises(SyncFault, match="malformed_facts"):
        rollover.step_from_json(raw)
