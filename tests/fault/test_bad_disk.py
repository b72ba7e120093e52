"""The store on a disk that fails at the nth call, and after power cuts: nothing confirmed is lost (make disk: all)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fault.bad_disk import build, cuts, failing, template

STEP = 23  # a prime, so that the calls tried are of every kind


@pytest.fixture
def shim(tmp_path: Path) -> Path:
    return build(tmp_path)


@pytest.mark.parametrize(
    ("error", "how", "codes"),
    [
        ("EIO", "once", {"store_failed"}),
        ("ENOSPC", "for_good", {"disk_full"}),
        ("EROFS", "for_good", {"home_read_only"}),
    ],
)
async def test_a_disk_that_fails_loses_nothing_confirmed_and_is_told_by_its_code(
    tmp_path: Path, shim: Path, error: str, how: str, codes: set[str]
) -> None:
    told = failing(tmp_path / "work", shim, await template(tmp_path), error, how, STEP)
    assert told["wrong"] == []
    assert set(told["codes"]) == codes
    assert told["lives"] > 5 and told["confirmed"] > 0


async def test_after_a_power_cut_behind_any_call_the_store_opens_with_all_that_was_confirmed(
    tmp_path: Path, shim: Path
) -> None:
    (tmp_path / "work").mkdir()
    told = await cuts(tmp_path / "work", shim, await template(tmp_path), 1, STEP)
    assert told["wrong"] == []
    assert told["cuts"] > 20 and told["confirmed"] > 0
