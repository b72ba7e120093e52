"""What is done to the machine, and what was refused, stands in the audit: by each of the five actions."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appliance.audit import rows as audit
from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import NetworkSettings, WiredSettings
from tests.fakes.box import PASSPHRASE, PASSWORD
from tests.fakes.control import listening

STATIC = NetworkSettings(wired=WiredSettings(addressing="static", address="10.0.0.9/8"))


async def test_each_call_of_one_who_may_not_is_refused_and_noted() -> None:
    with TemporaryDirectory(prefix="hearth-") as folder:
        async with listening(Path(folder)) as (box, _, path):
            client = ControlClient(path)
            await client.unlock(PASSPHRASE)
            await client.sign_in("mara", PASSWORD)
            for action, calls in {
                "set_network": (client.network, lambda: client.try_network(STATIC), client.keep_network,
                                client.network_back, client.scan_networks, lambda: client.set_zone("Europe/Madrid")),
                "see_machine": (lambda: client.doctor("en"),),
                "install_update": (client.updates, lambda: client.install_release("/media/x/y.raucb"),
                                   client.go_back, lambda: client.start_release("now")),
                "restart_box": (lambda: client.power("off"),),
                "reset_box": (lambda: client.reset("Riverbend"),),
            }.items():  # fmt: skip
                for call in calls:
                    with pytest.raises(ControlFault, match="refused"):
                        await call()
                noted = await box.clinic.db.read(audit.entries)
                assert (action, "refused") in [(one.action, one.outcome) for one in noted]
                assert (action, "done") not in [(one.action, one.outcome) for one in noted]
            await client.close()
