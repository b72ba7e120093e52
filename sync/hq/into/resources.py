"""Records as FHIR R4 resources, as plain dictionaries. Pure. MAPPING.md is the same in prose.

Ids are UUIDs of version 5, made of the box and the record, so that the same record is the same resource in every run.
What is about a person carries the labels and the notice of 42 CFR 2.32.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sync.hq.into import typed
from sync.hq.opening import Opened

Resource = dict[str, Any]
Fields = dict[str, Any]

NOTICE = "42 CFR part 2 prohibits unauthorized use or disclosure of these records."  # 2.32(a)(2), word by word
PART_2 = "https://www.ecfr.gov/current/title-42/chapter-I/subchapter-A/part-2"
_NAMES = uuid.uuid5(uuid.NAMESPACE_URL, "urn:hearth:fhir:1")
_HL7 = "http://terminology.hl7.org/CodeSystem/"
LABELS = [
    {"system": f"{_HL7}v3-Confidentiality", "code": "R", "display": "restricted"},
    {"system": f"{_HL7}v3-ActCode", "code": "42CFRPart2", "display": "42 CFR Part2"},
    {"system": f"{_HL7}v3-ActCode", "code": "NORDSCLCD", "display": "no redisclosure without consent directive"},
]
_CONSENT_DOCUMENT = {"coding": [{"system": "http://loinc.org", "code": "59284-0", "display": "Consent Document"}]}


def name(*parts: object) -> str:
    """The stable id made of these parts."""
    return str(uuid.uuid5(_NAMES, "/".join(str(part) for part in parts)))


def reference(kind: str, identity: str) -> dict[str, str]:
    return {"reference": f"{kind}/{identity}"}


def of_record(one: Opened, clinic: str = "") -> Sequence[Resource]:
    """The record's resources with those that they point to; none for a class that is not mapped. Raises `Untyped`.

    `clinic` is HQ's name for the box, "" where there is none.
    """
    make = _CLASSES.get(one.record.record_class)
    if make is None:
        return []
    fields = typed.fields_of(one.record.body)
    if fields.get("withheld") is True:
        return []
    try:
        return [_clinic(one, clinic), _headquarters(), *make(one, fields)]
    except (TypeError, AttributeError, KeyError, IndexError, ValueError):
        raise typed.Untyped from None


def ended(consent: Resource, last: Resource) -> Resource:
    """A consent to disclosure with the end that a later record tells of."""
    period = {**consent["provision"].get("period", {}), "end": last["provision"]["period"]["end"]}
    return {**consent, "status": "inactive", "provision": {**consent["provision"], "period": period}}


def _clinic(one: Opened, clinic: str) -> Resource:
    identifier = [{"system": "urn:hearth:box", "value": one.box.hex()}]
    told = {"resourceType": "Organization", "id": _clinic_id(one), "identifier": identifier}
    return {**told, "name": clinic or f"Clinic with box {one.box.hex()[:8]}"}


def _headquarters() -> Resource:
    return {"resourceType": "Organization", "id": name("headquarters"), "name": "Headquarters"}


def _session(one: Opened, fields: Fields) -> Sequence[Resource]:
    made: list[Resource] = []
    people = [person for person in fields["attendees"] if isinstance(person, dict)]
    leads = [person for person in people if person.get("facilitator") is True]
    for person in leads:
        who = _needed(person, "person")
        identifier = [{"system": _pseudonyms(one), "value": who}]
        made.append({"resourceType": "Practitioner", "id": name(one.box.hex(), "lead", who), "identifier": identifier})
    for person in people:
        if person.get("facilitator") is not True:
            made.extend(_visit(one, fields, person, [made_one["id"] for made_one in made[: len(leads)]]))
    return made


def _visit(one: Opened, fields: Fields, person: Fields, leads: Sequence[str]) -> Sequence[Resource]:
    who, consent = _needed(person, "person"), typed.text(person.get("consent"))
    visit = name(one.box.hex(), one.record.number, "visit", who)
    made = _about_person(one, "Encounter", visit) | {
        "identifier": [{"system": f"urn:hearth:session:{one.box.hex()}", "value": _needed(fields, "session")}],
        "status": "finished",
        "class": {"system": f"{_HL7}v3-ActCode", "code": "VR", "display": "virtual"},
        "type": [{"text": "group session"}],
        "subject": _patient(one, who),
        "serviceProvider": reference("Organization", _clinic_id(one)),
    }
    if leads:
        made["participant"] = [{"individual": reference("Practitioner", lead)} for lead in leads]
    joined = [pair for pair in person.get("present", ()) if typed.moment(pair[0])]
    times = [_time(pair[0]) for pair in joined], [_time(pair[1]) for pair in joined if typed.moment(pair[1])]
    made["period"] = _period(
        min(times[0], default=fields.get("opened_at")), max(times[1], default=fields.get("ended_at"))
    )
    return [_person(one, who), made, *(_disclosed(one, who, visit, consent, fields) if consent else ())]


def _disclosed(one: Opened, who: str, visit: str, consent: str, fields: Fields) -> Sequence[Resource]:
    """The notice that went with this disclosure, from the clinic to headquarters, under which consent."""
    told = _about_person(one, "Communication", name(one.box.hex(), one.record.number, "notice", who))
    about = [reference("Encounter", visit), reference("Consent", name(one.box.hex(), "disclosure", consent))]
    return [told | _letter(one, True) | {"subject": _patient(one, who), "about": about} | _payload(fields)]


def _payload(fields: Fields) -> Fields:
    return {"payload": [{"contentString": typed.text(fields.get("notice")) or NOTICE}]}


def _signed(one: Opened, fields: Fields) -> Sequence[Resource]:
    who, version = _needed(fields, "person"), typed.text(fields.get("agreement")) or "?"
    made = _about_person(one, "Consent", name(one.box.hex(), one.record.number, "signed"))
    made |= {
        "status": "active",
        "scope": _coded("consentscope", "treatment"),
        "category": [_CONSENT_DOCUMENT],
        "patient": _patient(one, who),
        "dateTime": _time(fields.get("at")),
        "performer": [_patient(one, who)],
        "organization": [reference("Organization", _clinic_id(one))],
        "policyRule": {"text": f"Agreement of the clinic, version {version}"},
    }
    return [_person(one, who), *_text_of(made, fields, f"Agreement, version {version}"), made]


def _granted(one: Opened, fields: Fields) -> Sequence[Resource]:
    who, version = _needed(fields, "person"), typed.text(fields.get("form")) or "?"
    made = _disclosure(one, fields, "active") | {"dateTime": _time(fields.get("granted_at"))}
    made["provision"] = {
        "type": "permit",
        "period": _period(fields.get("granted_at"), fields.get("expires_at")),
        "actor": [
            {
                "role": _coded("v3-ParticipationType", "IRCP"),
                "reference": reference("Organization", name("headquarters")),
            }
        ],
        "purpose": [{"display": typed.text(fields.get("purpose")) or "not told"}],
        "code": [{"text": scope} for scope in fields.get("scopes", ()) if typed.text(scope)],
    }
    return [_person(one, who), *_text_of(made, fields, f"Consent to disclosure, form {version}"), made]


def _ended(one: Opened, fields: Fields) -> Sequence[Resource]:
    """As much as the record says. Beside the consent itself it only changes that one (`ended`)."""
    made = _disclosure(one, fields, "inactive")
    made["provision"] = {"type": "permit", "period": {"end": _time(fields.get("ended_at"))}}
    return [_person(one, _needed(fields, "person")), made]


def _disclosure(one: Opened, fields: Fields, status: str) -> Resource:
    made = _about_person(one, "Consent", name(one.box.hex(), "disclosure", _needed(fields, "consent")))
    return made | {
        "status": status,
        "scope": _coded("consentscope", "patient-privacy"),
        "category": [_coded("v3-ActCode", "IDSCL")],
        "patient": _patient(one, _needed(fields, "person")),
        "organization": [reference("Organization", _clinic_id(one))],
        "policy": [{"uri": PART_2}],
    }


def _text_of(consent: Resource, fields: Fields, title: str) -> Sequence[Resource]:
    """The text that was signed: known by its digest, its words stay at the clinic."""
    digest = typed.text(fields.get("digest"))
    if not digest:
        return []
    attachment = {"contentType": "text/plain; charset=utf-8", "title": title}
    if language := typed.text(fields.get("language")):
        attachment["language"] = language
    identity = name("document", digest, title)
    document = {
        "resourceType": "DocumentReference",
        "id": identity,
        "masterIdentifier": {"system": "urn:hearth:sha256", "value": digest},
        "status": "current",
        "docStatus": "final",
        "type": _CONSENT_DOCUMENT,
        "content": [{"attachment": attachment}],
    }
    consent["sourceReference"] = reference("DocumentReference", identity)
    return [document]


def _checkpoint(one: Opened, fields: Fields) -> Sequence[Resource]:
    lines = _needed(fields, "note").split("\n")
    told = {"size": lines[1], "root": lines[2], "number": lines[3].removeprefix("number ")}
    return [_event(one, "0", _time(lines[4].removeprefix("at ")), told)]


def _adopted(one: Opened, fields: Fields) -> Sequence[Resource]:
    told: dict[str, str] = {key: str(fields[key]) for key in ("size", "life") if key in fields}
    return [_event(one, "0", _time(one.record.at), told)]


def _pack(one: Opened, fields: Fields) -> Sequence[Resource]:
    """What headquarters sent down, and what the box did with it."""
    refused = one.record.record_class == "pack_refused"
    at, code = _time(one.record.at), typed.text(fields.get("code"))
    told = {key: str(fields[key]) for key in ("number", "hash", "code") if fields.get(key)}
    letter: Resource = {"resourceType": "Communication", "id": name(one.box.hex(), one.record.number, "pack")}
    letter |= _letter(one, False) | {
        "identifier": [{"system": f"urn:hearth:pack:{one.box.hex()}", "value": told["number"]}],
        "status": "not-done" if refused else "completed",
    }
    if refused:
        letter["statusReason"] = {"text": code or "refused"}
    else:
        letter["received"] = at
    return [letter, _event(one, "8" if refused else "0", at, told)]


def _event(one: Opened, outcome: str, recorded: str, told: Mapping[str, str]) -> Resource:
    clinic = reference("Organization", _clinic_id(one))
    return {
        "resourceType": "AuditEvent",
        "id": name(one.box.hex(), one.record.number, "event"),
        "type": {"system": "urn:hearth:record-class", "code": one.record.record_class},
        "action": "E",
        "recorded": recorded,
        "outcome": outcome,
        "agent": [{"who": clinic, "requestor": False}],
        "source": {"observer": clinic},
        "entity": [{"what": {"identifier": {"system": "urn:hearth:record", "value": str(one.record.number)}}}],
    } | ({} if not told else {"outcomeDesc": ", ".join(f"{key} {value}" for key, value in told.items())})


def _letter(one: Opened, up: bool) -> Resource:
    clinic, headquarters = (reference("Organization", each) for each in (_clinic_id(one), name("headquarters")))
    sender, recipient = (clinic, headquarters) if up else (headquarters, clinic)
    category = _coded("communication-category", "notification")
    made = {"status": "completed", "category": [category], "sender": sender, "recipient": [recipient]}
    return made | ({"sent": _time(one.record.at)} if up else {})


def _about_person(one: Opened, kind: str, identity: str) -> Resource:
    meta = {"source": f"urn:hearth:box:{one.box.hex()}", "security": LABELS}
    words = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{NOTICE}</p></div>'
    return {"resourceType": kind, "id": identity, "meta": meta, "text": {"status": "additional", "div": words}}


def _person(one: Opened, who: str) -> Resource:
    made = _about_person(one, "Patient", name(one.box.hex(), "person", who))
    made["managingOrganization"] = reference("Organization", _clinic_id(one))
    return made | {"identifier": [{"system": _pseudonyms(one), "value": who}]}


def _patient(one: Opened, who: str) -> dict[str, str]:
    return reference("Patient", name(one.box.hex(), "person", who))


def _pseudonyms(one: Opened) -> str:
    return f"urn:hearth:pseudonym:{one.box.hex()}"


def _clinic_id(one: Opened) -> str:
    return name(one.box.hex(), "clinic")


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{_HL7}{system}", "code": code}]}


def _period(start: object, end: object) -> dict[str, str]:
    """FHIR wants an end that is not before its start; a clock that was set may tell otherwise."""
    begins, ends = typed.moment(start), typed.moment(end)
    if begins and ends and ends < begins:
        ends = None
    return {key: _text(value) for key, value in (("start", begins), ("end", ends)) if value}


def _time(value: object) -> str:
    found = typed.moment(value)
    if found is None:
        raise ValueError("no time")
    return _text(found)


def _text(value: datetime) -> str:
    return value.isoformat().replace("+00:00", "Z")


def _needed(fields: Fields, key: str) -> str:
    found = typed.text(fields.get(key))
    if not found:
        raise ValueError(key)
    return found


_CLASSES: Mapping[str, Callable[[Opened, Fields], Sequence[Resource]]] = {
    "session_ended": _session,
    "consent_signed": _signed,
    "disclosure_granted": _granted,
    "disclosure_ended": _ended,
    "audit_checkpoint": _checkpoint,
    "log_adopted": _adopted,
    "pack_applied": _pack,
    "pack_refused": _pack,
}
