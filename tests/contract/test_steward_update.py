"""Releases: only newer ones, only ours, one way back; and the power cut after each step of an update."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.errands import Told
from appliance.steward import releases, update
from appliance.steward.errand import Refused
from appliance.steward.rauc import Bundle
from tests.fakes.slots import OURS, Box, PowerCut

VERSIONS = st.tuples(*[st.integers(0, 9999)] * 3).map(lambda one: ".".join(map(str, one)))


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    return Box(tmp_path, monkeypatch)


def refused(box: Box, **what: Any) -> str:
    with pytest.raises(Refused) as caught:
        box.do(**what)
    return caught.value.code


# -- which release may follow which


@given(VERSIONS, VERSIONS, VERSIONS)
def test_the_floor_never_sinks_and_never_passes_what_runs(floor: str, before: str, version: str) -> None:
    found = releases.parse(releases.raised(floor, before, version))
    assert found is not None
    assert found >= (releases.parse(floor) or ())
    assert found <= max(releases.parse(floor) or (), releases.parse(version) or ())


@given(VERSIONS, VERSIONS, VERSIONS)
def test_nothing_older_than_what_runs_or_than_the_floor_is_installed(version: str, running: str, floor: str) -> None:
    code = releases.refusal(version, running, floor)
    wanted, present, lowest = (releases.parse(one) or () for one in (version, running, floor))
    assert (code == "") == (wanted > present and wanted >= lowest)


@pytest.mark.parametrize(
    "text", ["", "0.7", "0.7.1.2", "0.7.01", "v0.7.1", "0.7.1-rc1", "0.7.1\n", "٠.7.1", "0.7.99999"]
)
def test_a_version_is_three_numbers_and_nothing_else(text: str) -> None:
    assert releases.parse(text) is None
    assert releases.refusal(text, "0.7.0", "") == "update_damaged"


def test_the_same_release_goes_again_only_as_a_repair() -> None:
    assert releases.refusal("0.7.0", "0.7.0", "") == "update_same"
    assert releases.refusal("0.7.0", "0.7.0", "", repair=True) == ""


# -- where a bundle may lie


def test_a_bundle_lies_in_one_of_the_folders_and_nowhere_else(box: Box) -> None:
    good = Path(box.bundle("0.7.1", place="media/stick"))
    assert box.do(do="look", path=str(good)) == {"version": "0.7.1", "compatible": OURS, "refused": ""}
    box.bundle("0.7.1")
    assert box.do(do="look", path=f"{box.root}/home/update/0.7.1.raucb")["version"] == "0.7.1"
    assert refused(box, do="look", path=f"{box.root}/home/system/0.7.1.raucb") == "update_missing"
    (box.root / "media" / "stick" / "deeper").mkdir()
    elsewhere = [
        box.root / "system" / "0.7.1.raucb",
        box.root / "media" / "stick" / "deeper" / "0.7.1.raucb",
        box.root / "media" / "0.7.1.raucb",
    ]
    for place in elsewhere:
        place.write_bytes(good.read_bytes())
        assert refused(box, do="look", path=str(place)) == "update_missing"
    (box.root / "update" / "link.raucb").symlink_to(elsewhere[0])
    (box.root / "update" / "folder.raucb").mkdir()
    for name in ("link.raucb", "folder.raucb", "none.raucb", "../system/0.7.1.raucb", "a\0b.raucb"):
        assert refused(box, do="look", path=f"{box.root}/update/{name}") == "update_missing"
    assert refused(box, do="look", path="update/0.7.1.raucb") == "update_missing"
    (box.root / "update" / "empty.raucb").touch()
    assert refused(box, do="look", path=f"{box.root}/update/empty.raucb") == "update_damaged"


@pytest.mark.parametrize(
    "what",
    [{}, {"do": "erase"}, {"do": "look"}, {"do": "look", "path": 1}, {"do": "back", "path": "x"},
     {"do": "install", "path": "/x", "repair": "yes"}],
)  # fmt: skip
def test_what_is_no_errand_of_ours_is_refused(box: Box, what: dict[str, Any]) -> None:
    assert refused(box, **what) == "bad_request"


# -- an update


def test_a_release_is_tried_and_then_kept(box: Box) -> None:
    box.do(do="install", path=box.bundle("0.7.1"))
    assert (box.running, box.told()["installed"]) == ("0.7.0", "0.7.1")
    assert box.boot()["trial"] is True
    assert box.prove()
    told = box.told()
    assert (told["slot"], told["version"], told["trial"], told["other_version"]) == ("b", "0.7.1", False, "0.7.0")
    assert box.floor == "0.7.0"
    box.boot()
    assert box.running == "0.7.1"


def test_a_broken_release_is_left_by_itself_and_told_until_somebody_has_read_it(box: Box) -> None:
    box.slots.broken.add("0.7.1")
    box.do(do="install", path=box.bundle("0.7.1"))
    box.boot()
    assert not box.prove()
    told = box.boot()
    assert (told["version"], told["fell_back"], told["failed_version"]) == ("0.7.0", True, "0.7.1")
    assert box.boot()["failed_version"] == "0.7.1"
    assert box.floor == ""
    assert box.do(do="seen")["failed_version"] == ""
    box.install("0.7.2")  # any later one mends it
    assert box.running == "0.7.2"


def test_one_goes_back_one_release_and_not_two(box: Box) -> None:
    for version in ("0.7.1", "0.7.2"):
        box.install(version)
    assert refused(box, do="install", path=box.bundle("0.7.0")) == "update_older"
    box.do(do="back")
    assert box.boot()["trial"] is True
    assert box.prove()
    assert (box.running, box.floor) == ("0.7.1", "0.7.1")
    assert box.told()["other_version"] == "0.7.2"
    box.do(do="back")  # forward again: it stands there whole
    box.boot()
    assert box.prove()
    assert box.running == "0.7.2"


def test_what_was_gone_back_to_and_fails_is_left_too(box: Box) -> None:
    box.install("0.7.1")
    box.slots.broken.add("0.7.0")
    box.do(do="back")
    box.boot()
    assert not box.prove()
    assert box.boot()["version"] == "0.7.1"
    assert box.told()["failed_version"] == "0.7.0"
    assert refused(box, do="back") == "update_no_other"


def test_a_box_may_skip_releases(box: Box) -> None:
    box.install("1.4.0")
    assert (box.running, box.floor) == ("1.4.0", "0.7.0")


def test_what_is_not_for_this_box_changes_nothing(box: Box) -> None:
    box.install("0.7.1")
    before = box.machine.standing.read_bytes()
    unsigned = box.root / "update" / "foreign.raucb"
    unsigned.write_bytes(b"signed by somebody else")
    assert refused(box, do="install", path=str(unsigned)) == "update_unsigned"
    assert refused(box, do="install", path=box.bundle("0.7.2", "hearth-box-arm64")) == "update_other_box"
    assert refused(box, do="install", path=box.bundle("0.7.0")) == "update_older"
    assert refused(box, do="install", path=box.bundle("0.7.1")) == "update_same"
    assert box.machine.standing.read_bytes() == before
    assert box.told()["other_version"] == "0.7.0"


def test_a_raspberry_pi_that_could_not_fall_back_installs_nothing(box: Box, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "model").write_bytes(b"Raspberry Pi 4 Model B Rev 1.1\0")
    box.machine = dataclasses.replace(box.machine, tree=tree)
    assert refused(box, do="install", path=box.bundle("0.7.1")) == "update_old_boot_loader"
    assert box.slots.held["b"] == ""


def test_a_release_on_trial_proves_itself_before_the_next_one_comes(box: Box) -> None:
    box.do(do="install", path=box.bundle("0.7.1"))
    box.boot()
    assert refused(box, do="install", path=box.bundle("0.7.2")) == "update_trial"
    assert refused(box, do="back") == "update_no_other"


def test_a_bundle_that_was_exchanged_after_the_look_is_not_started(box: Box) -> None:
    box.install("0.7.1")
    box.slots.swapped = Bundle(OURS, "0.6.0")
    assert refused(box, do="install", path=box.bundle("0.7.2")) == "update_damaged"
    assert box.boot()["version"] == "0.7.1"
    assert box.told()["other_version"] == ""


def test_what_was_exchanged_and_started_by_a_power_cut_opens_no_store_and_is_left(box: Box) -> None:
    box.install("0.7.1")
    box.slots.swapped = Bundle(OURS, "0.6.0")
    box.slots.cut_after = box.slots.steps + 4  # RAUC has just had it tried
    with pytest.raises(PowerCut):
        box.do(do="install", path=box.bundle("0.7.2"))
    told = box.boot()
    assert (told["version"], told["trial"]) == ("0.6.0", True)
    assert not box.prove()
    assert box.boot()["version"] == "0.7.1"
    assert not box.told()["trial"] and box.floor == "0.7.0"


def test_the_last_errand_is_answered_and_how_the_slots_are_stands_beside_it(box: Box) -> None:
    (box.root / "ask" / "update.json").write_bytes(
        msgspec.json.encode({"id": "0123456789abcdef", "what": {"do": "back"}})
    )
    assert update.main([], box.machine) == 0
    told = msgspec.json.decode((box.root / "told" / "update.json").read_bytes(), type=Told)
    assert (told.state, told.code) == ("failed", "update_no_other")
    assert box.told()["version"] == "0.7.0"


def test_an_ordinary_start_writes_nothing_that_lasts_and_asks_nobody(box: Box) -> None:
    box.install("0.7.1")
    steps = box.slots.steps
    box.boot()
    assert box.prove()
    assert (box.slots.steps, box.slots.looked) == (steps, 0)


def full(*_: object) -> None:
    raise OSError(28, "no space left")


def test_a_full_disk_hides_no_trial_from_whoever_opens_the_store(box: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    """The power went just after RAUC had it tried: `installing` stands there, and what runs is on trial."""
    box.slots.cut_after = box.slots.steps + 4
    with pytest.raises(PowerCut):
        box.do(do="install", path=box.bundle("0.7.1"))
    assert box.slots.next_try == "b"
    monkeypatch.setattr(update, "write_whole", full)
    box.boot()
    assert (box.running, box.told()["trial"]) == ("0.7.1", True)


def test_a_release_that_has_proved_itself_is_not_started_anew_for_ever_on_a_full_disk(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.do(do="install", path=box.bundle("0.7.1"))
    box.boot()
    writes = update.write_whole
    monkeypatch.setattr(
        update, "write_whole", lambda path, raw: full() if path.suffix == ".json" else writes(path, raw)
    )
    for _ in range(2):
        assert box.prove()
        assert (box.slots.slot, box.told()["trial"]) == ("b", False)
        box.boot()


def test_an_ordinary_start_asks_and_tells_the_boot_loader_nothing(box: Box) -> None:
    """So nothing of it can fail, and a box that works is never started anew by the program that keeps releases."""
    steps = box.slots.steps
    box.boot()
    assert box.prove()
    assert box.slots.steps == steps


def test_a_release_that_the_boot_loader_gave_up_is_told_and_can_be_taken_again(box: Box) -> None:
    box.install("0.7.1")
    box.slots.slot = "a"
    told = box.boot()
    assert (told["version"], told["failed_version"], told["other_version"]) == ("0.7.0", "0.7.1", "0.7.1")
    box.do(do="back")
    box.boot()
    assert box.prove()
    assert box.running == "0.7.1"


def test_a_box_that_was_not_restarted_yet_still_waits_to_be(box: Box) -> None:
    """The Pi's try needs a word at the restart itself: a power cut before it leaves what is tried as it was."""
    box.do(do="install", path=box.bundle("0.7.1"))
    box.slots.next_try, waits = "", box.slots.next_try
    box.slots.booted = box.slots.slot
    box.slots.next_try = waits
    assert update.at_start(box.machine)["installed"] == "0.7.1"


