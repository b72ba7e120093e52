"""The store's bench measures what it says, on stores that are too small to tell anything."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from appliance.bench import store
from tests.fakes.stores import CHEAP

PROMISED = {"commit_ratio_to_plain", "search_100k_ms", "open_ms", "rekey_s"}


async def test_every_promised_figure_is_there_is_explained_and_was_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for count in ("COMMITS", "READS", "MISSES"):
        monkeypatch.setattr(store, count, 10)
    figures = await store.measure(tmp_path, 100, rounds=2, together=100, cost=CHEAP)
    assert set(figures) >= PROMISED
    documented = (store.__doc__ or "").replace("…", "")
    assert [name for name in figures if not re.search(name.removesuffix("_p99_ms"), documented)] == []
    assert all(value > 0 for value in figures.values()), figures
    assert figures["notes"] == 100
    ratio = figures["commit_p50_ms"] / figures["plain_commit_p50_ms"]
    assert ratio / 3 < figures["commit_ratio_to_plain"] < ratio * 3  # the same rows, seen in rounds
