"""The fold: what the console knows after a snapshot and any entries."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.control.types import VERSION, FeedEntry, Login, Session, Snapshot
from tests.fakes import clinic
from tui import model
from tui.model import Known

LOGIN = Login(person="p-ana", name="Ana Ruiz", role="operator")


def snapshot(*, login: Login | None = LOGIN, sequence: int = 10, state: str = "unlocked") -> Snapshot:
    return Snapshot(
        version=VERSION,
        sequence=sequence,
        box=msgspec.structs.replace(clinic.box(), state=state),
        login=login,
        sessions=tuple(clinic.sessions()),
        health=clinic.health(),
        sync=clinic.sync(),
    )


def group(known: Known) -> Session:
    found = model.session(known, clinic.GROUP)
    assert found is not None
    return found


def with_member(of: Session, member: str, **fields: object) -> Session:
    members = tuple(msgspec.structs.replace(one, **fields) if one.id == member else one for one in of.members)
    return msgspec.structs.replace(of, members=members)


KNOWN = model.from_snapshot(snapshot())


def test_without_a_login_no_session_is_kept() -> None:
    assert model.from_snapshot(snapshot(login=None)).sessions == ()


def test_an_entry_replaces_a_whole_session_in_its_place() -> None:
    changed = msgspec.structs.replace(group(KNOWN), locked=True, members=())
    after = model.fold(KNOWN, FeedEntry(sequence=11, session=changed))
    assert group(after) == changed
    assert [one.id for one in after.sessions] == [one.id for one in KNOWN.sessions]


def test_a_new_session_is_added() -> None:
    after = model.fold(KNOWN, FeedEntry(sequence=11, session=clinic.session("s-new", "Night group")))
    assert after.sessions[-1].id == "s-new"


def test_an_entry_without_content_counts_and_changes_nothing_else() -> None:
    assert model.fold(KNOWN, FeedEntry(sequence=11)) == replace(KNOWN, sequence=11)


def test_an_old_entry_changes_nothing() -> None:
    stale = FeedEntry(sequence=10, session=msgspec.structs.replace(group(KNOWN), locked=True))
    assert model.fold(KNOWN, stale) == KNOWN


def test_a_missing_entry_asks_for_a_new_snapshot() -> None:
    assert model.fold(KNOWN, FeedEntry(sequence=12, health=clinic.health())).gap


@pytest.mark.parametrize("sequence", [1, 10, 11, 500])
def test_a_gap_entry_asks_for_a_new_snapshot_whatever_its_number(sequence: int) -> None:
    assert model.fold(KNOWN, FeedEntry(sequence=sequence, gap=True)).gap


def test_after_a_gap_nothing_is_folded_until_the_next_snapshot() -> None:
    broken = replace(KNOWN, gap=True)
    assert model.fold(broken, FeedEntry(sequence=11, box=clinic.box())) == broken
    assert not model.from_snapshot(snapshot()).gap


def test_a_session_that_comes_without_a_login_is_not_kept() -> None:
    known = model.from_snapshot(snapshot(login=None))
    assert model.fold(known, FeedEntry(sequence=11, session=clinic.sessions()[1])).sessions == ()


def test_a_box_that_locks_takes_login_and_sessions_away() -> None:
    after = model.fold(KNOWN, FeedEntry(sequence=11, box=clinic.box()))
    assert (after.login, after.sessions, model.place(after)) == (None, (), "unlock")


def test_signing_out_leaves_no_session_and_no_name() -> None:
    after = model.signed_out(KNOWN)
    assert "Ruiz" not in repr(after) and "Velasco" not in repr(after)


def test_each_state_has_its_page() -> None:
    assert model.place(Known()) == "away"
    assert model.place(model.from_snapshot(snapshot(login=None, state="locked"))) == "unlock"
    assert model.place(model.from_snapshot(snapshot(login=None))) == "sign_in"
    assert model.place(KNOWN) == "inside"


def test_a_lost_line_keeps_the_facts_and_the_first_moment() -> None:
    once = model.lost(KNOWN, "away", "2031-03-04T14:00:00Z")
    twice = model.lost(once, "bad_answer", "2031-03-04T14:00:02Z")
    assert (twice.reached, twice.lost_at, twice.trouble) == (False, "2031-03-04T14:00:00Z", "bad_answer")
    assert twice.sessions == KNOWN.sessions


def test_a_new_snapshot_ends_the_loss() -> None:
    assert model.from_snapshot(snapshot()).reached


def test_an_arrival_is_one_who_waits_now_and_did_not_before() -> None:
    arrived = with_member(group(KNOWN), clinic.JONAS, standing="waiting")
    after = model.fold(KNOWN, FeedEntry(sequence=11, session=arrived))
    assert model.arrivals(KNOWN, after) == ((clinic.GROUP, clinic.JONAS),)
    assert model.arrivals(after, after) == ()


def test_one_who_waits_on_is_not_announced_again_after_a_gap() -> None:
    assert model.arrivals(replace(KNOWN, gap=True), model.from_snapshot(snapshot(sequence=20))) == ()


def test_the_first_look_after_a_sign_in_announces_nobody() -> None:
    assert model.arrivals(model.from_snapshot(snapshot(login=None)), KNOWN) == ()


def test_every_member_stands_in_exactly_one_part() -> None:
    for one in KNOWN.sessions:
        parts = (*model.waiting(one), *model.present(one), *model.absent(one))
        assert sorted(who.id for who in parts) == sorted(who.id for who in one.members)


def test_nobody_waits_in_an_ended_session() -> None:
    assert model.waiting(msgspec.structs.replace(group(KNOWN), state="ended")) == ()


def test_people_come_before_the_box_and_the_box_before_hq() -> None:
    bad = replace(
        KNOWN,
        health=msgspec.structs.replace(clinic.health(), disk_used=clinic.health().disk_total, temperature=90.0),
        sync=msgspec.structs.replace(clinic.sync(), state="hq_unreachable", queued=3),
        box=msgspec.structs.replace(clinic.box(), state="unlocked", relay_connected=False),
        sessions=tuple(msgspec.structs.replace(one, facilitator_connected=False) for one in KNOWN.sessions),
    )
    assert [need.kind for need in model.needs(bad)] == [
        "waiting",
        "no_facilitator",
        "ticket_stopped",
        "relay_away",
        "disk_low",
        "hot",
        "hq_unreachable",
    ]


def test_an_unreachable_hq_with_nothing_to_send_needs_nobody() -> None:
    idle = replace(KNOWN, sync=msgspec.structs.replace(clinic.sync(), state="hq_unreachable", queued=0))
    assert "hq_unreachable" not in [need.kind for need in model.needs(idle)]


GIB = 1024**3


@pytest.mark.parametrize(
    ("free", "total", "low"),
    [
        (6 * GIB, 100 * GIB, False),
        (4 * GIB, 100 * GIB, True),  # less than 5 %
        (GIB, 4 * GIB, False),
        (400 * 1024**2, 4 * GIB, True),  # 9 %, but less than 500 MB
        (None, 0, False),  # a disk that tells nothing
    ],
)
def test_a_disk_is_low_in_time_to_make_room(free: int | None, total: int, low: bool) -> None:
    health = msgspec.structs.replace(clinic.health(), disk_used=0, disk_total=total, disk_free=free)
    assert ("disk_low" in model.ill(health)) == low


@pytest.mark.parametrize("code", ["disk_full", "home_read_only", "store_failed", "store_damaged", "audit_broken"])
def test_what_ails_the_store_needs_a_person(code: str) -> None:
    assert model.ill(msgspec.structs.replace(clinic.health(), store=code)) == (code,)
    assert model.ill(msgspec.structs.replace(clinic.health(), store="from_the_future")) == ()


@pytest.mark.parametrize("fault", ["set_back", "fork"])
def test_a_box_that_was_set_back_needs_a_person_whether_or_not_hq_answers(fault: str) -> None:
    told = replace(KNOWN, sync=msgspec.structs.replace(clinic.sync(), fault=fault))
    assert "set_back" in [need.kind for need in model.needs(told)]


def test_a_machine_without_a_thermometer_is_not_hot() -> None:
    assert model.ill(msgspec.structs.replace(clinic.health(), temperature=None)) == ()


sequences = st.integers(min_value=0, max_value=30)
entries = st.builds(
    FeedEntry,
    sequence=sequences,
    gap=st.booleans(),
    session=st.none() | st.sampled_from(clinic.sessions()),
    box=st.none() | st.sampled_from([clinic.box(), msgspec.structs.replace(clinic.box(), state="unlocked")]),
)


@given(st.lists(entries, max_size=30), st.none() | st.just(LOGIN))
def test_whatever_comes_numbers_only_grow_and_no_session_is_shown_without_a_login(
    stream: list[FeedEntry], login: Login | None
) -> None:
    known = model.from_snapshot(snapshot(login=login, sequence=5))
    for entry in stream:
        after = model.fold(known, entry)
        assert after.sequence in (known.sequence, known.sequence + 1)
        assert after.login is not None or after.sessions == ()
        assert len({one.id for one in after.sessions}) == len(after.sessions)
        model.needs(after)
        known = after


@given(st.permutations(range(11, 17)))
def test_entries_out_of_order_never_pass_for_the_newest_state(order: list[int]) -> None:
    known = KNOWN
    for number in order:
        entry = FeedEntry(sequence=number, session=msgspec.structs.replace(group(KNOWN), title=str(number)))
        known = model.fold(known, entry)
    assert known.gap or group(known).title == "16"


@given(st.integers(), st.integers())
def test_a_share_is_between_nothing_and_all(used: int, total: int) -> None:
    assert 0.0 <= model.share(used, total) <= 1.0


# -- certificates ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("own", "authority", "wanted"),
    [
        (28, 182, []),
        (27, 182, ["certificate_ends"]),
        (0, 181, ["certificate_ends", "authority_ends"]),
        (None, None, []),
    ],
)
def test_the_boxs_own_certificates_are_told_weeks_ahead_on_a_locked_box_too(
    own: int | None, authority: int | None, wanted: list[str]
) -> None:
    box = msgspec.structs.replace(clinic.box(), certificate_days=own, authority_days=authority)
    assert [one.kind for one in model.ending(box)] == wanted
    assert set(wanted) <= {one.kind for one in model.needs(Known(box=box))}
