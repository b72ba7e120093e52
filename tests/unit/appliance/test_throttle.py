from __future__ import annotations

from appliance.identity.rules import Throttle


def test_after_the_limit_no_more_tries_until_the_window_has_passed() -> None:
    throttle = Throttle(limit=3, window=60.0)
    for second in range(3):
        assert throttle.allows("a", second)
        throttle.failed("a", second)
    assert not throttle.allows("a", 59.0)
    assert throttle.allows("b", 59.0)
    assert throttle.allows("a", 60.5)


def test_a_flood_of_addresses_does_not_grow_without_bound() -> None:
    throttle = Throttle(limit=3, window=60.0, keys=10)
    for number in range(1000):
        throttle.failed(str(number), 0.0)
    assert len(throttle._tries) == 10
