"""Rules of estimates: honest or none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.control.types import Sync
from tests.fakes import clinic
from tui.estimates import Estimate, estimate

WAITING = msgspec.structs.replace(clinic.sync(), state="sending", queued=10, queued_bytes=1_000_000, rate=1000.0)


def waits(**changes: Any) -> Estimate:
    return estimate(msgspec.structs.replace(WAITING, **changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"queued": 0}, Estimate("nothing")),
        ({"state": "not_enrolled"}, Estimate("nothing")),
        ({"trouble": "set_back", "courier": "hours"}, Estimate("stopped")),
        ({"courier": "hours", "waits_until": "22:00"}, Estimate("hours", until="22:00")),
        ({"courier": "budget", "waits_until": "00:00"}, Estimate("budget", until="00:00")),
        ({"state": "hq_unreachable"}, Estimate("away")),
        ({"rate": 0.0}, Estimate("unknown")),
        ({}, Estimate("time", seconds=1000)),
        ({"queued_bytes": 100}, Estimate("soon")),
        ({"budget_left": 400_000, "bytes_today": 0}, Estimate("days", days=3)),
        ({"budget_left": 0, "bytes_today": 0}, Estimate("unknown")),
        ({"budget_left": 2_000_000}, Estimate("time", seconds=1000)),
    ],
)
def test_what_is_said_of_each_case(changes: dict[str, Any], expected: Estimate) -> None:
    assert waits(**changes) == expected


@given(
    rate=st.floats(0.001, 1e9),
    size=st.integers(0, 10**12),
    left=st.integers(-1, 10**9),
    spent=st.integers(0, 10**9),
)
def test_no_figure_is_negative_and_a_faster_line_never_takes_longer(
    rate: float, size: int, left: int, spent: int
) -> None:
    fields = {"queued_bytes": size, "budget_left": left, "bytes_today": spent}
    slow, fast = waits(rate=rate, **fields), waits(rate=2 * rate, **fields)
    assert min(slow.seconds, slow.days, fast.seconds) >= 0
    assert fast.seconds <= slow.seconds and fast.days == slow.days


def test_the_type_is_what_the_box_sends() -> None:
    assert isinstance(WAITING, Sync)
