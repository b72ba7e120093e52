"""The network over the control socket: one suite for the real listener, with the real steward, and for the fake box."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from appliance.audit import rows as audit
from appliance.control.client import ControlClient, ControlFault
from appliance.control.types import AccessPointSettings, NetworkSettings, WifiSettings, WiredSettings
from tests.fakes.box import PASSPHRASE as REAL_PASSPHRASE
from tests.fakes.box import PASSWORD as REAL_PASSWORD
from tests.fakes.control import listening
from tests.fakes.daemon import PASSPHRASE, PASSWORD, FakeDaemon

STATIC = NetworkSettings(wired=WiredSettings(addressing="static", address="192.168.1.5/24"))


@asynccontextmanager
async def fake(folder: Path) -> AsyncIterator[ControlClient]:
    daemon = await FakeDaemon(folder / "control.sock").start()
    client = ControlClient(daemon.path)
    await client.unlock(PASSPHRASE)
    await client.sign_in("dora", PASSWORD)
    try:
        yield client
    finally:
        await client.close()
        await daemon.stop()


@asynccontextmanager
async def real(folder: Path) -> AsyncIterator[ControlClient]:
    async with listening(folder) as (_, _, path):
        client = ControlClient(path)
        await client.unlock(REAL_PASSPHRASE)
        await client.sign_in("ruth", REAL_PASSWORD)
        try:
            yield client
        finally:
            await client.close()


@pytest.fixture(params=[fake, real], ids=["fake", "real"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[ControlClient]:
    with TemporaryDirectory(prefix="hearth-") as folder:
        async with request.param(Path(folder)) as made:
            yield made


async def refused(doing: Awaitable[object]) -> str:
    with pytest.raises(ControlFault) as caught:
        await doing
    return caught.value.code


async def test_settings_are_tried_kept_and_left(client: ControlClient) -> None:
    found = await client.network()
    assert found.possible and not found.seconds_left and found.urls and found.authority
    tried = await client.try_network(STATIC)
    assert tried.seconds_left and tried.settings == STATIC
    assert not (await client.keep_network()).seconds_left
    assert (await client.network()).settings == STATIC
    assert await refused(client.keep_network()) == await refused(client.network_back()) == "no_trial"
    other = NetworkSettings(wired=WiredSettings(addressing="static", address="10.0.0.9/8"))
    assert (await client.try_network(other)).settings == other
    assert (await client.network_back()).settings == STATIC
    assert not (await client.try_network(NetworkSettings())).seconds_left  # nothing that could be wrong
    assert (await client.set_zone("Europe/Madrid")).zone == "Europe/Madrid"
    assert (await client.set_keyboard("latam")).keyboard == "latam"
    assert await refused(client.set_keyboard("../us")) == "keyboard_unknown"
    assert {one.name for one in await client.scan_networks()} > {"River House"}


async def test_what_cannot_be_is_said_by_the_field_and_nothing_is_noted() -> None:
    wrong = {
        "network_address": NetworkSettings(wired=WiredSettings(addressing="static", address="x")),
        "network_gateway": NetworkSettings(
            wired=WiredSettings(addressing="static", address="10.0.0.9/8", gateway="11.0.0.1")
        ),
        "network_dns": NetworkSettings(wired=WiredSettings(addressing="static", address="10.0.0.9/8", dns=("x",))),
        "network_name": NetworkSettings(kind="wifi"),
        "network_password": NetworkSettings(kind="wifi", wifi=WifiSettings(name="x", password="1", country="ES")),
        "network_country": NetworkSettings(kind="wifi", wifi=WifiSettings(name="x", password="", country="Spain")),
        "network_channel": NetworkSettings(
            kind="access_point",
            access_point=AccessPointSettings(name="x", password="quiet lamps", country="ES", channel=99),
        ),
    }
    with TemporaryDirectory(prefix="hearth-") as folder:
        async with listening(Path(folder)) as (box, _, path):
            client = ControlClient(path)
            await client.unlock(REAL_PASSPHRASE)
            await client.sign_in("ruth", REAL_PASSWORD)
            assert {await refused(client.try_network(one)) for one in wrong.values()} == set(wrong)
            assert await refused(client.set_zone("../etc/passwd")) == "zone_unknown"
            noted = [one for one in await box.clinic.db.read(audit.entries) if one.action == "set_network"]
            assert not noted
            await client.try_network(STATIC)
            noted = [one for one in await box.clinic.db.read(audit.entries) if one.action == "set_network"]
            assert [(one.action, one.outcome) for one in noted][-1] == ("set_network", "done")
            await client.close()
