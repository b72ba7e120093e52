"""What a page may send about its group, field by field; and how often."""

from __future__ import annotations

import pytest

from appliance.faults import Fault
from appliance.groups import requests, rules
from appliance.groups.requests import parse
from appliance.groups.rules import MAX_HANDSHAKE, MAX_KEY_PACKAGE, MAX_SAID, Allowance, b64url
from appliance.policy import TABLE
from tests.fakes.group import GROUP, OTHER_GROUP, Data, committing, founding, group_info, key_package, message, saying

KEY = b64url(bytes(range(32)))


def without(data: Data, field: str) -> Data:
    return {name: value for name, value in data.items() if name != field}


COMMIT = committing(1)
MALFORMED: list[tuple[str, Data]] = [
    ("groupNothing", {}),
    ("group", {}),
    ("groupFound", {}),
    ("groupFound", without(founding(OTHER_GROUP, GROUP), "instead")),
    ("groupFound", founding(GROUP.upper(), GROUP)),
    ("groupFound", founding(OTHER_GROUP + "\n", GROUP)),
    ("groupFound", founding(GROUP, GROUP)),
    ("groupFound", {**founding(OTHER_GROUP, GROUP), "groupInfo": key_package()}),
    ("groupFound", {**founding(OTHER_GROUP, GROUP), "groupInfo": ""}),
    ("groupFound", {**founding(OTHER_GROUP, GROUP), "groupInfo": 7}),
    ("groupCommit", {**COMMIT, "epoch": -1}),
    ("groupCommit", {**COMMIT, "epoch": "1"}),
    ("groupCommit", {**COMMIT, "epoch": True}),
    ("groupCommit", {**COMMIT, "epoch": 2**53}),
    ("groupCommit", {**COMMIT, "commit": COMMIT["groupInfo"]}),
    ("groupCommit", {**COMMIT, "commit": COMMIT["commit"] + "="}),
    ("groupCommit", {**COMMIT, "commit": COMMIT["commit"] + "+/"}),
    ("groupCommit", {**COMMIT, "commit": "é"}),
    ("groupCommit", {**COMMIT, "commit": b64url(b"\x00\x02\x00\x01commit of another MLS")}),
    ("groupCommit", {**COMMIT, "commit": "AAEAAQ" + "B"}),
    ("groupCommit", {**COMMIT, "added": ["somebody"]}),
    ("groupCommit", {**COMMIT, "welcome": message(3)}),
    ("groupCommit", committing(1, added=("a", "a"))),
    ("groupCommit", committing(1, added=tuple("abcdefghijklmnopq"))),
    ("groupCommits", {"group": GROUP, "after": 0.5}),
    ("groupSay", {**saying(), "message": message(1)}),
    ("groupSay", {**saying(), "to": []}),
    ("groupSay", {**saying(), "to": "m"}),
    ("groupSay", {**saying(), "to": [""]}),
    ("groupSay", {**saying(), "to": ["m", "m"]}),
    ("groupSay", {**saying(), "to": list("abcdefghijklmnopq")}),
    ("groupCompared", {"group": None, "epoch": 1}),
    ("groupCredential", {"key": KEY[:-1]}),
    ("groupCredential", {"key": ""}),
    ("groupOffer", {"keyPackage": group_info()}),
    ("groupOffer", {"keyPackage": "*"}),
]
OVERSIZE: list[tuple[str, Data]] = [
    ("groupFound", {**founding(OTHER_GROUP, GROUP), "groupInfo": message(4, size=MAX_HANDSHAKE + 1)}),
    ("groupCommit", {**COMMIT, "commit": message(1, size=MAX_HANDSHAKE + 1)}),
    ("groupCommit", {**COMMIT, "groupInfo": message(4, size=MAX_HANDSHAKE + 1)}),
    ("groupCommit", {**COMMIT, "welcome": message(3, size=MAX_HANDSHAKE + 1)}),
    ("groupSay", {**saying(), "message": message(2, size=MAX_SAID + 1)}),
    ("groupOffer", {"keyPackage": message(5, size=MAX_KEY_PACKAGE + 1)}),
    ("groupCredential", {"key": KEY + "AA"}),
]


FINE: list[tuple[str, Data]] = [
    ("groupCredential", {"key": KEY}),
    ("groupOffer", {"keyPackage": message(5, size=MAX_KEY_PACKAGE)}),
    ("groupLook", {"more": "of a newer page"}),
    ("groupFound", founding()),
    ("groupFound", founding(OTHER_GROUP, GROUP)),
    ("groupCommit", committing(0)),
    ("groupCommit", {**committing(2**53 - 1, added=("m1", "m2")), "commit": message(2, size=MAX_HANDSHAKE)}),
    ("groupCommits", {"group": GROUP, "after": 0}),
    ("groupSay", {**saying(), "message": message(2, size=MAX_SAID)}),
    ("groupCompared", {"group": GROUP, "epoch": 3}),
]


@pytest.mark.parametrize(("method", "data"), FINE)
def test_what_the_protocol_names_is_understood(method: str, data: Data) -> None:
    assert type(parse(method, data)) is requests.REQUESTS[method]


@pytest.mark.parametrize(
    ("method", "data", "code"),
    [(*asked, "bad_request") for asked in MALFORMED] + [(*asked, "too_large") for asked in OVERSIZE],
)
def test_what_is_malformed_or_too_large_is_a_fault_with_that_code(method: str, data: Data, code: str) -> None:
    with pytest.raises(Fault) as caught:
        parse(method, data)
    assert caught.value.code == code


def test_every_request_asks_the_policy_with_a_word_of_its_own() -> None:
    words = [kind.ACTION for kind in requests.REQUESTS.values()]
    assert set(words) <= set(TABLE)
    assert len(set(words)) == len(words)


def test_the_same_bytes_have_one_spelling() -> None:
    """Else a commit that was asked for twice would look like two."""
    assert requests.LeafKey.taken(KEY) == bytes(range(32))
    with pytest.raises(Fault):
        requests.LeafKey.taken(KEY[:-1] + "9")  # the last two bits carry nothing


def test_an_allowance_fills_up_again_and_never_overflows() -> None:
    allowance = Allowance(rate=5.0, at_once=20.0)
    assert [allowance.take(100.0) for _ in range(21)] == [True] * 20 + [False]
    assert [allowance.take(100.2) for _ in range(2)] == [True, False]
    assert [allowance.take(9999.0) for _ in range(21)] == [True] * 20 + [False]


def test_a_clock_that_goes_back_gives_nothing_away() -> None:
    allowance = Allowance(rate=5.0, at_once=1.0)
    assert [allowance.take(now) for now in (100.0, 50.0, 50.1)] == [True, False, False]


def test_a_person_can_say_more_than_they_can_type() -> None:
    assert (rules.SAYS_PER_SECOND, rules.SAYS_AT_ONCE) == (5.0, 20.0)
