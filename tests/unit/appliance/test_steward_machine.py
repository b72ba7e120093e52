"""What the steward does to the machine: its clock, its power, and everything that it holds, the key first."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from appliance.steward import clock, power, reset
from appliance.steward.errand import Refused
from appliance.store import slotpair

DAY = 24 * 3600
NOW = clock.LEAST + 300 * DAY


def tell(_percent: int, _facts: dict[str, Any]) -> None: ...


# -- the clock


def put_by(what: dict[str, Any], least: float = clock.LEAST) -> list[float]:
    """What the machine's clock was set to."""
    put: list[float] = []
    clock.setting(least, put.append, lambda at: False)(what, tell)
    return put


def test_the_clock_is_set_to_what_was_asked_and_the_one_that_needs_no_power_too() -> None:
    put: list[float] = []
    kept: list[float] = []

    def rtc(at: float) -> bool:
        kept.append(at)
        return True

    assert clock.setting(clock.LEAST, put.append, rtc)({"at": NOW}, tell) == {"rtc": True}
    assert put == [NOW] and abs(kept[0] - NOW) < 5


@pytest.mark.parametrize("at", [0, clock.LEAST - 1, clock.MOST + 1, float("nan"), float("inf"), -1])
def test_no_clock_is_set_before_its_release_or_after_the_century(at: float) -> None:
    with pytest.raises(Refused, match="clock_wrong"):
        put_by({"at": at})


@pytest.mark.parametrize("what", [{}, {"at": True}, {"at": "now"}, {"at": NOW, "zone": "x"}, {"at": None}])
def test_what_is_no_moment_sets_nothing(what: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="bad_request"):
        put_by(what)


def test_the_release_says_how_far_back_a_clock_may_go(tmp_path: Path) -> None:
    epoch = tmp_path / "clock-epoch"
    epoch.touch()
    os.utime(epoch, (NOW, NOW))
    assert clock.earliest(epoch) == NOW
    assert clock.earliest(tmp_path / "none") == clock.LEAST
    with pytest.raises(Refused, match="clock_wrong"):
        put_by({"at": NOW - 1}, clock.earliest(epoch))


def test_a_machine_without_a_clock_that_needs_no_power_says_so(tmp_path: Path) -> None:
    assert not clock.to_rtc(NOW, tmp_path / "rtc0")
    (tmp_path / "rtc0").touch()
    assert not clock.to_rtc(NOW, tmp_path / "rtc0")


# -- power


def test_a_restart_and_an_end_are_all_that_can_be_asked() -> None:
    assert power.command({"do": "off"}, "0 tryboot")[-1] == "poweroff"
    assert power.command({"do": "restart"}, "") == ["systemctl", "--no-block", "reboot"]
    assert "--reboot-argument=0 tryboot" in power.command({"do": "restart"}, "0 tryboot")
    for what in ({}, {"do": "sleep"}, {"do": "restart", "argument": "x"}):
        with pytest.raises(Refused, match="bad_request"):
            power.command(what, "")


@pytest.mark.parametrize(
    ("content", "said"), [("0 tryboot\n", "0 tryboot"), ("", ""), ("--force", ""), ("a b c", ""), ("x" * 17, "")]
)
def test_only_what_a_firmware_understands_is_handed_on(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "reboot-argument").write_text(content)
    assert power.argument(tmp_path / "reboot-argument") == said


def test_a_link_in_place_of_the_word_for_the_firmware_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "else").write_text("0 tryboot")
    (tmp_path / "reboot-argument").symlink_to(tmp_path / "else")
    assert power.argument(tmp_path / "reboot-argument") == ""


def test_an_order_that_systemd_does_not_take_is_said() -> None:
    with pytest.raises(Refused, match="machine_busy"):
        power.order(["/bin/false"])


# -- everything


PLANTED = (
    "hearth/store/slots.json",
    "hearth/store/slots.json.new",
    "hearth/store/spare/slots.json",
    "hearth/recovery.key",
    "system/credstore.encrypted/hearth-slot",
    "system/credstore.encrypted/.hearth-slot.new",
    "system/systemd/credential.secret",
)
OTHERS = (
    "hearth/store/hearth.db",
    "hearth/store/hearth.db-wal",
    "hearth/spool/tls/courier.key",
    "hearth/hearth.toml",
    "hearth/.hidden",
    "system/network.json",
    "system/systemd/random-seed",
    "update/next.raucb",
    "loose",
)
STAYING = (
    "system/machine-id",
    "system/version-floor",
    "system/update.json",
    "system/rauc/central.raucs",
    "system/systemd/timesync/clock",
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for name in (*PLANTED, *OTHERS, *STAYING):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"secret of " + name.encode())
    return tmp_path


def files(data: Path) -> set[str]:
    return {str(path.relative_to(data)) for path in data.rglob("*") if path.is_file()}


def test_the_key_is_gone_before_the_errand_is_answered_and_the_rest_at_the_next_start(data: Path) -> None:
    orders: list[Sequence[str]] = []

    def call(words: Sequence[str]) -> None:
        assert not files(data) & set(PLANTED)  # the machine is asked to restart when no key is left
        orders.append(words)

    assert reset.resetting(data, call)({"do": "everything"}, tell) == {"key": "destroyed"}
    assert orders == [["systemctl", "--no-block", "reboot"]]
    assert files(data) == {*OTHERS, *STAYING, reset.MARKER}
    assert reset.finish(data)
    assert files(data) == set(STAYING)
    assert (data / "hearth").is_dir() and (data / "system/credstore.encrypted").is_dir()  # others are mounted on them
    assert not reset.finish(data)


