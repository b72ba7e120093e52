"""Writes tests/vectors/slots anew: a file of both versions, what opens it, and a recovery by HQ.

Sealing is random, so vectors prove opening; the secrets are made up and here for everybody to read.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import msgspec

from appliance.keys.recovery import check_code
from appliance.store import sheet, slotfile, slots
from appliance.store.key import StoreKey
from appliance.store.slotfile import Request, Slots
from appliance.store.slots import Cost, Numbered
from sync import suite
from sync.hq import slot as hq_slot

HERE = Path(__file__).parent / "slots"
AT = "2031-03-04T14:00:00Z"
CHEAP = Cost(memory=64, iterations=1, lanes=1)
KEYS = (Numbered(1, StoreKey(b"\x11" * 32)), Numbered(2, StoreKey(b"\x22" * 32)))
PASSPHRASE, ENTROPY, HQ_SEED, MACHINE_SEED, ONE_TIME = (
    "café at noon, daily",
    bytes(range(16)),
    *(bytes([number]) * 32 for number in (3, 4, 5)),
)


def main() -> None:
    HERE.mkdir(exist_ok=True)
    hq = slots.of_public("hq", suite.RecordKey(HQ_SEED).public, "", AT, KEYS)
    made = (
        slots.of_passphrase(PASSPHRASE, "recepción", AT, KEYS, CHEAP),
        slots.of_sheet(ENTROPY, "safe", AT, KEYS),
        hq,
        slots.of_public("machine", suite.RecordKey(MACHINE_SEED).public, "", AT, KEYS),
    )
    (HERE / "slots.json").write_bytes(slotfile.serialise(Slots(generation=7, slots=made)))
    request = msgspec.json.format(msgspec.json.encode(Request(slot=hq, public=slots.public_of(ONE_TIME)))) + b"\n"
    (HERE / "request.json").write_bytes(request)
    (HERE / "answer.json").write_bytes(hq_slot.open_slot(request, suite.RecordKey(HQ_SEED)))
    secrets = {
        "about": "what opens slots.json and answer.json; seeds are base64",
        "keys": {str(one.number): base64.b64encode(one.key.raw()).decode() for one in KEYS},
        "passphrase": PASSPHRASE,
        "sheet_en": " ".join(sheet.words(ENTROPY, "en")),
        "sheet_es": " ".join(sheet.words(ENTROPY, "es")),
        "hq_seed": base64.b64encode(HQ_SEED).decode(),
        "machine_seed": base64.b64encode(MACHINE_SEED).decode(),
        "one_time_seed": base64.b64encode(ONE_TIME).decode(),
        "check_code": check_code(request),
    }
    (HERE / "secrets.json").write_text(json.dumps(secrets, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
