"""A machine whose network the real steward sets: made-up folders, and programs that remember what they were told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from appliance.errands import Errands, Told, Word
from appliance.faults import Fault
from appliance.steward import network
from appliance.steward.errand import Refused
from appliance.steward.network import Machine

SCAN = (
    "bssid / frequency / signal level / flags / ssid\n"
    "02:00:00:00:01:00\t2412\t-40\t[WPA2-PSK-CCMP][ESS]\tRiver House\n"
    "02:00:00:00:02:00\t5180\t-70\t[WPA2-PSK-CCMP][ESS]\tRiver House\n"
    "02:00:00:00:03:00\t2437\t-80\t[ESS]\tCaf\\xc3\\xa9\n"
)


class Programs:
    """systemctl, networkctl, wpa_cli. `running`: instances that were started; `joins`: whether a Wi-Fi lets us in."""

    def __init__(self, joins: bool = True) -> None:
        self.told: list[tuple[str, ...]] = []
        self.running: set[str] = set()
        self.joins = joins
        self.broken: str = ""

    def __call__(self, *command: str) -> str:
        self.told.append(command)
        if self.broken and self.broken in command:
            raise Refused("internal")
        words = [one for one in command[1:] if not one.startswith("--")]
        if command[0] == "systemctl" and words[0] in ("start", "restart"):
            self.running |= {one for one in words[1:] if "@" in one}
        elif command[0] == "systemctl" and words[0] == "stop":
            self.running -= set(words[1:])
        elif "list-units" in words:
            return "".join(f"{one} loaded active running\n" for one in sorted(self.running))
        elif words[-1:] == ["status"]:
            return f"bssid=02:00:00:00:01:00\nwpa_state={'COMPLETED' if self.joins else 'SCANNING'}\n"
        elif words[-1:] == ["scan_results"]:
            return SCAN
        return ""


class Clock:
    """Time that goes by as somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def wait(self, seconds: float) -> None:
        self.now += seconds


def machine(
    folder: Path,
    programs: Programs,
    clock: Clock | None = None,
    *,
    wired: Sequence[str] = ("eth0",),
    wifi: str = "wlan0",
) -> Machine:
    """With those interfaces, two time zones, and nothing set."""
    clock = clock or Clock()
    for name in (*wired, *([wifi] if wifi else [])):
        (folder / "net" / name / "device").mkdir(parents=True)
    if wifi:
        (folder / "net" / wifi / "phy80211").mkdir()
    (folder / "net" / "lo").mkdir(parents=True)
    for zone in ("Europe/Madrid", "UTC"):
        (folder / "zones" / zone).parent.mkdir(parents=True, exist_ok=True)
        (folder / "zones" / zone).write_bytes(b"TZif")
    for name in ("system", "run"):
        (folder / name).mkdir()
    return Machine(
        system=folder / "system",
        run=folder / "run",
        networkd=folder / "networkd",
        interfaces=folder / "net",
        zones=folder / "zones",
        call=programs,
        wait=clock.wait,
        now=lambda: clock.now,
    )


class OfMachine(Errands):
    """Errands that the real steward does at once on a made-up machine."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(Path("/nowhere"))
        self._machine = machine

    @property
    def possible(self) -> bool:
        return True

    async def ask(self, word: Word, what: dict[str, Any], seconds: float = 30.0) -> Told:
        assert word == "network"
        try:
            return Told(id="0" * 16, state="done", facts=network.do(self._machine, what, lambda _, __: None))
        except Refused as refused:
            raise Fault(refused.code) from None
