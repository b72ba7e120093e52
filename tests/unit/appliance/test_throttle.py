from __future__ import annotations

from appliance.identity.rules import Throttle


def test_after_the_limit_no_more_tries_until_the_window_has_passed() -> None:
    throttle = Throttle(limit=3, window=60.0)
    for second in range(3):
        assert throttle.take("a", second)
    assert not throttle.take("a", 59.0)
    assert throttle.take("b", 59.0)
    assert throttle.take("a", 60.5)


def test_a_try_over_the_limit_makes_nobody_wait_longer() -> None:
    throttle = Throttle(limit=1, window=60.0)
    assert throttle.take("a", 0.0)
    assert not throttle.take("a", 59.0)
    assert throttle.take("a", 60.0)


def test_good_tries_count_for_nothing() -> None:
    throttle = Throttle(limit=3, window=60.0)
    for _ in range(10):
        assert throttle.take("a", 0.0)
        throttle.give_back("a")


def test_a_flood_of_addresses_does_not_grow_without_bound() -> None:
    throttle = Throttle(limit=3, window=60.0, keys=10)
    for number in range(1000):
        throttle.take(str(number), 0.0)
    assert len(throttle._tries) == 10