# -- the power goes


def live(box: Box, broken: bool) -> None:
    """From 0.7.0 to 0.7.1, and back again: all that an update writes."""
    box.do(do="install", path=box.bundle("0.7.1"))
    box.boot()
    if not box.prove():
        box.boot()
        box.do(do="seen")
        return
    box.do(do="back")
    box.boot()
    box.prove()


@pytest.mark.parametrize("broken", [False, True])
def test_whenever_the_power_goes_the_box_runs_a_whole_release_that_is_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: bool
) -> None:
    """After each single step that lasts. Its own: only then the store may be opened, and migrated."""
    after, cut = 0, True
    while cut:
        after += 1
        box = Box(tmp_path / str(after), monkeypatch)
        box.slots.broken = {"0.7.1"} if broken else set()
        box.slots.cut_after = box.slots.steps + after
        try:
            live(box, broken)
            cut = False
        except PowerCut:
            pass
        for _ in range(3):  # starts, each proved or left
            told = box.boot()
            assert box.running in ("0.7.0", "0.7.1")
            assert told["trial"] or box.slots.booted == box.slots.slot
            assert (releases.parse(box.running) or ()) >= (releases.parse(box.floor) or ())
            if not box.prove():
                continue
        assert not box.told()["trial"]
        assert box.slots.booted == box.slots.slot
        assert box.running == "0.7.0" or not broken
        box.slots.cut_after, box.slots.broken = -1, set()
        box.install("0.7.2")  # and takes the next one
    assert after > (6 if broken else 10)
