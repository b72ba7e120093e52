"""How budget becomes limits of rooms."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media.room.capacity import (
    UP_PATIENCE,
    Budget,
    Cost,
    Demand,
    Share,
    Sharing,
    cost,
    fill,
    most_people,
    room_for_one_more,
    step_share,
    top,
    whole_room,
)

LAST_N = 9
ALL = Share(2, LAST_N)


def demand(people: int, layer: int = 2) -> Demand:
    return Demand(views=((layer,) * (people - 1),) * people, senders=people, voices=people)


def taken(demands: dict[str, Demand], shares: dict[str, Share]) -> Cost:
    total = Cost()
    for room, one in demands.items():
        total = total.plus(cost(one, shares[room]))
    return total


def exactly(share: Share, *demands: Demand) -> Budget:
    """What carries these rooms with that share each, and not a packet more."""
    total = taken(dict(zip("abcdefgh", demands, strict=False)), dict.fromkeys("abcdefgh", share))
    return Budget(kbps=int(total.kbps) + 1)


def test_what_is_not_known_bounds_nothing() -> None:
    assert Sharing(Budget(), LAST_N).decide({"a": demand(30)}, 0.0) == {"a": ALL}
    assert room_for_one_more({"a": 31}, "a", LAST_N, Budget())


def test_layers_go_before_pictures() -> None:
    sharing = Sharing(exactly(Share(0, LAST_N), demand(8)), LAST_N)
    assert sharing.decide({"a": demand(8)}, 0.0)["a"] == Share(0, LAST_N)


def test_beyond_the_lowest_layer_pictures_go_one_by_one_and_sound_stays() -> None:
    shares = Sharing(exactly(Share(0, 3), demand(8)), LAST_N).decide({"a": demand(8)}, 0.0)
    assert shares["a"] == Share(0, 3)
    nothing = Sharing(Budget(kbps=1), LAST_N).decide({"a": demand(8)}, 0.0)
    assert nothing["a"] == Share(0, 0)
    assert cost(demand(8), nothing["a"]).packets == 8 * 4 * 50


def test_rooms_go_down_together() -> None:
    """One room full of large pictures must not leave another with small ones."""
    rooms = {"a": demand(6), "b": demand(6), "c": demand(6)}
    shares = Sharing(exactly(Share(1, LAST_N), *rooms.values()), LAST_N).decide(rooms, 0.0)
    assert set(shares.values()) == {Share(1, LAST_N)}


def test_a_small_room_rises_where_a_large_one_cannot() -> None:
    rooms = {"large": demand(12), "small": demand(2)}
    low = taken(rooms, dict.fromkeys(rooms, Share(0, LAST_N)))
    shares = Sharing(Budget(kbps=int(low.kbps) + 8000), LAST_N).decide(rooms, 0.0)
    assert shares == {"large": Share(0, LAST_N), "small": ALL}


def test_down_at_once_and_up_after_patience_and_with_room_to_spare() -> None:
    budget = exactly(Share(2, LAST_N), demand(6))
    sharing = Sharing(budget, LAST_N)
    assert sharing.decide({"a": demand(6)}, 0.0)["a"] == ALL
    assert sharing.decide({"a": demand(7)}, 1.0)["a"] == Share(1, LAST_N)
    assert sharing.decide({"a": demand(6)}, 2.0)["a"] == Share(1, LAST_N)
    assert sharing.decide({"a": demand(6)}, 2.0 + 2 * UP_PATIENCE)["a"] == Share(1, LAST_N), "it fits, but barely"
    assert sharing.decide({"a": demand(5)}, 50.0)["a"] == Share(1, LAST_N)
    assert sharing.decide({"a": demand(5)}, 49.9 + UP_PATIENCE)["a"] == Share(1, LAST_N)
    assert sharing.decide({"a": demand(5)}, 50.0 + UP_PATIENCE)["a"] == ALL


def test_a_load_that_wavers_changes_nothing() -> None:
    sharing = Sharing(exactly(Share(2, LAST_N), demand(6)), LAST_N)
    sharing.decide({"a": demand(7)}, 0.0)
    seen = {sharing.decide({"a": demand(5 + second % 2)}, float(second))["a"] for second in range(60)}
    assert seen == {Share(1, LAST_N)}


def test_tiles_that_are_small_cost_no_more_for_a_higher_limit() -> None:
    assert cost(demand(6, layer=0), Share(0, LAST_N)) == cost(demand(6, layer=0), ALL)


def test_one_more_is_reckoned_with_everybody_who_may_come() -> None:
    budget = exactly(Share(0, LAST_N), whole_room(4, LAST_N), whole_room(6, LAST_N))
    assert room_for_one_more({"a": 3, "b": 6}, "a", LAST_N, budget)
    assert not room_for_one_more({"a": 4, "b": 6}, "a", LAST_N, budget)
    assert not room_for_one_more({"a": 4, "b": 6}, "new", LAST_N, Budget(budget.kbps, 1))


def test_packets_bind_as_bits_do() -> None:
    packets = int(cost(whole_room(5, LAST_N), Share(0, LAST_N)).packets)
    assert most_people(Budget(packets=packets), LAST_N) == 5
    assert most_people(Budget(kbps=1_000_000, packets=packets), LAST_N) == 5


def test_fewer_pictures_let_more_people_in() -> None:
    budget = exactly(Share(0, LAST_N), whole_room(12, LAST_N))
    assert most_people(budget, LAST_N) == 12 < most_people(budget, 1) < most_people(budget, 0)


rooms = st.dictionaries(st.sampled_from("abc"), st.builds(demand, st.integers(2, 16), st.integers(0, 2)), max_size=3)


@given(rooms, st.integers(1, 200_000), st.integers(0, 12))
def test_what_is_given_fits_unless_it_is_sound_alone(rooms: dict[str, Demand], kbps: int, last_n: int) -> None:
    steps = fill(rooms, Budget(kbps=kbps), last_n)
    shares = {room: step_share(step, last_n) for room, step in steps.items()}
    silent = taken(rooms, dict.fromkeys(rooms, Share(0, 0)))
    assert all(0 <= step <= top(last_n) for step in steps.values())
    assert taken(rooms, shares).kbps <= max(kbps, silent.kbps)


@given(st.lists(st.tuples(rooms, st.integers(0, 5)), max_size=12), st.integers(1, 100_000))
def test_at_no_moment_is_more_given_than_fits(moments: list[tuple[dict[str, Demand], int]], kbps: int) -> None:
    sharing, now = Sharing(Budget(kbps=kbps), LAST_N), 0.0
    for present, seconds in moments:
        now += seconds
        shares = dict(sharing.decide(present, now))
        silent = taken(present, dict.fromkeys(present, Share(0, 0)))
        assert taken(present, shares).kbps <= max(kbps, silent.kbps)