def test_the_places_of_the_key_are_those_that_the_store_writes(tmp_path: Path) -> None:
    for copy in slotpair.copies(tmp_path / "hearth" / "store"):
        assert any(copy in tmp_path.glob(pattern) for pattern in reset.KEYS if _made(copy))


def _made(path: Path) -> bool:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return True


def test_a_key_is_overwritten_before_its_name_goes(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By another name of the same bytes: what stood there is not left in the file that the name led to."""
    kept = data.parent / "kept"
    os.link(data / PLANTED[0], kept)
    seen: list[bytes] = []
    real = os.ftruncate

    def watching(handle: int, size: int) -> None:
        seen.append(kept.read_bytes())
        real(handle, size)

    monkeypatch.setattr(os, "ftruncate", watching)
    reset.begin(data)
    kept.unlink()
    assert b"secret" not in seen[0] and len(seen[0]) == len(b"secret of " + PLANTED[0].encode())


def test_a_disk_that_takes_no_marker_keeps_everything(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(30, "read-only")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(Refused, match="home_read_only"):
        reset.resetting(data, lambda words: None)({"do": "everything"}, tell)
    assert set(PLANTED) <= files(data)


def test_a_link_is_deleted_and_what_it_points_at_is_not(data: Path) -> None:
    elsewhere = data.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "mine").write_text("stays")
    (data / "hearth" / "linked").symlink_to(elsewhere)
    (data / "hearth" / "store" / "slots.json.bak").symlink_to(elsewhere / "mine")
    (data / "linked").symlink_to(elsewhere)
    reset.begin(data)
    reset.finish(data)
    assert (elsewhere / "mine").read_text() == "stays"
    assert not os.path.lexists(data / "linked")


def test_a_link_in_place_of_a_folder_of_keys_leads_to_nothing_that_stays(data: Path) -> None:
    """Planted by whoever took the appliance over: a box without a floor would take an old release."""
    (data / "hearth/store/spare/slots.json").unlink()
    (data / "hearth/store/spare").rmdir()
    (data / "hearth/store/spare").symlink_to(data / "system")
    reset.begin(data)
    reset.finish(data)
    assert set(STAYING) <= files(data)


def test_what_a_check_of_the_disk_saved_goes_too(data: Path) -> None:
    saved = data / "lost+found" / "#1234"
    saved.parent.mkdir()
    saved.write_bytes(b"slots of the store")
    reset.begin(data)
    reset.finish(data)
    assert not saved.exists() and saved.parent.is_dir()


def test_a_folder_that_the_disk_does_not_give_keeps_none_of_the_rest(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.iterdir

    def worn_out(self: Path) -> Iterator[Path]:
        if self.name == "spool":
            raise OSError(5, "input/output error")
        return real(self)

    monkeypatch.setattr(Path, "iterdir", worn_out)
    reset.begin(data)
    assert reset.finish(data)
    assert files(data) == set(STAYING)


def test_links_in_a_circle_and_folders_without_end_keep_nothing_from_being_deleted(
    data: Path, request: pytest.FixtureRequest
) -> None:
    """Planted by whoever took the appliance over, so that the next owner's box still holds the records."""
    (data / "hearth/store/spare/slots.json").unlink()
    (data / "hearth/store/spare").rmdir()
    (data / "hearth/store/spare").symlink_to("spare")  # nothing can be listed there
    request.addfinalizer(lambda: subprocess.run(["rm", "-rf", data / "hearth"], check=True))  # pytest's own would not
    here = os.open(data / "hearth", os.O_RDONLY)
    for _ in range(1200):  # deeper than Python calls itself, longer than a path may be
        os.mkdir("deep", dir_fd=here)
        below = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    reset.begin(data)
    assert not [name for name in PLANTED if "spare" not in name and (data / name).is_file()]
    assert reset.finish(data)
    assert files(data) == set(STAYING)


class Cut(BaseException):
    """The power, gone."""


def cut_after(
    count: int, monkeypatch: pytest.MonkeyPatch, names: Sequence[str] = ("fsync", "ftruncate", "pwrite")
) -> Any:
    """The power goes at the `count`th step that touches the disk."""
    left = [count]

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any) -> Any:
            if left[0] == 0:
                raise Cut
            left[0] -= 1
            return real(*given)

        return step

    for name in names:
        monkeypatch.setattr(os, name, counted(getattr(os, name)))
    return left


def test_wherever_the_power_goes_the_next_start_ends_it(data: Path) -> None:
    """Every step in turn: before the marker nothing has happened, after it everything does."""
    for count in range(400):
        for name in (*PLANTED, *OTHERS, *STAYING):
            (data / name).parent.mkdir(parents=True, exist_ok=True)
            (data / name).write_bytes(b"secret")
        with pytest.MonkeyPatch.context() as patch:
            left = cut_after(count, patch)
            try:
                reset.begin(data)
                reset.finish(data)
            except Cut:
                pass
            over = left[0] > 0
        if (data / reset.MARKER).exists():
            assert reset.finish(data)
            assert files(data) == set(STAYING)
        else:
            assert files(data) in ({*PLANTED, *OTHERS, *STAYING}, set(STAYING))
        if over:
            return
    raise AssertionError("it never ended")


@pytest.mark.parametrize("what", [{}, {"do": "nothing"}, {"do": "everything", "really": True}])
def test_nothing_but_the_word_deletes_anything(data: Path, what: dict[str, Any]) -> None:
    with pytest.raises(Refused, match="bad_request"):
        reset.resetting(data, lambda words: None)(what, tell)
    assert set(PLANTED) <= files(data)
