"""What the doctor reads: cards, routers, certificates, a box that runs or does not. Looks only, and never fails."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from appliance.control.health import THROTTLED, throttled
from appliance.control.types import Box, Copies, Sync
from appliance.doctor import card, looking, network
from appliance.doctor.card import Card
from appliance.errands import Errands
from appliance.home import Home
from appliance.portal import certificates
from sync.spool import CourierStatus, Spool
from tests.fakes import clinic


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


# -- the card ----------------------------------------------------------------------------------------------------------


def a_card(root: Path, disk: str, partition: str, **files: str) -> Card:
    """A machine with that disk; `files`: of the disk's device folder."""
    folder = f"sys/devices/{disk}"
    put(root, f"{folder}/{partition}/partition", "5")
    for name, text in files.items():
        put(root, f"{folder}/device/{name}", text)
    put(root, f"sys/fs/ext4/{partition}/errors_count", "0\n")
    put(root, f"sys/fs/ext4/{partition}/lifetime_write_kbytes", "1048576\n")
    (root / "sys/dev/block").mkdir(parents=True, exist_ok=True)
    (root / "sys/dev/block/179:5").symlink_to(root / folder / partition)
    return card.at("179:5", root)


def test_an_emmc_tells_its_wear_in_steps_and_the_worse_of_its_cells_counts(tmp_path: Path) -> None:
    found = a_card(tmp_path, "mmcblk0", "mmcblk0p5", type="MMC", life_time="0x02 0x09\n", pre_eol_info="0x01\n")
    assert found == Card("emmc", 90, 0, 1048576, None) and found.wear == "worn"


def test_spare_blocks_that_run_out_are_wear_too(tmp_path: Path) -> None:
    found = a_card(tmp_path, "mmcblk0", "mmcblk0p5", type="MMC", life_time="0x01 0x01", pre_eol_info="0x03")
    assert found.used == 90 and found.wear == "worn"


def test_an_sd_card_tells_no_wear_and_its_errors_are_what_counts(tmp_path: Path) -> None:
    found = a_card(tmp_path, "mmcblk1", "mmcblk1p5", type="SD")
    assert (found.kind, found.used, found.wear) == ("sd", None, "")
    put(tmp_path, "sys/fs/ext4/mmcblk1p5/errors_count", "3")
    assert card.at("179:5", tmp_path).wear == "failing"


def test_nvme_and_disks_are_named_and_what_tells_nothing_is_another_kind(tmp_path: Path) -> None:
    assert a_card(tmp_path / "a", "nvme0n1", "nvme0n1p5").kind == "nvme"
    assert a_card(tmp_path / "b", "sda", "sda5").kind == "disk"
    assert card.at("7:0", tmp_path) == Card() and card.look(tmp_path / "none") == Card()


@pytest.mark.parametrize("text", ["", "what", "0x00 0x00", "0x0c 0xff", "0x01"])
def test_a_wear_that_is_none_breaks_nothing(tmp_path: Path, text: str) -> None:
    found = a_card(tmp_path, "mmcblk0", "mmcblk0p5", type="MMC", life_time=text)
    assert found.used in (None, 10)


@pytest.mark.parametrize(("bits", "said"), [("0", "never"), ("50000", "before"), ("50005", "now"), ("x", None)])
def test_a_pi_says_whether_it_was_slowed_down_and_whether_it_is(tmp_path: Path, bits: str, said: str | None) -> None:
    put(tmp_path, THROTTLED, bits)
    assert throttled(tmp_path) == said


# -- the router --------------------------------------------------------------------------------------------------------

ROUTES = """Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT
eth0 0005A8C0 00000000 0001 0 0 100 00FFFFFF 0 0 0
eth0 00000000 0105A8C0 0003 0 0 100 00000000 0 0 0
"""
ARP = """IP address       HW type     Flags       HW address            Mask     Device
192.168.5.1      0x1         {flags}         aa:bb:cc:dd:ee:ff     *        eth0
"""


def test_the_router_is_the_one_of_the_default_route(tmp_path: Path) -> None:
    put(tmp_path, "proc/net/route", ROUTES)
    assert network.gateway(tmp_path) == "192.168.5.1"
    put(tmp_path, "proc/net/route", ROUTES.rpartition("eth0")[0])
    assert network.gateway(tmp_path) is None and network.gateway(tmp_path / "none") is None


@pytest.mark.parametrize(("flags", "there"), [("0x2", True), ("0x0", False)])
def test_a_router_answers_when_the_kernel_found_it_on_the_network(tmp_path: Path, flags: str, there: bool) -> None:
    put(tmp_path, "proc/net/arp", ARP.format(flags=flags))
    assert network.answers("192.168.5.1", tmp_path, 0.0) is there
    assert not network.answers("no address", tmp_path, 0.0)


# -- all of it ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(network, "gateway", lambda: None)
    made = Home(tmp_path / "home")
    made.make()
    return made


def test_beside_a_box_that_does_not_run_the_machine_is_told(home: Home) -> None:
    found = looking.look(home, None, None, None, None, errands=Errands(home.root))
    assert (found.running, found.hq, found.clock, found.slot, found.backup) == (0, 0, 5, -1, -1)
    assert found.disk_mib > 0 and found.memory_total > 0 and found.minor >= 0


def test_a_locked_box_tells_of_headquarters_what_its_courier_knows(home: Home) -> None:
    spool = Spool(home.spool)
    spool.prepare("in")
    (home.spool / "hq.json").write_text("{}")
    handle = spool.lock()
    long_ago = (datetime.now(UTC) - timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    spool.put_status(CourierStatus(fault="captive_portal", last_success_at=long_ago))
    box = Box(state="locked", clinic="Riverbend", version="0.7.0", addresses=(), relay_connected=False)
    found = looking.look(home, box, None, NOT_YET, Copies(), errands=Errands(home.root))
    assert handle is not None
    assert (found.running, found.hq, found.hq_fault, found.hq_hours, found.queued) == (2, 1, 3, 5, -1)


NOT_YET = Sync(state="not_enrolled", queued=0, last_receipt_at="", last_attempt_at="", fault="")


def test_the_release_its_slot_and_whether_it_fell_back_come_from_the_steward(home: Home) -> None:
    facts = '{"slot": "b", "version": "0.7.0", "trial": false, "other_version": "0.8.0", "fell_back": true}'
    put(home.root, "told/slots.json", f'{{"id": "slots", "state": "done", "facts": {facts}}}')
    found = looking.look(home, clinic.box(), clinic.health(), clinic.sync(), Copies(), errands=Errands(home.root))
    assert (found.slot, found.trial, found.fell_back, found.running) == (1, 0, 1, 2)


def test_days_of_a_certificate_are_whole_and_never_below_none(tmp_path: Path) -> None:
    now = datetime(2030, 1, 1, tzinfo=UTC)
    pem = tmp_path / "portal.pem"
    pem.write_bytes(certificates.stand_in(("hearth.local",), (), now))
    left = looking.days_left(pem, now.timestamp())
    assert left is not None and left > 0
    assert looking.days_left(pem, now.timestamp() + 10**9) == 0
    pem.write_text("no certificate")
    assert looking.days_left(pem, 0.0) is None and looking.days_left(tmp_path / "none", 0.0) is None
