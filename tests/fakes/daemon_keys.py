"""The keys of the fake box: a list that does what the keeper's rules say, without any key."""

from __future__ import annotations

from typing import Literal

import msgspec

from appliance.control.types import (
    AddHq,
    AddOwn,
    AddPassphrase,
    AddSheet,
    Done,
    KeyMade,
    Keys,
    KeySecret,
    KeySlot,
    Rekeyed,
    Sheet,
    Wire,
)
from appliance.faults import Fault
from appliance.store import sheet

AT = "2031-03-04T14:05:00Z"
ENTROPY = bytes(range(16))
HQ_CODE = "KK96-RYYC-Y86D-KMBT"


class FakeKeys:
    """`slots` is what is true; `secrets` what opens them."""

    def __init__(self) -> None:
        self.slots = [_slot("a" * 16, "passphrase", "works", "front desk")]
        self.secrets = {"a" * 16: "four quiet lamps"}
        self.enrolled = False
        self.machine_keeps: Literal["nothing", "on_disk", "by_tpm"] = "nothing"
        self.told_of_a_tpm: list[bool] = []  # what the person who had the machine keep a secret was told
        self.rekeys = 0

    def list(self) -> Keys:
        working = [slot.id for slot in self.slots if slot.state == "works"]
        slots = tuple(msgspec.structs.replace(s, removable=bool(set(working) - {s.id})) for s in self.slots)
        code = HQ_CODE if self.enrolled else ""
        return Keys(
            slots=slots,
            enrolled=self.enrolled,
            hq_code=code,
            machine_keeps=self.machine_keeps,
            rekey_seconds=1.0,
            rekey_seconds_slow=8.0,
        )

    def do(self, word: str, slot: str, body: bytes) -> Wire:
        match word:
            case "passphrase":
                added = msgspec.json.decode(body, type=AddPassphrase)
                return KeyMade(id=self._add("passphrase", "works", added.label, added.passphrase))
            case "sheet":
                return self._sheet(msgspec.json.decode(body, type=AddSheet).language)
            case "hq":
                if msgspec.json.decode(body, type=AddHq).code != HQ_CODE:
                    raise Fault("wrong_state")
                return KeyMade(id=self._add("hq", "elsewhere", "", ""))
            case "own":
                self.told_of_a_tpm.append(msgspec.json.decode(body, type=AddOwn).tpm)
                self.slots = [one for one in self.slots if one.kind != "machine"]
                return KeyMade(id=self._add("machine", "untried", "", ""))
            case "rekey":
                self.rekeys += 1
                return Rekeyed(seconds=1.5)
            case _:
                return self._of_slot(word, slot, body)

    def _of_slot(self, word: str, slot: str, body: bytes) -> Wire:
        found = next((one for one in self.list().slots if one.id == slot), None)
        if found is None:
            raise Fault("not_found")
        if word == "remove":
            if not found.removable:
                raise Fault("last_slot")
            self.slots = [one for one in self.slots if one.id != slot]
            return Done()
        secret = msgspec.json.decode(body, type=KeySecret).secret
        if word == "rotate":
            self.secrets[slot] = secret
        elif found.kind == "sheet" and sheet.entropy(secret) != ENTROPY:
            raise Fault("wrong_sheet")
        elif found.kind == "passphrase" and secret != self.secrets[slot]:
            raise Fault("wrong_passphrase")
        self.slots = [
            msgspec.structs.replace(one, state="works", tried_at=AT) if one.id == slot else one for one in self.slots
        ]
        return Done()

    def _sheet(self, language: Literal["en", "es"]) -> Sheet:
        self.slots = [one for one in self.slots if one.state != "untried"]
        words = sheet.words(ENTROPY, language)
        return Sheet(id=self._add("sheet", "untried", "", ""), words=words, code=sheet.code(words))

    def _add(
        self,
        kind: Literal["passphrase", "sheet", "hq", "machine"],
        state: Literal["works", "untried", "elsewhere"],
        label: str,
        secret: str,
    ) -> str:
        identifier = f"{len(self.slots):016x}"
        self.slots.append(_slot(identifier, kind, state, label))
        self.secrets[identifier] = secret
        return identifier


def _slot(
    identifier: str,
    kind: Literal["passphrase", "sheet", "hq", "machine"],
    state: Literal["works", "untried", "elsewhere", "foreign"],
    label: str,
) -> KeySlot:
    tried = AT if state == "works" else ""
    return KeySlot(id=identifier, kind=kind, label=label, made_at=AT, tried_at=tried, state=state, removable=False)
