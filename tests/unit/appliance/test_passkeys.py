"""What a passkey's answer must be, where passkeys work, what a challenge is good for."""

from __future__ import annotations

import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.faults import Fault
from appliance.identity.passkeys import ceremony
from appliance.identity.passkeys.rows import Passkey
from appliance.identity.passkeys.rules import (
    CHALLENGE_SECONDS,
    CHALLENGES,
    MAX_LABEL,
    Challenges,
    Site,
    label,
    site,
    user_handle,
)
from tests.fakes.authenticator import PRESENT, Authenticator

HERE = Site("hearth.local", "https://hearth.local:8443")
ELSEWHERE = Site("hearth.example", "https://hearth.example:8443")
CHALLENGE = os.urandom(32)


def made(key: Authenticator, at: Site = HERE, asked: Site = HERE) -> ceremony.Made:
    options = ceremony.ask_new(asked, "Riverbend", "p-1", "mara", (), CHALLENGE)
    return ceremony.judge_new(key.make(options, at.origin), CHALLENGE, HERE)


def kept(key: Authenticator, count: int = 0) -> Passkey:
    new = made(key)
    return Passkey("k-1", "p-1", HERE.host, new.credential_id, new.public_key, count, "1", "", "")


def signed(key: Authenticator, passkey: Passkey, origin: str = HERE.origin, **how: object) -> int:
    options = ceremony.ask(HERE, [passkey], CHALLENGE)
    return ceremony.judge(key.sign(options, origin, **how), CHALLENGE, HERE, passkey)  # type: ignore[arg-type]


@pytest.mark.parametrize("counts", [True, False])
def test_a_passkey_that_was_made_here_signs_in_here(counts: bool) -> None:
    key = Authenticator(counts=counts)
    assert signed(key, kept(key)) == int(counts)


def test_a_key_without_fingerprint_or_pin_will_do_after_the_password() -> None:
    key = Authenticator(flags=PRESENT)
    assert signed(key, kept(key)) == 1


@pytest.mark.parametrize(
    "how",
    [
        {"origin": ELSEWHERE.origin},
        {"origin": "https://hearth.local"},
        {"origin": "http://hearth.local:8443"},
        {"host": ELSEWHERE.host},
        {"crossOrigin": True},
        {"type": "webauthn.create"},
    ],
)
def test_what_another_page_asked_for_is_refused(how: dict[str, object]) -> None:
    key = Authenticator()
    with pytest.raises(Fault, match="wrong_passkey"):
        signed(key, kept(key), **how)  # type: ignore[arg-type]


def test_a_passkey_made_by_another_page_is_not_taken() -> None:
    for at, asked in ((ELSEWHERE, HERE), (HERE, ELSEWHERE)):
        with pytest.raises(Fault, match="wrong_passkey"):
            made(Authenticator(), at, asked)


def test_a_count_that_did_not_rise_is_a_copy_and_refused() -> None:
    key = Authenticator()
    with pytest.raises(Fault, match="wrong_passkey"):
        signed(key, kept(key, count=1))


def test_another_keys_signature_is_refused() -> None:
    with pytest.raises(Fault, match="wrong_passkey"):
        signed(Authenticator(), kept(Authenticator()))


def test_nobody_touched_it_is_refused() -> None:
    key = Authenticator()
    passkey = kept(key)
    key.flags = 0
    with pytest.raises(Fault, match="wrong_passkey"):
        signed(key, passkey)


def test_another_challenge_is_refused() -> None:
    key = Authenticator()
    passkey = kept(key)
    answer = key.sign(ceremony.ask(HERE, [passkey], os.urandom(32)), HERE.origin)
    with pytest.raises(Fault, match="wrong_passkey"):
        ceremony.judge(answer, CHALLENGE, HERE, passkey)


@settings(max_examples=60)
@given(data=st.data())
def test_whatever_a_stranger_sends_as_an_answer_is_refused_by_its_own_code(data: st.DataObject) -> None:
    key = Authenticator()
    passkey = kept(key)
    whole = json.loads(key.sign(ceremony.ask(HERE, [passkey], CHALLENGE), HERE.origin))
    name = data.draw(st.sampled_from(sorted(whole["response"])))
    whole["response"][name] = data.draw(st.text(max_size=80) | st.none() | st.integers() | st.just({}))
    for answer in (json.dumps(whole), data.draw(st.text(max_size=200)), "[" * 5000, "9" * 20000):
        for judge in (
            lambda answer=answer: ceremony.judge(answer, CHALLENGE, HERE, passkey),
            lambda answer=answer: ceremony.judge_new(answer, CHALLENGE, HERE),
            lambda answer=answer: ceremony.credential_of(answer) and ceremony.judge(answer, CHALLENGE, HERE, passkey),
        ):
            with pytest.raises(Fault, match="wrong_passkey"):
                judge()


@pytest.mark.parametrize(
    ("authority", "host"),
    [("hearth.local:8443", "hearth.local"), ("Hearth.Local", "hearth.local"), ("localhost:8443", "localhost")],
)
def test_a_name_is_a_place_for_passkeys(authority: str, host: str) -> None:
    found = site(authority)
    assert found is not None and found.host == host and found.origin == f"https://{authority.lower()}"


@pytest.mark.parametrize("authority", ["192.168.1.5:8443", "127.0.0.1", "[fe80::1]:8443", "[::1]", "", ":8443"])
def test_an_address_in_figures_is_none(authority: str) -> None:
    assert site(authority) is None


def test_the_handle_in_the_key_tells_nothing_of_its_person() -> None:
    assert len(user_handle("p-1")) == 32 and user_handle("p-1") != user_handle("p-2")


def test_a_passkey_without_a_name_gets_a_number() -> None:
    assert (label("  my   phone ", 3), label("", 3)) == ("my phone", "4")
    for bad in ("x" * (MAX_LABEL + 1), "a\x07b"):
        with pytest.raises(Fault, match="bad_request"):
            label(bad, 0)


def test_a_challenge_is_good_once_for_its_holder_purpose_and_site() -> None:
    book = Challenges()
    for holder, purpose, at, now in (
        (b"b", "sign_in", HERE, 0.0),
        (b"a", "register", HERE, 0.0),
        (b"a", "sign_in", ELSEWHERE, 0.0),
        (b"a", "sign_in", HERE, CHALLENGE_SECONDS + 1),
    ):
        book.give(b"a", "sign_in", CHALLENGE, HERE, 0.0)
        with pytest.raises(Fault, match="wrong_passkey"):
            book.take(holder, purpose, at, now)  # type: ignore[arg-type]
    book.give(b"a", "sign_in", CHALLENGE, HERE, 0.0)
    assert book.take(b"a", "sign_in", HERE, 1.0) == CHALLENGE
    with pytest.raises(Fault, match="wrong_passkey"):
        book.take(b"a", "sign_in", HERE, 1.0)


def test_challenges_do_not_grow_without_bound() -> None:
    book = Challenges()
    for number in range(2 * CHALLENGES):
        book.give(str(number).encode(), "sign_in", CHALLENGE, HERE, 0.0)
    assert len(book._given) == CHALLENGES
