"""Seeds for the targets of bodies.py: whole ones, so that a fuzzer begins beyond the first check. No chance in it."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

import msgspec

from appliance.audit import note, proof, tree
from appliance.audit.checking import Stored
from appliance.audit.rules import GENESIS, Entry, leaf_bytes
from appliance.control import types
from appliance.copies import manifest
from appliance.store import sheet, slotfile, witness
from sync import suite
from tests.fuzz.bodies import WAL_PAGE

AT = "2031-03-04T14:00:00Z"


def forms() -> dict[str, bytes]:
    return {
        "ticket": b"\0code=abcd-efgh&pin=123456&shared=yes",
        "sign-in": b"\x01username=mara&password=a+long+word&next=%2Fstaff%2Ftoday&csrf=x",
        "agreement": b"\0version=1&signature=Ada+Brook&agree=yes",
        "admit": b"\x01beyond=fewer&beyond=anyway",
        "wrong-text": b"\0code=%ff%fe&next=//elsewhere&version=%D9%A1",
        "latin": b"\x02code=\xe9",
    }


def controls() -> dict[str, bytes]:
    wanted: dict[str, Any] = {
        "Unlock": types.Unlock(passphrase="made up"),
        "SignIn": types.SignIn(username="mara", password="made up"),
        "Admit": types.Admit(beyond="fewer"),
        "AcceptRollback": types.AcceptRollback(passphrase="made up", reason="the newer card is broken"),
        "FaultBody": types.FaultBody(code="refused", sentence="No."),
    }
    made = {name: name.encode() + b"\n" + msgspec.json.encode(one) for name, one in wanted.items()}
    return {**made, "deep": b"Unlock\n" + b"[" * 1200, "not-text": b'Unlock\n{"passphrase":"\xff"}'}


def groups() -> dict[str, bytes]:
    group, blob = "0" * 32, "AAEAAg"
    data: dict[str, dict[str, Any]] = {
        "groupCredential": {"key": "A" * 43},
        "groupLook": {},
        "groupCommits": {"group": group, "after": 1},
        "groupSay": {"group": group, "message": blob},
        "groupCommit": {"group": group, "epoch": 1, "commit": blob, "groupInfo": "AAEABA", "added": [], "removed": []},
        "groupCompared": {"group": group, "epoch": 3},
    }
    return {name: name.encode() + b"\n" + json.dumps(fields).encode() for name, fields in data.items()}


def taps() -> dict[str, bytes]:
    data: dict[str, dict[str, Any]] = {
        "roomHand": {"up": True},
        "roomAcknowledge": {"card": "c"},
        "roomConcern": {"kind": "overheard"},
        "roomPhrase": {"text": "blue lamp"},
    }
    return {name: name.encode() + b"\n" + json.dumps(fields).encode() for name, fields in data.items()}


def passkeys() -> dict[str, bytes]:
    client = {"type": "webauthn.create", "challenge": "A" * 43, "origin": "https://hearth.local:8443"}
    text = base64.urlsafe_b64encode(json.dumps(client).encode()).decode().rstrip("=")
    answer = {"id": "aWQ", "rawId": "aWQ", "type": "public-key"}
    made = {**answer, "response": {"clientDataJSON": text, "attestationObject": "o2NmbXRkbm9uZQ"}}
    used = {**answer, "response": {"clientDataJSON": text, "authenticatorData": "AAAA", "signature": "AAAA"}}
    return {"made": json.dumps(made).encode(), "used": json.dumps(used).encode(), "deep": b"[" * 1200}


def slots() -> dict[str, bytes]:
    seal = slotfile.Seal(key=1, sealed=bytes(slotfile.SEALED_SIZE))
    slot = slotfile.Slot(
        id="0" * 16,
        kind="passphrase",
        label="desk",
        made_at=AT,
        tried_at="",
        kdf=slotfile.Argon2(memory=131072, iterations=3, lanes=4, salt=bytes(16)),
        public=bytes(slotfile.PUBLIC_SIZE),
        seals=(seal,),
    )
    printed = msgspec.structs.replace(slot, id="1" * 16, kind="sheet", kdf=slotfile.Hkdf(salt=bytes(16)))
    answer = slotfile.Answer(version=1, what="hearth slot answer", request="0" * 64, slot=slot.id, seals=(seal,))
    return {
        "one": slotfile.serialise(slotfile.Slots(generation=1, slots=(slot,))),
        "two": slotfile.serialise(slotfile.Slots(generation=2, slots=(slot, printed))),
        "answer": msgspec.json.encode(answer),
        "first-form": b'{"version":1,"slots":[],"checksum":""}',
        "deep": b"[" * 1200,
    }


def sheets() -> dict[str, bytes]:
    english, spanish = sheet.words(bytes(16), "en"), sheet.words(bytes(range(16)), "es")
    typed = {"english": " ".join(english), "spanish": "1. " + "\n2. ".join(spanish), "code": sheet.code(spanish)}
    return {name: text.encode() for name, text in typed.items()}


def manifests() -> dict[str, bytes]:
    files = tuple(manifest.Part(name=name, size=1, sha256="0" * 64) for name in sorted(manifest.NEEDED))
    whole = manifest.Manifest(
        box="0" * 32,
        number=1,
        at=AT,
        version="0.5.0",
        schema=9,
        entries=3,
        root="00" * 32,
        public="0" * 64,
        files=files,
    )
    outside = msgspec.structs.replace(whole, files=(*files, manifest.Part(name="../x", size=1, sha256="0" * 64)))
    return {
        "whole": manifest.serialise(whole),
        "outside": manifest.serialise(outside),
        "later": b'{"format": 2}',
        "large": b'{"format": 1' + b"0" * 400 + b"}",
    }


def proofs() -> dict[str, bytes]:
    entry = Entry(1, AT, "p", "box", "command", "enrol", "", "", "done")
    stored = Stored(entry, GENESIS, bytes(32))
    root = tree.leaf_hash(leaf_bytes(GENESIS, entry))
    checkpoint = note.write(note.Signed(bytes(16), 1, root, 1, AT), suite.SigningKey(bytes(32)))
    return {"proof": proof.exported(proof.write(stored, [], checkpoint)), "checkpoint": checkpoint.encode()}


def settings() -> dict[str, bytes]:
    return {
        "whole": b'[clinic]\nname = "Riverside"\n[portal]\nport = 443\nname = "hearth"\n[media]\nlast_n = 9\n',
        "unknown": b"[portal]\ncolour = 1\n",
        "large": b"[portal]\nport = 9" + b"9" * 400 + b"\n",
        "date": b"a = 1979-05-27T07:32:00Z\n",
    }


def tickets() -> dict[str, bytes]:
    return {"as-shown": b"ABCD-EFGH 123456", "arabic": "١٢٣٤٥٦".encode(), "sharp": "ßﬁⅷ①".encode()}


def queries() -> dict[str, bytes]:
    return {"words": b'sleep "two words" wor', "marks": b'" OR NEAR( * ^ col:x', "accents": "corazón ÑANDÚ".encode()}


def witnesses() -> dict[str, bytes]:
    seen = witness.Seen(entries=7, last="00" * 32, sealed=2, settled=1)
    return {
        "open": witness.serialise(witness.Witness(turn=1, state="open", seen=seen)),
        "closed": witness.serialise(witness.Witness(turn=2, state="closed", seen=seen)),
        "torn": witness.serialise(witness.Witness(turn=2, state="closed", seen=seen))[:200],
    }


def wals() -> dict[str, bytes]:
    whole = _wal(((1, 0), (2, 2), (3, 3)))
    return {"whole": whole, "torn": whole[:-5], "no-commit": _wal(((1, 0), (2, 0)))}


def _wal(frames: tuple[tuple[int, int], ...]) -> bytes:
    """Frames of (page, length after the commit or 0), with checksums (sqlite.org/fileformat2.html section 4)."""
    salts = b"saltSALT"
    header = struct.pack(">IIII", 0x377F0682, 3007000, WAL_PAGE, 0) + salts
    sums = _sum(header, (0, 0))
    made = header + struct.pack(">II", *sums)
    for number, length in frames:
        head, page = struct.pack(">II", number, length), hashlib.sha256(bytes([number])).digest()[:WAL_PAGE]
        sums = _sum(head + page, sums)
        made += head + salts + struct.pack(">II", *sums) + page
    return made


def _sum(content: bytes, start: tuple[int, int]) -> tuple[int, int]:
    first, second = start
    words = struct.unpack(f"<{len(content) // 4}I", content)
    for index in range(0, len(words), 2):
        first = (first + words[index] + second) & 0xFFFFFFFF
        second = (second + words[index + 1] + first) & 0xFFFFFFFF
    return first, second


MAKERS = {
    "form": forms,
    "control": controls,
    "group": groups,
    "taps": taps,
    "passkey": passkeys,
    "slots": slots,
    "sheet": sheets,
    "manifest": manifests,
    "proof": proofs,
    "settings": settings,
    "ticket": tickets,
    "query": queries,
    "witness": witnesses,
    "wal": wals,
}
