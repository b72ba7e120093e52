"""What commands say at the terminal."""

from __future__ import annotations

from sync.terminal import counted


def test_a_figure_has_the_word_that_belongs_to_it() -> None:
    assert [counted(number, "box", "boxes") for number in (0, 1, 2)] == ["0 boxes", "1 box", "2 boxes"]
    assert [counted(number, "envelope") for number in (1, 2)] == ["1 envelope", "2 envelopes"]
