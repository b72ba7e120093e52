"""When certificates end: who hears of it how early, and what browsers may insist on until then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from appliance.portal import certificates
from appliance.portal.ends import YEAR, Ends, days, read

NOW = datetime(2031, 3, 4, tzinfo=UTC)
NAMES = frozenset({"box.example.org"})


def within(**left: int) -> Ends:
    return Ends(**{kind: NOW + timedelta(days=count) for kind, count in left.items()}, names=NAMES)


def test_what_ends_is_told_weeks_ahead_the_first_to_end_first() -> None:
    assert within(own=28, named=28, authority=182).soon(NOW) == ()
    assert [kind for kind, _ in within(own=27, named=3, authority=181).soon(NOW)] == ["named", "own", "authority"]
    assert [kind for kind, _ in within(named=-5).soon(NOW)] == ["named"]  # and that it is over


def test_browsers_may_insist_on_hqs_name_no_longer_than_its_certificate_lasts() -> None:
    assert within(named=10).promise("box.example.org", NOW) == 10 * 86400
    assert within(named=10).promise("BOX.example.org", NOW) == 10 * 86400
    assert within(named=-1).promise("box.example.org", NOW) == 0
    assert within(named=5000).promise("box.example.org", NOW) == YEAR
    assert within(named=10).promise("hearth.local", NOW) == Ends().promise("box.example.org", NOW) == YEAR


def test_days_are_whole_ones_that_are_left() -> None:
    assert [days(one, NOW) for one in (None, NOW + timedelta(hours=47), NOW - timedelta(days=9))] == [None, 1, 0]


def test_ends_are_read_from_the_files_and_what_is_damaged_is_none(tmp_path: Path) -> None:
    authority = certificates.new_authority(["hearth.local"], [], NOW)
    (tmp_path / "ca.pem").write_bytes(authority.certificate)
    (tmp_path / "portal.pem").write_bytes(certificates.issue(authority, ["hearth.local"], [], NOW))
    (tmp_path / "named.pem").write_bytes(b"-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n")
    found = read(tmp_path, NAMES)
    assert found.named is None and found.names == NAMES
    assert days(found.own, NOW) == certificates.LEAF_DAYS and (days(found.authority, NOW) or 0) > 3600
