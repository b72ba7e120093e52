"""A whole room in virtual time: senders of three layers, and a receiver behind a bad line. Same seed, same call."""

from __future__ import annotations

import pytest

from tests.fakes.call import Call

KBIT, MBIT = 1e3, 1e6


def call(seed: int = 1, senders: int = 3, tile: tuple[int, int] = (640, 360), **line: float) -> Call:
    made = Call(seed, senders, tile)
    for name, value in line.items():
        setattr(made.line, name, value)
    return made


def sound(made: Call, since: float) -> list[float]:
    """Share of each voice's packets that has come, by itself or by repair."""
    return [made.berta.stream(sender.voice).share(since) for sender in made.senders.values()]


def video(made: Call, since: float) -> list[float]:
    return [made.berta.stream(sender.track).share(since) for sender in made.senders.values()]


def test_a_good_line_gets_what_its_tiles_have_use_for() -> None:
    made = call(rate=20 * MBIT).run(8)
    assert made.layers() == [1, 1, 1]
    assert sound(made, 1.5) == [1.0, 1.0, 1.0]
    assert video(made, 1.5) == [1.0, 1.0, 1.0]


def test_a_layer_that_nobody_has_use_for_is_not_sent_for_long() -> None:
    made = call(rate=20 * MBIT, tile=(160, 90)).run(6)
    assert [sender.wanted for sender in made.senders.values()] == [1, 1, 1]
    assert made.layers() == [0, 0, 0]


@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2])
def test_what_is_lost_is_repaired_and_the_first_picture_goes_on(loss: float) -> None:
    made = call(rate=5 * MBIT, loss=loss).run(12)
    assert min(sound(made, 3)) >= 0.999
    assert min(video(made, 3)) >= 0.97
    assert any(layer is not None for layer in made.layers())


def test_a_narrow_line_keeps_the_sound_and_one_picture_in_its_lowest_layer() -> None:
    made = call(senders=1, rate=300 * KBIT).run(15)
    assert made.layers() == [0]
    assert sound(made, 3) == [1.0]


def test_sound_is_kept_where_no_picture_fits() -> None:
    made = call(rate=200 * KBIT).run(15)
    assert made.layers() == [None, None, None]
    assert min(sound(made, 4)) >= 0.97


@pytest.mark.parametrize("seed", [1, 2])
def test_layers_go_down_with_the_line_and_up_again_with_it(seed: int) -> None:
    made = call(seed, rate=3 * MBIT).run(8)
    assert made.layers() == [1, 1, 1]
    made.line.rate = 500 * KBIT
    made.run(6)
    assert made.layers()[0] == 0
    assert 1 not in made.layers()
    queue = sorted(made.run(0.1).line.waiting for _ in range(40))
    assert queue[len(queue) // 2] <= 0.15
    made.line.rate = 5 * MBIT
    assert made.run(10).layers() == [1, 1, 1]


def test_a_page_is_told_when_the_line_takes_a_picture_and_when_it_is_back() -> None:
    made = call(rate=3 * MBIT).run(8)
    made.events.clear()
    made.line.rate = 400 * KBIT
    made.run(6)
    assert "downTrackPaused" in [event for _, event in made.events]
    made.events.clear()
    made.line.rate = 5 * MBIT
    made.run(6)
    assert "downTrackResumed" in [event for _, event in made.events]


def test_after_a_fifth_was_lost_a_clean_line_brings_pictures_back_within_three_seconds() -> None:
    made = call(rate=5 * MBIT, loss=0.2).run(15)
    made.line.loss = 0.0
    made.run(3)
    assert sum(layer is not None for layer in made.layers()) >= 2


def test_who_speaks_keeps_the_picture_on_a_line_for_one() -> None:
    made = call(senders=4, rate=500 * KBIT)
    made.senders["s2"].loudness = 95
    made.run(12)
    assert made.layers()[2] is not None
    made.senders["s2"].loudness, made.senders["s3"].loudness = 0, 95
    made.run(6)
    assert made.layers()[3] is not None


@pytest.mark.parametrize(
    "line",
    [
        {"rate": 1 * MBIT, "loss": 0.2},
        {"rate": 2 * MBIT, "jitter": 0.1, "reorder": 0.1, "duplicate": 0.1},
        {"rate": 400 * KBIT, "bursts": 0.02},
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_outgoing_number_is_used_for_two_packets(seed: int, line: dict[str, float]) -> None:
    made = call(seed)
    for step in range(4):
        for name, value in line.items():
            setattr(made.line, name, value)
        made.line.rate *= 1 if step % 2 else 4
        made.run(2)
    assert len(made.berta.left) > 700
    assert made.berta.twice == 0


def test_the_same_seed_gives_the_same_call() -> None:
    one, two = (call(5, rate=MBIT, loss=0.1).run(4) for _ in range(2))
    assert one.berta.left == two.berta.left
