"""The bench measures what it says: half a second of its load through the relay and through the plain forwarder."""

from __future__ import annotations

import os
import shutil

import pytest

from media.bench.ours import Hearth
from media.bench.plain import Plain
from media.bench.window import measure

needs_a_compiler = pytest.mark.skipif(
    shutil.which(os.environ.get("CC", "cc")) is None, reason="the bench compiles its load; there is no C compiler"
)


# A busy machine may keep our relay from giving everybody everything so soon; nothing may be lost then either.
MOST_WARM_UP = 3.0


@needs_a_compiler
async def test_each_copy_that_the_relay_sends_is_counted_once_and_none_is_lost() -> None:
    run = await measure(Hearth(), "call", 0.5, most_warm_up=MOST_WARM_UP)
    assert run.unique_out == run.numbered_out
    assert run.packets_in < run.unique_out <= run.expected_out
    assert 0 < run.cpu_seconds < run.seconds * 2
    assert run.ages_ns, "no packet could be opened"


@needs_a_compiler
async def test_the_plain_forwarder_does_the_whole_work() -> None:
    run = await measure(Plain(), "mesh", 0.5, most_warm_up=MOST_WARM_UP)
    assert run.packets_in > 0
    assert run.unique_out == run.numbered_out == run.expected_out == run.packets_in * 11
    assert run.ages_ns, "no packet could be opened"
