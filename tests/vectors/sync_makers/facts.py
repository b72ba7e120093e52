"""Public facts, and the messages of enrolment and renewal."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import msgspec

from sync import enrolment, keys, rollover, suite
from sync.keys import BoxFacts, HqFacts
from tests.vectors.sync_makers.common import (
    AT,
    BOX,
    BOX_KEY,
    HQ_KEY,
    INBOX_KEY,
    LOST_BOX,
    OTHER_BOX_KEY,
    OTHER_HQ_KEY,
    OTHER_PACK_KEY,
    OTHER_RECORD_KEY,
    PACK_KEY,
    RECORD_KEY,
    Vector,
)

HQ = HqFacts(
    "https://hq.example.org:8444",
    (RECORD_KEY.public, OTHER_RECORD_KEY.public),
    (HQ_KEY.public,),
    (b"certificate", b"another"),
    (PACK_KEY.public,),
    7,
)
BOX_FACTS = BoxFacts(BOX, BOX_KEY.public, INBOX_KEY.public)
CODE = enrolment.read_code("2222-2222-2222-2222-222" + enrolment._check_letter("2" * 19))
NONCE = bytes(range(16))


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _hashes(values: tuple[bytes, ...]) -> list[str]:
    return [suite.digest(one).hex() for one in values]


def _hq(facts: HqFacts) -> dict[str, Any]:
    return {
        "url": facts.url,
        "serial": str(facts.serial),
        "record_keys": _hashes(facts.record_keys),
        "receipt_keys": _hashes(facts.receipt_keys),
        "pack_keys": _hashes(facts.pack_keys),
        "tls_certificates": _hashes(facts.tls_certificates),
    }


def facts() -> dict[str, Vector]:
    fields: dict[str, Any] = json.loads(keys.hq_to_json(HQ))
    box: dict[str, Any] = json.loads(keys.box_to_json(BOX_FACTS))
    first = {
        "version": 1,
        "url": HQ.url,
        "record_key": fields["record_keys"][0],
        "receipt_key": fields["receipt_keys"][0],
        "tls_certificate": fields["tls_certificates"][0],
    }
    of_1 = replace(HQ, record_keys=HQ.record_keys[:1], tls_certificates=(b"certificate",), pack_keys=(), serial=1)
    told = {"box": BOX.hex(), "verify_key": BOX_KEY.public.hex(), "inbox_key": suite.digest(INBOX_KEY.public).hex()}

    def hq(what: str, expect: str, raw: bytes | dict[str, Any], result: dict[str, Any] | None = None) -> Vector:
        return Vector(what, expect, raw if isinstance(raw, bytes) else json.dumps(raw).encode(), result, {"of": "hq"})

    def of_box(what: str, expect: str, raw: dict[str, Any], result: dict[str, Any] | None = None) -> Vector:
        return Vector(what, expect, json.dumps(raw).encode(), result, {"of": "box"})

    wrong = "malformed_facts"
    return {
        "hq": hq("facts of HQ", "read", fields, _hq(HQ)),
        "hq_1": hq("facts of version 1", "read", first, _hq(of_1)),
        "hq_more": hq("a field of another day", "read", fields | {"colour": [1, {}]}, _hq(HQ)),
        "hq_no_packs": hq("no pack keys", "read", fields | {"pack_keys": []}, _hq(replace(HQ, pack_keys=()))),
        "version": hq("version 3", "unsupported_version", fields | {"version": 3}),
        "no_version": hq("no version", "unsupported_version", {}),
        "not_json": hq("no JSON", wrong, b"{"),
        "not_utf8": hq("no UTF-8", wrong, b'{"version": 2, "url": "\xff"}'),
        "a_list": hq("a list", wrong, b"[]"),
        "large": hq(
            "longer than any",
            wrong,
            json.dumps(fields).encode() + b" " * (keys.MAX_FACTS + 1 - len(json.dumps(fields))),
        ),
        "http": hq("no https", wrong, fields | {"url": "http://hq.example.org"}),
        "with_user": hq("a password in the address", wrong, fields | {"url": "https://a:b@hq.example.org"}),
        "with_path": hq("a path in the address", wrong, fields | {"url": "https://hq.example.org/there"}),
        "serial_zero": hq("serial 0", wrong, fields | {"serial": 0}),
        "serial_text": hq("a serial that is text", wrong, fields | {"serial": "7"}),
        "no_record_key": hq("no record key", wrong, fields | {"record_keys": []}),
        "five_keys": hq("five receipt keys", wrong, fields | {"receipt_keys": fields["receipt_keys"] * 5}),
        "short_key": hq("a pack key of 3 bytes", wrong, fields | {"pack_keys": ["AAAA"]}),
        "short_record_key": hq("a record key of 3 bytes", wrong, fields | {"record_keys": ["AAAA"]}),
        "not_base64": hq("a key that is not base64", wrong, fields | {"receipt_keys": ["not base64"]}),
        "unpadded": hq("base64 without padding", wrong, fields | {"receipt_keys": [fields["receipt_keys"][0][:-1]]}),
        "no_certificate": hq("an empty certificate", wrong, fields | {"tls_certificates": [""]}),
        "box": of_box("facts of a box", "read", box, told),
        "box_1": of_box("of version 1", "read", {**box, "version": 1, "inbox_key": 7}, told | {"inbox_key": ""}),
        "box_no_inbox": of_box("a box that takes no packs", "read", box | {"inbox_key": ""}, told | {"inbox_key": ""}),
        "box_version": of_box("version 3", "unsupported_version", box | {"version": 3}),
        "box_capitals": of_box("an id in capitals", wrong, box | {"box": "0F" * 16}),
        "box_short": of_box("an id of 30 digits", wrong, box | {"box": "0f" * 15}),
        "box_short_key": of_box("a key of 3 bytes", wrong, box | {"verify_key": "AAAA"}),
    }


def _changed(raw: bytes, **fields: object) -> bytes:
    return json.dumps(json.loads(raw) | fields).encode()


def enrolments() -> dict[str, Vector]:
    asked = enrolment.request(BOX_FACTS, BOX_KEY, b"csr", software="0.5.0", serial=0, nonce=NONCE, code=CODE)
    again = enrolment.request(BOX_FACTS, BOX_KEY, b"csr", software="0.5.0", serial=7, nonce=NONCE)
    signed_by_other = enrolment.request(BOX_FACTS, OTHER_BOX_KEY, b"csr", software="0.5.0", serial=0, nonce=NONCE)
    other_code = enrolment.read_code("3333-3333-3333-3333-333" + enrolment._check_letter("3" * 19))
    parsed, parsed_again = enrolment.parse_request(asked), enrolment.parse_request(again)
    secret = enrolment.code_secret(CODE)
    given = enrolment.Answer(parsed.digest, BOX, b"PEM", "Lakeside", AT, facts=keys.hq_to_json(HQ))
    answer = enrolment.answer_by_code(given, secret)
    eight = replace(HQ, serial=8, pack_keys=(PACK_KEY.public, OTHER_PACK_KEY.public))
    nine = replace(HQ, serial=9, pack_keys=(OTHER_PACK_KEY.public,), receipt_keys=(HQ_KEY.public, OTHER_HQ_KEY.public))
    step_8, step_9 = rollover.sign(eight, [PACK_KEY]), rollover.sign(nine, [OTHER_PACK_KEY])

    def renewal(steps: list[rollover.Step], signer: suite.SigningKey = HQ_KEY, **more: Any) -> bytes:
        told = enrolment.Answer(parsed_again.digest, BOX, b"PEM", "Lakeside", AT, steps=steps)
        return enrolment.answer_renewal(replace(told, **more), signer)

    unrelated = rollover.sign(replace(HQ, serial=8, receipt_keys=(OTHER_HQ_KEY.public,)), [PACK_KEY])
    forged = rollover.Step(step_8.facts, ((step_8.signatures[0][0], bytes(64)),))

    def request(what: str, expect: str, raw: bytes, serial: int = 0, code: str = CODE) -> Vector:
        told = {"box": BOX.hex(), "serial": str(serial), "software": "0.5.0", "csr": b"csr".hex()}
        return Vector(what, expect, raw, told if expect == "read" else None, {"of": "request", "code": code})

    def by_code(what: str, expect: str, raw: bytes) -> Vector:
        told = {"certificate": b"PEM".hex(), "name": "Lakeside", "facts": _hq(HQ)} if expect == "read" else None
        return Vector(what, expect, raw, told, {"of": "answer", "code": CODE, "request": asked.hex()})

    def renewed(what: str, expect: str, raw: bytes, reached: HqFacts = HQ) -> Vector:
        told = {"certificate": b"PEM".hex(), "name": "Lakeside", "facts": _hq(reached)} if expect == "read" else None
        pinned = keys.hq_to_json(HQ).hex()
        return Vector(what, expect, raw, told, {"of": "renewal", "pinned": pinned, "request": again.hex()})

    body = base64.b64decode(json.loads(asked)["body"])
    late = msgspec.json.encode(json.loads(body) | {"serial": 5})
    elsewhere = enrolment.answer_by_code(replace(given, box=LOST_BOX), secret)
    older = enrolment.answer_by_code(replace(given, request="0" * 64), secret)
    return {
        "request": request("by a code", "read", asked),
        "request_renewal": request("a renewal", "read", again, 7, ""),
        "request_version": request("version 2", "unsupported_version", _changed(asked, version=2)),
        "request_what": request("an answer", "malformed_enrolment", answer),
        "request_not_json": request("no JSON", "malformed_enrolment", b"{"),
        "request_large": request("longer than any", "malformed_enrolment", asked + b" " * enrolment.MAX_REQUEST),
        "request_changed": request("changed after signing", "bad_signature", _changed(asked, body=_b64(late))),
        "request_signer": request("signed by another box", "bad_signature", signed_by_other, code=""),
        "request_code": request("with another code", "code_wrong", asked, code=other_code),
        "request_mac": request("without its MAC", "code_wrong", _changed(asked, mac="")),
        "answer": by_code("by a code", "read", answer),
        "answer_version": by_code("version 2", "unsupported_version", _changed(answer, version=2)),
        "answer_page": by_code("a page of a hotel's network", "not_hq", b"<html>Please sign in</html>"),
        "answer_request": by_code("the request sent back", "not_hq", asked),
        "answer_mac": by_code("made without the code", "answer_forged", _changed(answer, mac=_b64(bytes(32)))),
        "answer_other_box": by_code("for another box", "answer_forged", elsewhere),
        "answer_other_request": by_code("to another request", "answer_forged", older),
        "renewal": renewed("nothing new", "read", renewal([])),
        "renewal_steps": renewed("two changes of keys", "read", renewal([step_8, step_9], OTHER_HQ_KEY), nine),
        "renewal_old_step": renewed(
            "a step taken before", "read", renewal([rollover.sign(HQ, [PACK_KEY]), step_8]), eight
        ),
        "renewal_signer": renewed("signed by another HQ", "answer_forged", renewal([], OTHER_HQ_KEY)),
        "renewal_unsigned": renewed("not signed", "answer_forged", _changed(renewal([]), signature="")),
        "renewal_skipped": renewed("the step between is missing", "facts_other_key", renewal([step_9], OTHER_HQ_KEY)),
        "renewal_forged": renewed("a step that is not signed", "bad_signature", renewal([forged])),
        "renewal_unrelated": renewed("no receipt key that is known", "facts_unrelated", renewal([unrelated])),
        "renewal_other_box": renewed("for another box", "answer_forged", renewal([], box=LOST_BOX)),
    }
