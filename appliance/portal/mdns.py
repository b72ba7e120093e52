"""Announces the portal on the local network by multicast DNS (RFC 6762, RFC 6763), saying as little as possible.

On the wire are the box's name, its addresses, the port and `path=/`: nothing tells what the box is used for. A network
that has no multicast loses the name and nothing else: addresses and QR codes go on working.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Sequence

from zeroconf import (  # type: ignore[attr-defined]  # the resolver is missing from the library's __all__
    AddressResolverIPv4,
    ServiceInfo,
    Zeroconf,
)
from zeroconf import Error as ZeroconfError
from zeroconf.asyncio import AsyncZeroconf

log = logging.getLogger(__name__)

SERVICE = "_https._tcp.local."
PROBE_MS = 750  # RFC 6762 section 8.1: three probes, 250 ms apart
MAX_NAMES = 9  # hearth, hearth-2 … hearth-9


class Announcement:
    """`start` once, `close` once. `name` is the name in use: another box on the network may have the wanted one."""

    def __init__(self, name: str, port: int, addresses: Sequence[str]) -> None:
        self.name = name
        self._wanted = name
        self._port = port
        self._addresses = tuple(addresses)
        self._zeroconf: AsyncZeroconf | None = None
        self._task: asyncio.Task[bool] | None = None

    async def start(self) -> None:
        """Begin in the background: asking around for the name takes a second."""
        self._task = asyncio.get_running_loop().create_task(self._announce())

    async def announced(self) -> bool:
        """Whether the portal could be announced; waits until that is known."""
        return self._task is not None and await asyncio.shield(self._task)

    async def close(self) -> None:
        """Say goodbye (RFC 6762 section 10.1), so that the name is free at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._hang_up()

    async def _announce(self) -> bool:
        if not self._addresses:
            return False
        try:
            self._zeroconf = AsyncZeroconf(interfaces=list(self._addresses))
            self.name = await self._free_name(self._zeroconf.zeroconf)
            info = service(self.name, self._port, self._addresses)
            await (await self._zeroconf.async_register_service(info, allow_name_change=True))
        except (OSError, ZeroconfError) as problem:
            log.warning("the network takes no multicast names (%s): addresses still work", type(problem).__name__)
            await self._hang_up()
            return False
        return True

    async def _free_name(self, zeroconf: Zeroconf) -> str:
        """The wanted name, or the first of name-2, name-3 … that no other machine answers to."""
        for number in range(1, MAX_NAMES + 1):
            name = self._wanted if number == 1 else f"{self._wanted}-{number}"
            asked = AddressResolverIPv4(f"{name}.local.")
            await asked.async_request(zeroconf, PROBE_MS)
            if set(asked.parsed_addresses()) <= set(self._addresses):
                return name
        raise OSError("every name is taken")

    async def _hang_up(self) -> None:
        if self._zeroconf is None:
            return
        with contextlib.suppress(OSError, ZeroconfError):
            await self._zeroconf.async_unregister_all_services()
        await self._zeroconf.async_close()
        self._zeroconf = None


def service(name: str, port: int, addresses: Sequence[str]) -> ServiceInfo:
    """All that is said on the network."""
    return ServiceInfo(
        SERVICE,
        f"{name}.{SERVICE}",
        port=port,
        addresses=[ipaddress.ip_address(address).packed for address in addresses],
        properties={"path": "/"},
        server=f"{name}.local.",
    )
