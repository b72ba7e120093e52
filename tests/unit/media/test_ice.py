"""The answering side of ICE: who is answered, where packets go, when consent ends (RFC 8445, 8489, 7675)."""

from __future__ import annotations

import pytest
from aioice import stun

from media import ice, limits
from media.faults import MediaFault
from media.ice import IceLite
from tests.fakes.waiting import there

HOME, AWAY = ("192.0.2.7", 40000), ("192.0.2.7", 50000)


def request(proof: str = "right", *, nominate: bool = True, username: str = "ours:theirs") -> stun.Message:
    attributes = {"USERNAME": username, "PRIORITY": 1, "ICE-CONTROLLING": 7}
    if nominate:
        attributes["USE-CANDIDATE"] = None
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes=attributes)
    message.add_message_integrity(proof.encode())
    return ice.read_request(bytes(message))


def test_a_check_that_proves_the_password_is_answered_with_its_own_address() -> None:
    asked = request()
    answer = IceLite("ours", "right").check(asked, HOME, 1.0)
    response = stun.parse_message(there(answer).response)
    assert response.transaction_id == asked.transaction_id
    assert response.attributes["XOR-MAPPED-ADDRESS"] == HOME
    assert response.check_message_integrity(b"right")
    assert "FINGERPRINT" in response.attributes


def test_a_check_with_another_password_is_not_answered_and_gives_no_consent() -> None:
    agent = IceLite("ours", "right")
    assert agent.check(request("wrong"), HOME, 1.0) is None
    assert (agent.address, agent.consent_at) == (None, None)


def test_the_newest_nomination_wins() -> None:
    agent = IceLite("ours", "right")
    agent.check(request(), HOME, 1.0)
    agent.check(request(), AWAY, 1.1)
    assert agent.address == AWAY
    agent.check(request(), HOME, 1.2)
    assert agent.address == HOME


def test_a_check_without_nomination_takes_over_only_a_silent_address() -> None:
    agent = IceLite("ours", "right")
    agent.check(request(), HOME, 1.0)
    assert not there(agent.check(request(nominate=False), AWAY, 2.0)).selected
    assert agent.address == HOME
    agent.check(request(nominate=False), AWAY, 1.0 + limits.ADDRESS_SILENT + 0.1)
    assert agent.address == AWAY


def test_consent_ends_thirty_seconds_after_the_last_check() -> None:
    agent = IceLite("ours", "right")
    assert not agent.expired(100.0, 100.0 + limits.CONSENT_TIMEOUT)
    assert agent.expired(100.0, 100.1 + limits.CONSENT_TIMEOUT)
    agent.check(request(), HOME, 120.0)
    assert not agent.expired(100.0, 120.0 + limits.CONSENT_TIMEOUT)
    assert agent.expired(100.0, 120.1 + limits.CONSENT_TIMEOUT)


def test_the_username_before_the_colon_is_ours() -> None:
    assert ice.username_of(request(username="ours:theirs")) == "ours"
    assert ice.username_of(request(username="ours")) == "ours"


def test_what_is_not_a_binding_request_with_username_and_fingerprint_is_a_fault() -> None:
    plain = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": "ours:theirs"})
    response = stun.Message(stun.Method.BINDING, stun.Class.RESPONSE, attributes={"USERNAME": "ours:theirs"})
    response.add_fingerprint()
    nameless = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    nameless.add_fingerprint()
    for message in (plain, response, nameless):
        with pytest.raises(MediaFault):
            ice.read_request(bytes(message))


def test_a_long_stun_message_is_a_fault() -> None:
    message = stun.Message(stun.Method.BINDING, stun.Class.REQUEST, attributes={"USERNAME": "x" * 600})
    message.add_fingerprint()
    with pytest.raises(MediaFault):
        ice.read_request(bytes(message))
