"""The machine's own key slot, made from the console: the machine keeps the secret, by the steward, the store the slot.

The secret is made here, goes to the steward once and is forgotten. A power cut in between leaves a secret that opens
nothing; the next unlocking finds it (`tidy`) and has it forgotten. Only the next start shows that the slot works.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import secrets
from contextlib import suppress
from typing import Literal

from appliance.errands import Errands
from appliance.faults import Fault
from appliance.keeping import Keeper
from appliance.policy import Actor
from appliance.store import machine
from appliance.store.slots import public_of

log = logging.getLogger(__name__)

SECONDS = 45.0  # for the steward and a slow TPM

# How this machine can keep a secret: not at all (it is not the box's own), on the same disk as the store, by a TPM.
Keeps = Literal["nothing", "on_disk", "by_tpm"]


class OwnSlot:
    """One box's."""

    def __init__(self, errands: Errands) -> None:
        self._errands = errands
        self._guarded: bool | None = None  # no machine gets a TPM while it runs
        self._changing = asyncio.Lock()  # the secret that is kept and the slot for it belong together

    async def keeps(self) -> Keeps:
        """What a person is to be told before they decide."""
        if not self._errands.possible:
            return "nothing"
        if self._guarded is None:
            self._guarded = await asyncio.to_thread(machine.guarded)
        return "by_tpm" if self._guarded else "on_disk"

    async def add(self, keeper: Keeper, actor: Actor, at: str, *, tpm: bool) -> str:
        """The new slot's id; it takes the place of the machine's slot before. `tpm`: the person counts on a TPM.

        Faults: refused, not_the_machine, machine_refused, machine_busy, home_read_only, those of a new slot.
        """
        await keeper.may_add(actor, at)
        async with self._changing:
            seed = secrets.token_bytes(machine.SEED)
            what = {"do": "seal", "secret": base64.b64encode(seed).decode(), "tpm": tpm}
            await self._errands.ask("credential", what, SECONDS)
            try:
                return await keeper.add_public(actor, "machine", public_of(seed), "", at)
            except Fault:
                await self._forget()
                raise

    async def forget(self) -> None:
        """After the slot is gone: what the machine keeps opens nothing any more, and goes too."""
        async with self._changing:
            await self._forget()

    async def tidy(self, keeper: Keeper) -> None:
        """Have forgotten what systemd gave to this process and no slot is for: of a power cut in between."""
        async with self._changing:
            with suppress(Fault):  # of a store that cannot be read now; others say so
                if await asyncio.to_thread(machine.given) and await keeper.machines() is None:
                    await self._forget()

    async def _forget(self) -> None:
        """What stays all the same opens nothing, and is tried again after the next start."""
        if not self._errands.possible:
            return
        try:
            await self._errands.ask("credential", {"do": "forget"}, SECONDS)
        except Fault as fault:
            log.warning("the machine keeps a secret that opens nothing: %s", fault.code)
