"""The bench measures what it says: two seconds of its load through the relay and through the plain forwarder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest

from media.bench.ours import Hearth
from media.bench.peer import Peer
from media.bench.plain import Plain
from media.bench.window import measure

needs_a_compiler = pytest.mark.skipif(
    shutil.which(os.environ.get("CC", "cc")) is None, reason="the bench compiles its load; there is no C compiler"
)


@needs_a_compiler
@pytest.mark.parametrize("make", [Hearth, Plain])
async def test_every_copy_of_a_short_load_arrives_and_is_counted(make: Callable[[], Peer]) -> None:
    run = await measure(make(), "call", 0.5)
    assert run.packets_in > 0
    assert run.expected_out > 2 * run.packets_in
    assert run.loss == 0
    assert run.unique_out == run.expected_out
    assert run.cpu_seconds > 0
    assert run.ages_ns, "no packet could be opened"
