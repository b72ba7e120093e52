"""Enrolment in the store: ask by a code, ask for a renewal, take an answer, take HQ's facts from a file."""

from __future__ import annotations

import secrets
from datetime import datetime

from appliance.enrolment import rows
from appliance.enrolment.rows import Asked
from appliance.outbox import pinned
from appliance.outbox import rows as outbox
from appliance.outbox.headquarters import key_code
from appliance.policy import BOX, Actor, Facts, decide
from appliance.store.database import Transaction
from sync import enrolment, keys
from sync.enrolment import Answer
from sync.faults import SyncFault

MAX_NAME = 200  # characters of what HQ calls this box; its own bound is less


def ask(tx: Transaction, actor: Actor, url: str, code: str, at: str) -> None:
    """A person asks to be let in by a code. Faults: refused."""
    rows.ask(tx, decide(actor, "enrol_box", Facts()), url, code, at)


def renew(tx: Transaction, at: str) -> bool:
    """The box asks for a new certificate, unless something is asked already or it has no HQ. Whether it does."""
    hq = pinned.pinned(tx)
    if hq is None or rows.asked(tx) is not None:
        return False
    rows.ask(tx, decide(BOX, "enrol_box", Facts()), hq.url, "", at)
    return True


def may(tx: Transaction, actor: Actor) -> None:
    """Ask the policy, before anything is read. Faults: refused."""
    decide(actor, "enrol_box", Facts())


def cancel(tx: Transaction, actor: Actor) -> None:
    """A person stops asking. Faults: refused."""
    may(tx, actor)
    rows.forget(tx)


def request(tx: Transaction, csr: bytes, software: str) -> tuple[Asked, bytes] | None:
    """What is asked, and the bytes to carry: made with the first `csr` (DER), the same from then on. None: nothing."""
    found = rows.asked(tx)
    if found is None:
        return None
    if found.request and enrolment.parse_request(found.request).csr == csr:
        return found, found.request
    own, hq = outbox.identity(tx), pinned.pinned(tx)
    raw = enrolment.request(
        pinned.box_facts(tx),
        own.signing_key,
        csr,
        software=software,
        serial=hq.serial if hq else 0,
        nonce=secrets.token_bytes(enrolment.NONCE_SIZE),
        code=found.code,
    )
    rows.keep_request(tx, raw)
    return found, raw


def take(tx: Transaction, raw: bytes, at: str) -> bytes | None:
    """HQ's answer to what is asked: its keys are pinned, the certificate (PEM) is returned. None: the answer led to
    newer keys of HQ, and the certificate comes with the next one.

    SyncFault: as `enrolment.read_answer` and `read_renewal`; `answer_forged` when nothing is asked.
    """
    found = rows.asked(tx)
    if found is None or not found.request:
        raise SyncFault("answer_forged")
    asked, hq = enrolment.parse_request(found.request), pinned.pinned(tx)
    permit = decide(BOX, "enrol_box", Facts())
    if found.code:
        given, facts = enrolment.read_answer(raw, asked, enrolment.code_secret(found.code))
    elif hq is not None:
        given, facts = enrolment.read_renewal(raw, asked, hq)
    else:
        raise SyncFault("answer_forged")
    pinned.pin(tx, permit, facts, at, anew=bool(found.code))
    rows.forget(tx)
    if given.more and not found.code:
        return None
    rows.keep_known(tx, _one_line(given.name), at, _clock_off(given, at))
    pinned.heard(tx, at)
    return given.certificate


def take_facts(tx: Transaction, actor: Actor, raw: bytes, code: str, at: str) -> None:
    """HQ's public facts out of a file, if a person has compared the code of its key. Faults: refused; SyncFault
    `facts_other_code`, `malformed_facts`, `unsupported_version`."""
    permit = decide(actor, "enrol_box", Facts())
    facts = keys.hq_from_json(raw)
    if code.strip().upper() != key_code(facts.record_key):
        raise SyncFault("facts_other_code")
    pinned.pin(tx, permit, facts, at, anew=True)


def _one_line(name: str) -> str:
    """What HQ calls this box, fit for a terminal: who took over HQ's line may have put anything there."""
    return " ".join("".join(char if char.isprintable() else " " for char in name[:MAX_NAME]).split())


def _clock_off(given: Answer, at: str) -> int:
    """Seconds by which `at` is ahead of HQ's clock; 0 when HQ's time cannot be read."""
    try:
        return round((datetime.fromisoformat(at) - datetime.fromisoformat(given.at)).total_seconds())
    except (ValueError, TypeError):
        return 0
