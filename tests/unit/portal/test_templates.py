"""The portal's pages: each renders in each language, and keeps the promises that the browser and the reader rely on."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import jinja2
import pytest
from babel.messages import Catalog, extract, mofile, pofile
from babel.support import Translations

from appliance import policy
from appliance.audit.checking import Finding, What
from appliance.consent.rules import PARTS, Signing
from appliance.contacts.rules import Contact
from appliance.faults import KINDS
from appliance.guidelines.rules import KINDS as KINDS_OF_CARDS
from appliance.hours.rules import INCIDENTS, QUESTIONS
from appliance.identity.factors.rows import Factors
from appliance.portal import ends, guides, pages, trust
from appliance.portal.looks import Look
from appliance.portal.plan_forms import Typed
from appliance.returned.rules import Visit
from appliance.room.rules import CardKind, RoomTrouble, Written
from appliance.sessions.planning import Unfit

APPLIANCE = Path(__file__).parents[3] / "appliance"
PORTAL = APPLIANCE / "portal"
LANGUAGES = ("en", "es")
TEMPLATE_OPTIONS = {"trim_blocks": "true", "lstrip_blocks": "true", "newstyle_gettext": "true"}

ME = {"member": "m1", "name": "Dr. Amara Osei", "displayName": "Amara", "role": "facilitator"}
SESSION = {"id": "s1", "title": "Tuesday", "starts": "10:00", "state": "open", "locked": True}
CARD = {**SESSION, "waiting": 2, "present": 1, "expected": 4}
WAITING = [
    {"member": "m2", "name": "<b>", "displayName": "J", "since": "10:05", "vouched": False, "connected": False},
    {"member": "m3", "name": "Rosa", "displayName": "R", "since": "10:05", "vouched": True, "connected": True},
]
ROSTER = [
    {"member": "m1", "name": "Amara", "facilitator": True, "you": True, "connected": True},
    {"member": "m4", "name": "Tom", "facilitator": False, "you": False, "connected": False},
]
EXPECTED = [
    {"member": f"e{n}", "name": "Ines", "standing": standing, "ticket": ticket}
    for n, (standing, ticket) in enumerate(
        [("expected", "issued"), ("joining", "issued"), ("denied", "stopped"), ("removed", "expired")]
    )
]
ACTIONS = ("see", *policy.SESSION_ACTIONS)
LINKED = {"note_incident", "see_summary"}  # pages of their own, in a new window
WAIT = {
    "minutes": None,
    "message": None,
    "phraseAsked": False,
    "phraseGiven": False,
    "phase": "open",
    "locked": False,
    "said": "open",
    "waited": 0,
    "longer": False,
    "messageTime": "",
}
ROOM = {
    "way": {"now": 6, "all": 6},
    "wait": WAIT,
    "mode": "wait",
    "me": {"member": "m2", "displayName": "J"},
    "title": "Tuesday",
    "standing": "waiting",
    "ws": "/join/ws",
    "facilitator_page": False,
}
FRONT_DESK = ("vouch", "ask_phrase", "message", "reissue", "rejoin")
STAFF_ROOM = {
    "session": SESSION,
    "waiting": WAITING,
    "roster": ROSTER,
    "expected": EXPECTED,
    "actions": ACTIONS,
    "me": {"member": "m1", "displayName": "Amara"},
    "ws": "/staff/sessions/s1/ws",
    "facilitator_page": True,
}
NOBODY: dict[str, Any] = {"waiting": [], "roster": [], "expected": []}
EMERGENCY = (Contact("Riverbend night line", "555 0199", "at any time"), Contact("Ambulance", "911"))
CALLS = [
    {"id": "emergency", "contacts": EMERGENCY, "may": True, "rows": [("Night line", "555 0199", ""), ("", "", "")]},
    {"id": "on_call", "contacts": (), "may": True, "rows": [("", "", "")]},
]
MOST = {"name": 60, "phone": 30, "about": 80}
LICENCES = {
    "licences": [
        {"id": f"l{n}", "kind": kind, "name": "Counsellor", "ends": ends, "ends_on": "2027-01-01", "state": state}
        for n, (kind, state, ends) in enumerate(
            [
                ("licence", "holds", "January 1, 2027"),
                ("training", "soon", "January 1, 2027"),
                ("licence", "expired", "January 1, 2026"),
                ("training", "holds", ""),
            ]
        )
    ],
    "may_record": True,
    "licence_fault": "",
    "typed": {"kind": "training", "name": "", "ends_on": ""},
}
ASIDE = {
    "me": {"member": "m8", "displayName": "J"},
    "other": {"member": "m9", "name": "Amara <b>"},
    "home": {"session": "s1", "member": "m2", "guest": "m2"},
    "session_id": "s2",
    "credential_key": "AA",
    "session": {"id": "s1"},
    "actions": ("handle_concern",),
}
INCIDENT = {
    "me": ME,
    "session": {"id": "s1", "title": "Tuesday"},
    "people": [{"member": "m2", "name": "Jo <b>"}],
    "kinds": INCIDENTS,
    "chosen": {"kind": "crisis", "member": ""},
}
TROUBLES = sorted({*get_args(RoomTrouble), *get_args(Written)})
RAISED = [{"kind": kind, "day": "today", "seen": kind == "other"} for kind in TROUBLES]
CONCERN: dict[str, Any] = {
    "kinds": get_args(Written),
    "chosen": "",
    "typed": "",
    "most": 600,
    "raised": [],
    "done": False,
}
OPEN_CONCERNS: list[dict[str, Any]] = [
    {
        "id": "c1",
        "session": "s1",
        "title": "Tuesday",
        "name": "Jo <b>",
        "shown_name": "J",
        "kind": kind,
        "outside": kind == "other",
        "at": "today",
        "words": ["<script>", "b"],
        "seen": "",
        "by": "",
    }
    for kind in TROUBLES
]
SUMMARY: dict[str, Any] = {
    "me": ME,
    "session": {
        "id": "s1",
        "title": "Tuesday",
        "group": "g1",
        "starts": "Tuesday, 10:00",
        "opened": "10:00",
        "ended": "11:02",
    },
    "attended": [
        {"name": "Amara", "leads": True, "spans": "10:00–11:02", "minutes": 62, "removed": False, "why": ""},
        {
            "name": "Jo",
            "leads": False,
            "spans": "10:01–10:20 and 10:25–11:00",
            "minutes": 54,
            "removed": False,
            "why": "",
        },
        {"name": "Al", "leads": False, "spans": "", "minutes": 0, "removed": True, "why": "recording"},
    ],
    "cards": [
        {"kind": kind, "at": "10:05", "to": to, "known": 2}
        for kind, to in zip(get_args(CardKind), ("", "Jo", "", "Al"), strict=True)
    ],
    "concerns": [
        {"kind": kind, "at": "10:30", "name": "Jo", "seen": seen}
        for kind, seen in zip(
            sorted({*get_args(RoomTrouble), *get_args(Written)}), ("10:31", "", "", "", "", "", ""), strict=False
        )
    ],
    "incidents": [{"kind": kind, "at": "10:40", "name": "", "person": "p1", "by": "Amara"} for kind in INCIDENTS],
    "answers": 4,
    "least": 3,
    "felt": {question: (2, 1, 1, 0) for question in QUESTIONS},
    "noted": False,
}
NO_SUMMARY = {
    **SUMMARY,
    "session": {**SUMMARY["session"], "group": "", "opened": "", "ended": ""},
    **{name: [] for name in ("attended", "cards", "concerns", "incidents")},
    "answers": 0,
    "felt": None,
}
PULSE = {
    "asked": True,
    "thanked": False,
    "felt_low": False,
    "resources": [{"id": "r1", "title": "Calm breathing", "language": "en"}],
}
PULSES: dict[str, dict[str, Any]] = {
    "asked": {},
    "one missing": {"chosen": {"heard": "4"}, "missing": "respected", "fault": "No."},
    "thanked": {"asked": False, "thanked": True, "resources": []},
    "needs somebody": {"asked": False, "thanked": True, "felt_low": True},
}
NO_LICENCES = {**LICENCES, "licences": [], "may_record": False}
INVITATION = {"link": "https://h/join#A", "code": "A", "pin": "1", "name": "Ines", "qr": "data:,", "me": ME}

SIGN_IN = {"next": "/staff", "shared": False, "shared_minutes": 5, "ended": ""}
FACTORS = {
    "none": Factors(),
    "phone": Factors(authenticator=True),
    "phone and sheet": Factors(authenticator=True, codes=7, sheet=True),
    "sheet": Factors(codes=1, sheet=True),
    "sheet used up": Factors(sheet=True),
    "all": Factors(authenticator=True, codes=10, sheet=True, passkeys=2),
}
SITE = {"passkey_site": True, "named": "https://hearth.local"}
NUMBER = {"passkey_site": False, "named": "https://hearth.local"}
SECOND = {"next": "/staff", "shared": True, "factors": FACTORS["phone and sheet"], "clock_wrong": False, **SITE}
PASSKEY = {"id": "k1", "label": "blue key", "host": "hearth.local", "since": "10:00", "used": ""}
KEY = {**SITE, "secret": "ABCD EFGH", "otpauth": "otpauth://totp/x", "qr": '<svg viewBox="0 0 1 1"></svg>'}
CODES = {"codes": ["ABCDE-FGHJK"], "name": "Amara", "username": "amara", "confirm": "", "next": "/staff", "me": ME}
PLACE = {"id": "l1", "console": False, "since": "10:00", "address": "10.0.0.1", "shared": True, "here": True}
ACCOUNT = {
    "me": ME,
    "username": "amara",
    "factors": FACTORS["phone"],
    "passkeys": [],
    **SITE,
    "places": [PLACE, {**PLACE, "id": "l2", "console": True, "address": "", "here": False, "shared": False}],
    "tries": 0,
    "done": "",
}
DONE = ("password", "authenticator", "removed", "ended", "passkey")

ENTRY = {
    **{"sequence": 7, "at": "10:00", "who": "Amara", "role": "facilitator", "action": "admit", "whom": "Ines"},
    **{"session": "10:00", "thing": "x", "surface": "portal", "address": "10.0.0.1", "done": True, "outcome": ""},
    **{"code": "done", "times": 1, "hash": "ab", "previous": "cd"},
}
REFUSED = {**ENTRY, "sequence": 6, "who": "", "session": "", "done": False, "outcome": "No.", "times": 3}
FIELDS = ("who", "what", "whom", "where", "outcome", "since", "until")
AUDIT: dict[str, Any] = {
    **{"me": ME, "entries": [ENTRY, REFUSED], "older": 6, "newer": True, "filtered": True, "verified": None},
    **{
        "staff": [("p1", "Amara")],
        "everybody": [("p2", "Ines")],
        "actions": policy.ACTIONS,
        "query": {"what": "admit"},
    },
    "asked": {**dict.fromkeys(FIELDS, ""), "what": "admit"},
}
WHOLE = {"size": 7, "signed": 7, "root": "ab", "findings": []}
TROUBLES = [
    Finding(what, 1, last, source) for what in get_args(What) for last in (1, 3) for source in ("", "checkpoint")
]
COLLEAGUE = {
    **{"id": "p1", "name": "Ines", "username": "ines", "role": "operator", "retired": False, "first": False},
    **{"here": 1, "since": "10:00", "own": False},
}
RETIRED = {**COLLEAGUE, "retired": True, "here": 0, "since": ""}
GIVEN = {"name": "", "username": "", "role": "auditor"}

LEAD = {**ME, "role": "clinical_lead"}
NOTE_LINE = {
    "id": "n1",
    "title": "<i>",
    "subject": "Rosa",
    "author": "Amara",
    "at": "Monday",
    "versions": 2,
    "damaged": False,
    "found": (("a", False), ("b", True)),
}
NOTICE = {"id": "g1", "kind": "opened", "who": "Vera", "group": "G", "subject": "Rosa", "at": "Monday", "reason": "<r>"}
NOTICES = [
    {**NOTICE, "read": [{"id": "n1", "version": 1, "at": "Monday"}]},
    {**NOTICE, "reason": None, "read": [], "subject": ""},
    {**NOTICE, "kind": "recovered", "read": []},
]
CARE_GROUP = {"id": "c1", "name": "Tuesday", "people": [("p1", "Rosa"), ("p2", "Tom")]}
NOTES: dict[str, Any] = {
    "me": LEAD,
    "groups": [{"id": "c1", "name": "Tuesday"}],
    "group": None,
    "person": None,
    "session": "",
    "notes": [NOTE_LINE, {**NOTE_LINE, "title": None, "subject": "", "versions": 1, "damaged": True, "found": ()}],
    "older": 7,
    "notices": NOTICES,
    "waiting": 2,
    "closed": ["Tuesday"],
    "old_key": False,
    "recovery": "none",
}
NO_NOTES = {**NOTES, "notes": [], "older": 0, "notices": [], "waiting": 0, "closed": [], "recovery": "there"}
HISTORY = [{"version": 2, "at": "Monday", "author": "Amara"}, {"version": 1, "at": "Sunday", "author": "Ines"}]
NOTE = {
    "id": "n1",
    "title": "",
    "text": "<b>\nnext line",
    "version": 2,
    "versions": 2,
    "group": {"id": "c1", "name": "Tuesday"},
    "subject": "Rosa",
    "subject_id": "p1",
    "author": "Amara",
    "at": "Monday",
    "history": HISTORY,
}
NOTE_FORM: dict[str, Any] = {
    "me": ME,
    "about": {"group": "Tuesday", "subject": "Rosa"},
    "typed": {"title": "<t>", "text": "<b>", "base": "1", "newest": "2"},
    "where": {"group": "c1", "session": "", "person": "p1"},
    "max_text": 65536,
    "max_title": 120,
    "note": "",
}
NEW_VERSION = {**NOTE_FORM, "where": None, "note": "n1"}
RESULTS = {"notes": [NOTE_LINE], "more": 7, "building": True, "cut": True, "indexed": 3, "total": 9}
WAITER = {
    "group": "c1",
    "group_name": "Tuesday",
    "holder": "p9",
    "name": "Ines",
    "recovery": False,
    "key": "ab",
    "mark": "ab12 cd34",
    "since": "Monday",
}
LEADS = {"usable": True, "hq": "none", "lacking": [WAITER], "leads": [{**WAITER, "holder": "p8"}]}
ACCESS: dict[str, Any] = {
    "me": LEAD,
    "waiters": [WAITER, {**WAITER, "holder": "recovery", "recovery": True}],
    "closed": ["Tuesday"],
    "old_key": False,
    "recovery": "there",
    "leads": LEADS,
}
NOBODY_WAITS = {**ACCESS, "waiters": [], "closed": [], "old_key": True, "recovery": "lost"}
BEHIND = {
    "id": "c1",
    "name": "Tuesday",
    "clinicians": ["Amara", "Ines"],
    "notes": [
        {"id": "p1", "name": "Rosa", "count": 2, "last": "Monday"},
        {"id": "", "name": "", "count": 1, "last": "Monday"},
    ],
}
GLASS: dict[str, Any] = {
    "me": LEAD,
    "groups": [BEHIND],
    "opened": [{"id": "g1", "group": "Tuesday", "subject": ""}],
    "typed": {"about": "c1.p1", "reason": "<r>"},
}
CARE: dict[str, Any] = {
    "id": "c1",
    "name": "Tuesday",
    "clinicians": [{"id": "p1", "name": "Amara"}],
    "unopened": True,
    "others": [{"id": "p2", "name": "Ines"}],
    "people": ["Rosa"],
}
NO_CARE: dict[str, Any] = {**CARE, "unopened": False, "clinicians": [], "others": [], "people": []}
MINUTES = {"day": "5 Jan", "start": "10:00", "name": "Rosa", "minutes": 52}
RETURNED: dict[str, Any] = {
    "me": {**ME, "role": "clinical_lead"},
    "boxes": 1,
    "total": 412,
    "shares": 1,
    "sessions": [
        {
            "whole": True,
            "box": "1dc69106",
            "day": "Nov 22, 2026",
            "start": "2:00 PM",
            "expected": 8,
            "withheld": 1,
            "visits": (Visit("03af91", True, 52), Visit("99bc01", False, 47)),
        },
        {"whole": False, "box": "1dc69106"},
    ],
    "earlier": 50,
    "later": 0,
}
BILLING: dict[str, Any] = {
    "returned": True,
    "me": {**ME, "role": "billing"},
    "month": "2026-01",
    "months": [("2026-01", "January 2026")],
    "rows": [MINUTES],
    "cut": True,
}

PATIENT = {"id": "p1", "name": "<i>Rosa", "since": "5 Jan", "archived": False, "phrase": "blue <b>heron"}
APPOINTMENT = {"session": "s1", "title": "Tuesday", "starts": "10:00", "state": "open", "opened": True}
PATIENTS = {
    **{"me": ME, "people": [{"id": "p1", "name": "Rosa"}], "query": "", "archived": False},
    **{"page": 1, "pages": 1, "count": 1},
}
PERSON = {
    **{"me": ME, "person": PATIENT, "typed": "Rosa", "coming": [APPOINTMENT], "done": "", "why": ""},
    **{"blocks": [], "may_unblock": False},
    "past": [{**APPOINTMENT, "state": "ended"}, {**APPOINTMENT, "state": "ended", "opened": False}],
}
PLANNED: dict[str, Any] = {
    **{"id": "s1", "title": "Tuesday", "starts": "10:00", "state": "scheduled", "opened": False},
    **{"leaders": "Amara", "expected": 2, "without": 1},
}
PLANS: dict[str, Any] = {"me": ME, "sessions": [PLANNED, {**PLANNED, "state": "open"}], "people": 3, "done": ""}
PLANS["count"] = 0
PLAN: dict[str, Any] = {
    **{"me": ME, "session": PLANNED, "leaders": [{"name": "Amara Osei", "shown": "Amara"}], "asked": "", "done": ""},
    "people": [{"id": "p1", "name": "Rosa", "invited": True}, {"id": "p2", "name": "Tom", "invited": False}],
    "invited": 1,
}
PLAN_FORM: dict[str, Any] = {
    "me": ME,
    "session": None,
    "given": Typed(title="<t>", day="2026-01-05", time="10:00", group="c1"),
    "groups": [{"id": "c1", "name": "Tuesday"}],
    "leaders": [{"id": "p8", "name": "Amara", "ticked": True, "shown": "A"}],
    "ticked": [{"id": "p1", "name": "Rosa"}],
    "others": [{"id": "p2", "name": "Tom"}],
    **{"more": 7, "everybody": 60, "most": 16, "most_times": 26, "most_title": 120, "most_name": 40, "why": ""},
}
NOTHING_TO_PLAN = {**PLAN_FORM, "groups": [], "leaders": [], "ticked": [], "others": [], "more": 0, "everybody": 0}
INVITE = {"me": ME, "session": {"id": "s1", "title": "Tuesday"}, "starts": "10:00"}
ISSUED = [{"member": f"m{n}", "name": "Rosa", "code": "ABCD-EFGH", "pin": "123456"} for n in (1, 2)]

# Every page in every state that changes its markup. The context is the least that a page may be given.
BODY = ({"heading": "", "paragraphs": ("a", "b")}, {"heading": "What I promise", "paragraphs": ("<c>",)})
TEXT = {"title": "T", "sections": BODY, "language": "en"}
AGREEMENT: dict[str, Any] = {
    **{"way": {"now": 2, "all": 6}, "wanted": "first", "last": "5 January", "text": TEXT, "version": 1, "shown": "ab"},
    "parts": [{"name": name, **TEXT} for name in PARTS],
    "sent": Signing("", "", False, False, False),
}
SIGNED = {
    "text": TEXT,
    "version": 1,
    "typed": "<b>Rosa",
    "at": "5 Jan",
    "digest": "ab",
    "parts": [{**TEXT, "at": "5 Jan"}],
}
ASKED: dict[str, Any] = {
    **{"id": "q1", "name": "<b>Rosa", "group": "Tuesday", "text": ["May I", "<i>listen?"], "asked": "5 Jan"},
    **{"answer": [], "answered": "", "by": "", "new": False},
}
ANSWER = {**ASKED, "id": "q2", "answer": ["Yes."], "answered": "6 Jan", "by": "Amara", "new": True}
BOX: dict[str, Any] = {"questions": [], "may_ask": True, "most": 600, "typed": ""}
DESK: dict[str, Any] = {"me": ME, "open": [], "answered": [], "at": "", "typed": "", "most": 1500, "done": ""}
GROUP_CARD: dict[str, Any] = {
    **{"me": ME, "group": {"id": "c1", "name": "Tuesday"}, "kind": "guidelines", "most": {"title": 80, "body": 1500}},
    **{"at": "", "preview": None, "done": ""},
    "versions": [
        {"language": code, "own_name": name, "title": "T", "body": "a", "own": own, "by": "A", "at": "5 Jan", "base": 3}
        for code, name, own in (("en", "English", True), ("es", "Español", False))
    ],
}
ROUND: dict[str, Any] = {
    **{"cards": [(kind, "T") for kind in KINDS_OF_CARDS], "may_edit": True, "may_renew": True},
    **{"cycle": 1, "began": "", "asked": 3, "signed": 2},
}

ENDING = [(kind, "January 1, 2036") for kind in get_args(ends.Kind)]
AUTHORITY = {"name": "Hearth box ab12cd", "groups": ["AB CD EF 01"] * 8, "ends": "January 1, 2036"}

PAGES: dict[str, tuple[str, dict[str, Any]]] = {
    "home": ("home.html", {}),
    "protected": ("protected.html", {}),
    "being set up": ("being_set_up.html", {}),
    **{f"trust, {one}": ("trust.html", {"device": one, "authority": AUTHORITY}) for one in trust.DEVICES},
    "trust, before there is anything": ("trust.html", {"device": "android", "authority": None}),
    "guides": ("guides.html", {"lessons": [("pins", "PINs and passwords")]}),
    **{
        f"guide, {address}": (f"guide_{address.replace('-', '_')}.html", {"title": title})
        for address, title in guides.guides(str).items()
    },
    "join": ("join.html", {"code": ""}),
    "join, again": ("join.html", {"code": "", "known": False, "again": True}),
    "join, known": ("join.html", {"code": "", "known": True}),
    "join, wrong": ("join.html", {"code": "A", "fault": "No."}),
    "name": ("name.html", {"way": {"now": 1, "all": 6}, "display_name": "", "before": False}),
    "name, of the last time": ("name.html", {"way": {"now": 1, "all": 4}, "display_name": "<b>J", "before": True}),
    "name, wrong": ("name.html", {"way": {}, "display_name": "", "before": False, "fault": "No."}),
    **{
        f"agreement{when}": ("agreement.html", {**AGREEMENT, "wanted": wanted})
        for when, wanted in (("", "first"), (", new", "version"), (", round", "cycle"), (", parts", "parts"))
    },
    "agreement, looked at": ("agreement.html", {**AGREEMENT, "way": {}, "wanted": ""}),
    "agreement, not ticked": ("agreement.html", {**AGREEMENT, "fault": "No.", "fault_field": "agree"}),
    "agreement, not understood": ("agreement.html", {**AGREEMENT, "fault": "No.", "fault_field": "risks"}),
    "agreement, not signed": ("agreement.html", {**AGREEMENT, "fault": "No."}),
    "agreement, changed": ("agreement.html", {**AGREEMENT, "fault": "No.", "fault_code": "forged"}),
    "signed": ("signed.html", SIGNED),
    "signed, nothing": ("signed.html", {"text": None}),
    "orientation": ("orientation.html", {"way": {"now": 3, "all": 6}, "leader": "<b>Mara", **BOX}),
    "orientation, asked": ("orientation.html", {"way": {}, "leader": "Mara", **BOX, "questions": [ASKED, ANSWER]}),
    "questions": ("questions.html", {**BOX, "questions": [ASKED, ANSWER], "asked": True, "over": False}),
    "questions, none": ("questions.html", {**BOX, "asked": False, "over": False}),
    "questions, wrong": ("questions.html", {**BOX, "typed": "<", "asked": False, "over": False, "fault": "No."}),
    "questions, full": ("questions.html", {**BOX, "may_ask": False, "asked": False, "over": False}),
    "questions, over": ("questions.html", {**BOX, "may_ask": False, "asked": False, "over": True}),
    "staff questions": ("staff_questions.html", {**DESK, "open": [ASKED], "answered": [ANSWER], "done": "answered"}),
    "staff questions, none": ("staff_questions.html", DESK),
    "staff questions, wrong": ("staff_questions.html", {**DESK, "open": [ASKED], "at": "q1", "fault": "No."}),
    "group card": ("group_card.html", GROUP_CARD),
    "group card, looked at": ("group_card.html", {**GROUP_CARD, "at": "en", "preview": ("T", ("a", "b"))}),
    "group card, kept": ("group_card.html", {**GROUP_CARD, "done": "kept"}),
    "group card, reset": ("group_card.html", {**GROUP_CARD, "done": "reset"}),
    "group card, wrong": ("group_card.html", {**GROUP_CARD, "at": "es", "fault": "No."}),
    "group card, meanwhile": (
        "group_card.html",
        {**GROUP_CARD, "at": "es", "fault": "No.", "fault_code": "wrong_state"},
    ),
    "devices": ("devices.html", {"way": {"now": 5, "all": 6}}),
    "devices, shared": ("devices.html", {"way": {}, "shared": True}),
    "space": ("space.html", {"way": {"now": 6, "all": 6}}),
    "room, waiting": ("room.html", ROOM),
    "room, waiting for long": (
        "room.html",
        {
            **ROOM,
            "unread": 2,
            "wait": {
                **WAIT,
                "minutes": 4,
                "message": {"text": "<b> soon", "at": "2026-11-22T10:05:00Z"},
                "messageTime": "10:05",
                "phraseAsked": True,
                "longer": True,
                "said": "locked",
            },
        },
    ),
    "room, phrase given": (
        "room.html",
        {
            **ROOM,
            "wait": {**WAIT, "minutes": 1, "phraseAsked": True, "phraseGiven": True, "said": "begun"},
            "phrase_fault": "bad_request",
        },
    ),
    "room, inside": ("room.html", {**ROOM, "mode": "room", "standing": "admitted"}),
    **{
        f"over, {why}": ("over.html", {"why": why})
        for why in ("denied", "removed", "ended", "cancelled", "missed", "left", "gone")
    },
    "sign in": ("sign_in.html", SIGN_IN),
    "sign in, wrong": ("sign_in.html", {**SIGN_IN, "username": "amara", "fault": "No."}),
    "sign in, not my device": ("sign_in.html", {**SIGN_IN, "shared": True, "username": "amara", "fault": "No."}),
    "sign in, ended": ("sign_in.html", {**SIGN_IN, "ended": "idle"}),
    "sign in, ended long ago": ("sign_in.html", {**SIGN_IN, "ended": "long"}),
    **{
        f"second, {what}": ("second.html", {**SECOND, "shared": False, "factors": factors})
        for what, factors in FACTORS.items()
    },
    "second, wrong": ("second.html", {**SECOND, "fault": "No."}),
    "second, wrong clock": ("second.html", {**SECOND, "clock_wrong": True}),
    "second, by number": ("second.html", {**SECOND, **NUMBER, "factors": FACTORS["all"]}),
    "new password": ("new_password.html", {"next": "/staff"}),
    "new password, wrong": ("new_password.html", {"next": "/staff", "fault": "No."}),
    "set up": ("set_up.html", {**KEY, "next": "/staff"}),
    "set up, by number": ("set_up.html", {**KEY, **NUMBER, "next": "/staff"}),
    "set up, wrong": ("set_up.html", {**KEY, "next": "/staff", "fault": "No."}),
    "codes": ("codes.html", CODES),
    "codes, to confirm": ("codes.html", {**CODES, "confirm": "/staff/sign-in/set-up/codes/confirm"}),
    "codes, wrong": ("codes.html", {**CODES, "codes": [], "confirm": "/staff/sign-in/x", "fault": "No."}),
    **{f"account, {what}": ("account.html", {**ACCOUNT, "factors": factors}) for what, factors in FACTORS.items()},
    **{f"account, {done} done": ("account.html", {**ACCOUNT, "done": done}) for done in DONE},
    "account, passkeys": (
        "account.html",
        {**ACCOUNT, "passkeys": [PASSKEY, {**PASSKEY, "id": "k2", "used": "11:00"}]},
    ),
    "account, certificates end": (
        "account.html",
        {**ACCOUNT, "factors": next(iter(FACTORS.values())), "ending": ENDING},
    ),
    "account, by number": ("account.html", {**ACCOUNT, **NUMBER, "named": ""}),
    "passkeys": ("passkeys.html", {"me": ME, **SITE}),
    "passkeys, wrong": ("passkeys.html", {"me": ME, **SITE, "fault": "No."}),
    "account, told": ("account.html", {**ACCOUNT, "tries": 3, "fault": "No."}),
    "again": ("again.html", {"me": ME, "username": "amara", "next": "/staff/account"}),
    "again, wrong": ("again.html", {"me": ME, "username": "amara", "next": "/staff/account", "fault": "No."}),
    "password": ("password.html", {"me": ME, "username": "amara"}),
    "password, wrong": ("password.html", {"me": ME, "username": "amara", "fault": "No."}),
    "authenticator": ("authenticator.html", {**KEY, "me": ME}),
    **{f"new codes, {what}": ("new_codes.html", {"me": ME, "factors": factors}) for what, factors in FACTORS.items()},
    "sessions": ("sessions.html", {"sessions": [CARD, {**CARD, "state": "ended"}], "me": ME}),
    "today, asked": ("sessions.html", {"sessions": [CARD], "questions": 2, "me": ME}),
    "sessions, licences": (
        "sessions.html",
        {
            "sessions": [],
            "me": ME,
            "licences": [{"name": "<i>", "ends": "5 Jan", "state": one} for one in ("soon", "expired")],
        },
    ),
    "sessions, none": ("sessions.html", {"sessions": [], "me": ME}),
    "sessions, later": ("sessions.html", {"sessions": [], "later": [CARD], "may_plan": True, "me": ME}),
    "session": ("session.html", STAFF_ROOM),
    "session, scheduled": ("session.html", {**STAFF_ROOM, "session": {**SESSION, "state": "scheduled"}, **NOBODY}),
    "session, front desk": ("session.html", {**STAFF_ROOM, "actions": ("see", *FRONT_DESK)}),
    "invitation": ("invitation.html", INVITATION),
    "invitation, paper": ("invitation.html", {**INVITATION, "session_id": "s1", "member_id": "m1"}),
    "invitation, lost device": ("invitation.html", {**INVITATION, "rejoin": True, "address": "https://h/join"}),
    "private word": ("aside.html", {**ASIDE, "ws": "/join/ws?at=s2", "facilitator_page": False}),
    "private word, who leads": (
        "aside_lead.html",
        {**ASIDE, "ws": "/staff/sessions/s2/ws", "facilitator_page": True, "with_group": ""},
    ),
    "private word, with another at the group": (
        "aside_lead.html",
        {**ASIDE, "ws": "/staff/sessions/s2/ws", "facilitator_page": True, "with_group": "Hal <b>"},
    ),
    "lost device": ("rejoin.html", {"me": ME, "session_id": "s1", "member": "m1", "name": "Ines"}),
    "staff": (
        "people.html",
        {
            "me": ME,
            "to_appoint": [
                {"name": "Noor", "username": "noor", "role": "operator", "link": "/staff/people/new?name=Noor"}
            ],
            "wished": {COLLEAGUE["id"]: "operator"},
            "back": [RETIRED["id"]],
            "working": [COLLEAGUE],
            "retired": [RETIRED],
            "done": "ended",
        },
    ),
    "staff, one": (
        "people.html",
        {
            "me": ME,
            "to_appoint": [],
            "wished": {},
            "back": [],
            "working": [{**COLLEAGUE, "own": True}],
            "retired": [],
            "done": "retired",
        },
    ),
    "colleague": ("person.html", {"me": ME, "person": COLLEAGUE, "asked": "", **LICENCES}),
    "colleague, oneself": ("person.html", {"me": ME, "person": {**COLLEAGUE, "own": True}, "asked": "", **NO_LICENCES}),
    "colleague, cannot": ("person.html", {"me": ME, "person": COLLEAGUE, "asked": "", "fault": "No.", **LICENCES}),
    "colleague, retired": ("person.html", {"me": ME, "person": RETIRED, "asked": "", **NO_LICENCES}),
    **{
        f"colleague, licence without {field}": (
            "person.html",
            {"me": ME, "person": COLLEAGUE, "asked": "", "fault": "No.", **LICENCES, "licence_fault": field},
        )
        for field in ("name", "ends_on")
    },
    "help": ("help.html", {}),
    "concern": ("concern.html", CONCERN),
    "concern, told": ("concern.html", {**CONCERN, "done": True, "raised": RAISED}),
    "concern, nothing chosen": ("concern.html", {**CONCERN, "fault": "No.", "fault_code": "bad_request"}),
    "concern, too long": (
        "concern.html",
        {**CONCERN, "chosen": "other", "typed": "<", "fault": "No.", "fault_code": "too_large"},
    ),
    "concern, enough": (
        "concern.html",
        {**CONCERN, "chosen": "other", "raised": RAISED, "fault": "No.", "fault_code": "wrong_state"},
    ),
    "concerns": ("concerns.html", {"me": ME, "open": OPEN_CONCERNS, "handled": [], "done": False}),
    "concerns, looked after": (
        "concerns.html",
        {
            "me": ME,
            "open": [],
            "handled": [{**one, "seen": "today", "by": "<i>"} for one in OPEN_CONCERNS],
            "done": True,
        },
    ),
    "concerns, none": ("concerns.html", {"me": ME, "open": [], "handled": [], "done": False}),
    "incident": ("incident.html", INCIDENT),
    "incident, nothing chosen": ("incident.html", {**INCIDENT, "fault": "No.", "chosen": {"kind": "", "member": "m2"}}),
    "summary": ("summary.html", SUMMARY),
    "summary, few answers": ("summary.html", {**SUMMARY, "answers": 2, "felt": None, "noted": True}),
    "summary, nothing": ("summary.html", NO_SUMMARY),
    **{
        f"over, ended, {name}": ("over.html", {"why": "ended", "shared": False, **PULSE, **more})
        for name, more in PULSES.items()
    },
    "help, nobody noted": ("help.html", {"emergency": ()}),
    "on call": (
        "on_call.html",
        {"me": ME, "lists": CALLS, "most": MOST, "done": True, "fault_list": "", "fault_row": 0},
    ),
    "on call, none": (
        "on_call.html",
        {
            "me": ME,
            "lists": [{**one, "contacts": (), "may": False, "rows": []} for one in CALLS],
            "most": MOST,
            "done": False,
            "fault_list": "",
            "fault_row": 0,
        },
    ),
    **{
        f"on call, unfit line {row}": (
            "on_call.html",
            {
                "me": ME,
                "lists": CALLS,
                "most": MOST,
                "done": False,
                "fault_list": "on_call",
                "fault_row": row,
                "fault": "No.",
            },
        )
        for row in (1, 9)
    },
    "colleague, retire": ("person.html", {"me": ME, "person": COLLEAGUE, "asked": "retire"}),
    "colleague, begin anew": ("person.html", {"me": ME, "person": RETIRED, "asked": "reset"}),
    "appoint": ("new_account.html", {"me": ME, "given": GIVEN, "roles": ("operator", "auditor")}),
    "appoint, wrong": ("new_account.html", {"me": ME, "given": GIVEN, "roles": ("operator",), "fault": "No."}),
    **{
        f"account made, {new}": (
            "account_made.html",
            {"me": ME, "name": "Ines", "username": "ines", "password": "a-b", "new": new},
        )
        for new in (True, False)
    },
    "notes": ("notes.html", NOTES),
    "notes, none": ("notes.html", {**NO_NOTES, "me": ME}),
    "notes, of no group": ("notes.html", {**NO_NOTES, "groups": [], "old_key": True}),
    "notes, recovery lost": ("notes.html", {**NO_NOTES, "recovery": "lost"}),
    "notes, of a group": ("notes.html", {**NOTES, "group": CARE_GROUP, "session": "s1"}),
    "notes, of a person": ("notes.html", {**NOTES, "group": CARE_GROUP, "person": {"id": "p1", "name": "Rosa"}}),
    "note": ("note.html", {"me": ME, "note": NOTE, "base": "/staff/notes"}),
    "note, older": ("note.html", {"me": ME, "note": {**NOTE, "version": 1}, "base": "/staff/notes"}),
    "note, in an emergency": ("note.html", {"me": LEAD, "note": NOTE, "base": "/staff/notes/e/g1", "glass": True}),
    "note, new": ("note_form.html", NOTE_FORM),
    "note, empty": ("note_form.html", {**NOTE_FORM, "fault": "No.", "fault_code": "note_empty"}),
    "note, signed out": ("note_form.html", {**NOTE_FORM, "me": None, "fault": "No.", "fault_code": "not_signed_in"}),
    "note, signed in again": ("note_form.html", {**NOTE_FORM, "fault": "No.", "fault_code": "forged"}),
    "note, new version": ("note_form.html", NEW_VERSION),
    "note, changed meanwhile": ("note_form.html", {**NEW_VERSION, "fault": "No.", "fault_code": "note_changed"}),
    "note search": ("note_search.html", {"me": ME, "query": "", "results": None}),
    "note search, found": ("note_search.html", {"me": ME, "query": "a", "results": RESULTS}),
    "note search, nothing": (
        "note_search.html",
        {"me": ME, "query": "a", "results": {**RESULTS, "notes": [], "building": False, "cut": False}},
    ),
    "notes key": ("notes_key.html", {"me": ME, "next": "/staff/notes"}),
    "notes key, wrong": ("notes_key.html", {"me": ME, "next": "/staff/notes", "fault": "No."}),
    "note access": ("note_access.html", ACCESS),
    "note access, shared": ("note_access.html", {**NOBODY_WAITS, "leads": {**LEADS, "hq": "there"}}),
    "note access, other": ("note_access.html", {**NOBODY_WAITS, "leads": {**LEADS, "hq": "other"}}),
    "note access, lost": ("note_access.html", {**NOBODY_WAITS, "leads": {**LEADS, "usable": False}}),
    "note access, none": ("note_access.html", {**NOBODY_WAITS, "me": ME, "leads": None, "fault": "No."}),
    "glass": ("glass.html", GLASS),
    "glass, no reason": ("glass.html", {**GLASS, "opened": [], "fault": "No."}),
    "glass, nothing": ("glass.html", {**GLASS, "groups": [], "opened": []}),
    "glass notes": (
        "glass_notes.html",
        {
            "me": LEAD,
            "glass": {"id": "g1", "group": "Tuesday", "subject": "Rosa"},
            "notes": [NOTE_LINE],
            "older": 7,
            "base": "/staff/notes/emergency/g1",
        },
    ),
    "care groups": ("care_groups.html", {"me": LEAD, "may_change": True, "name": "", "groups": [CARE, NO_CARE]}),
    "care groups, none": (
        "care_groups.html",
        {"me": LEAD, "may_change": True, "name": "x", "groups": [], "fault": "No."},
    ),
    "care group": ("care_group.html", {"me": LEAD, "may_change": True, "own": False, "group": CARE, **ROUND}),
    "care group, own": (
        "care_group.html",
        {"me": ME, "may_change": False, "own": True, "group": NO_CARE, **ROUND, "cycle": 2, "began": "5 Jan"},
    ),
    "care group, looked at": (
        "care_group.html",
        {"me": ME, "may_change": False, "own": False, "group": CARE, **ROUND, "may_edit": False, "may_renew": False},
    ),
    "attendance": ("attendance.html", BILLING),
    "attendance, none": ("attendance.html", {**BILLING, "rows": [], "cut": False, "returned": False}),
    "returned": ("returned.html", RETURNED),
    "returned, none": ("returned.html", {**RETURNED, "total": 0, "sessions": []}),
    "audit": ("audit.html", AUDIT),
    "audit, empty": ("audit.html", {**AUDIT, "entries": [], "older": 0, "newer": False, "filtered": False}),
    "audit, nothing fits": ("audit.html", {**AUDIT, "entries": [], "fault": "No."}),
    "audit, whole": ("audit.html", {**AUDIT, "verified": WHOLE}),
    "audit, broken": ("audit.html", {**AUDIT, "verified": {**WHOLE, "findings": TROUBLES}}),
    "audit entry": ("audit_entry.html", {"me": ME, "entry": ENTRY}),
    "audit entry, refused": ("audit_entry.html", {"me": ME, "entry": REFUSED}),
    "patients": ("patients.html", PATIENTS),
    "patients, none": ("patients.html", {**PATIENTS, "people": [], "count": 0}),
    "patients, pages": ("patients.html", {**PATIENTS, "page": 2, "pages": 3}),
    "patients, found": ("patients.html", {**PATIENTS, "query": "<q>", "page": 2, "pages": 3}),
    "patients, not found": ("patients.html", {**PATIENTS, "query": "x", "people": [], "count": 0}),
    "patients, archived": ("patients.html", {**PATIENTS, "archived": True}),
    "patients, none archived": ("patients.html", {**PATIENTS, "archived": True, "people": [], "count": 0}),
    "enrol": ("new_patient.html", {"me": ME, "name": "", "phrase": "", "sure": "", "namesakes": [], "why": ""}),
    "enrol, wrong": (
        "new_patient.html",
        {"me": ME, "name": "", "phrase": "", "sure": "", "namesakes": [], "why": "name", "fault": "No."},
    ),
    "enrol, long phrase": (
        "new_patient.html",
        {
            "me": ME,
            "name": "Rosa",
            "phrase": "x" * 81,
            "sure": "",
            "namesakes": [],
            "why": "long_phrase",
            "fault": "No.",
        },
    ),
    "enrol, namesakes": (
        "new_patient.html",
        {
            **{"me": ME, "name": "Rosa", "phrase": "blue", "sure": "rosa", "why": ""},
            "namesakes": [
                {"id": "p1", "since": "5 Jan", "archived": False},
                {"id": "p2", "since": "x", "archived": True},
            ],
        },
    ),
    "patient": ("patient.html", PERSON),
    **{
        f"patient, {done}": ("patient.html", {**PERSON, "coming": [], "past": [], "done": done})
        for done in ("enrolled", "corrected", "archived", "back", "phrase", "unblocked")
    },
    **{
        f"patient, blocked {why}, {may}": (
            "patient.html",
            {
                **PERSON,
                "blocks": [{"group": "g1", "name": "Tuesday", "why": why, "since": "5 Jan"}],
                "may_unblock": may,
            },
        )
        for why in ("", "recording")
        for may in (True, False)
    },
    "patient, archived": ("patient.html", {**PERSON, "person": {**PATIENT, "archived": True}}),
    **{
        f"patient, wrong {why}": ("patient.html", {**PERSON, "why": why, "fault": "No."})
        for why in ("name", "expected", "long_phrase")
    },
    "planned": ("planned.html", PLANS),
    "planned, none": ("planned.html", {**PLANS, "sessions": []}),
    "planned, nobody": ("planned.html", {**PLANS, "sessions": [], "people": 0}),
    "planned, done": ("planned.html", {**PLANS, "done": "planned", "count": 3}),
    "planned, cancelled": ("planned.html", {**PLANS, "done": "cancelled"}),
    "plan": ("planned_session.html", PLAN),
    "plan, open": ("planned_session.html", {**PLAN, "session": {**PLANNED, "state": "open"}, "done": "changed"}),
    "plan, cancelled": ("planned_session.html", {**PLAN, "session": {**PLANNED, "state": "ended"}, "people": []}),
    "plan, to cancel": ("planned_session.html", {**PLAN, "asked": "cancel"}),
    "plan, cannot": ("planned_session.html", {**PLAN, "fault": "No."}),
    "plan form": ("plan_form.html", PLAN_FORM),
    "plan form, nothing there": ("plan_form.html", NOTHING_TO_PLAN),
    "plan form, changed": ("plan_form.html", {**PLAN_FORM, "session": {"id": "s1", "title": "Tuesday"}}),
    "plan form, found nobody": (
        "plan_form.html",
        {**PLAN_FORM, "given": Typed(find="x"), "others": [], "more": 0},
    ),
    **{
        f"plan form, wrong {why}": ("plan_form.html", {**PLAN_FORM, "why": why, "fault": "No."})
        for why in (*get_args(Unfit), "")
    },
    "invite": ("invite.html", {**INVITE, "have": 2, "missing": 1}),
    "invite, all again": ("invite.html", {**INVITE, "have": 1, "missing": 0}),
    "invitations": ("invitations.html", {**INVITE, "issued": ISSUED, "address": "https://h/join"}),
    "problem": ("problem.html", {"status": 503, "sentence": "No.", "code": "relay_away"}),
    "problem, not found": ("problem.html", {"status": 404, "sentence": "No.", "code": "not_found"}),
}


def catalogue(language: str) -> Catalog:
    with (PORTAL / "locale" / language / "LC_MESSAGES" / "portal.po").open("rb") as file:
        return pofile.read_po(file, locale=language)


def environment(language: str) -> jinja2.Environment:
    """The portal's own, with the catalogue from the source file, so that nothing has to be compiled before."""
    compiled = io.BytesIO()
    mofile.write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return pages.environment(Translations(compiled))


ENVIRONMENTS = {language: environment(language) for language in LANGUAGES}


def render(page: str, language: str = "en", **more: Any) -> str:
    template, context = PAGES[page]
    base = {
        "lang": language,
        "dir": "ltr",
        "clinic": "Willow House",
        "phone": "+1 555 010 0199",
        "emergency": EMERGENCY,
        "look": Look(),
        "csrf": "the-word",
        "path": "/",
        "languages": (("en", "English"), ("es", "Español")),
        "fault": None,
    }
    return ENVIRONMENTS[language].get_template(template).render({**base, **context, **more})


class Elements(HTMLParser):
    """All elements of a page in order, each with the form that is open around it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.all: list[tuple[str, dict[str, str], int]] = []
        self._form = 0
        self._forms = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self._forms += 1
            self._form = self._forms
        self.all.append((tag, {name: value or "" for name, value in attrs}, self._form))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = 0

    def of(self, *tags: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes, _ in self.all if tag in tags]


every_page = pytest.mark.parametrize("page", PAGES)
every_language = pytest.mark.parametrize("language", LANGUAGES)


@every_page
@every_language
def test_every_page_renders_with_the_least_it_may_be_given(page: str, language: str) -> None:
    text = render(page, language)
    assert text.lstrip().startswith("<!doctype html>")
    assert f'<html lang="{language}" dir="ltr">' in text


@every_page
def test_no_page_has_script_style_or_handlers_of_its_own(page: str) -> None:
    elements = Elements(render(page))
    for tag, attributes, _ in elements.all:
        assert tag != "style"
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        if tag == "script" and "src" not in attributes:
            assert attributes["type"] == "application/json"  # data: no browser runs it


@every_page
def test_every_page_asks_nothing_of_another_origin(page: str) -> None:
    for tag, attributes, _ in Elements(render(page)).all:
        for name in ("src", "href", "action"):
            if name in attributes and tag != "a":
                assert attributes[name].startswith(("/static/", "/join", "/staff", "/language", "/look", "data:")), (
                    attributes
                )


@every_page
def test_every_page_leads_to_what_we_promise_and_a_room_is_not_left_for_it(page: str) -> None:
    text = render(page)
    ways = [a for a in Elements(text).of("a") if a.get("href") == "/protected"]
    assert bool(ways) == (page != "protected")
    if page.startswith(("room", "session")) and page.split(",")[0] != "sessions":
        assert {a.get("target") for a in ways} == {"_blank"}


def test_the_waiting_room_and_the_room_speak_of_what_we_promise_where_one_looks() -> None:
    assert len([a for a in Elements(render("room, waiting")).of("a") if a.get("href") == "/protected"]) == 3


@pytest.mark.parametrize("page", ["room, waiting", "session", "session, front desk"])
def test_a_page_of_the_room_carries_what_the_script_proves_people_by(page: str) -> None:
    (main,) = Elements(render(page, session_id="s9", credential_key="AbC-_9")).of("main")
    assert (main["data-session"], main["data-credential-key"]) == ("s9", "AbC-_9")


@pytest.mark.parametrize(("page", "facilitator"), [("room, inside", False), ("session", True)])
def test_a_room_has_places_for_words_chat_and_silence(page: str, facilitator: bool) -> None:
    elements = Elements(render(page))
    ids = {attributes.get("id") for _, attributes, _ in elements.all}
    assert {"code-panel", "chat", "silence"} <= ids
    assert bool([a for a in elements.of("button") if a.get("class") == "code-same"]) == facilitator
    assert ("pending" in ids) == facilitator


def test_the_front_desk_lets_nobody_in_and_hears_nothing() -> None:
    ids = {attributes.get("id") for _, attributes, _ in Elements(render("session, front desk")).all}
    assert not {"code-panel", "chat", "silence", "pending"} & ids


@every_page
def test_every_form_that_changes_something_carries_the_forgery_word(page: str) -> None:
    elements = Elements(render(page)).all
    for tag, attributes, form in elements:
        if tag == "form" and attributes.get("method") == "post":
            inside = [a for t, a, f in elements if f == form and t == "input" and a.get("name") == "csrf"]
            assert [one["value"] for one in inside] == ["the-word"]


@every_page
def test_every_field_has_a_label_and_every_description_exists(page: str) -> None:
    elements = Elements(render(page))
    labels = {attributes.get("for") for attributes in elements.of("label")}
    ids = [attributes["id"] for _, attributes, _ in elements.all if "id" in attributes]
    assert len(ids) == len(set(ids))
    for attributes in elements.of("input", "select", "meter"):
        if attributes.get("type") != "hidden":
            assert attributes["id"] in labels
    for _, attributes, _ in elements.all:
        for name in ("aria-describedby", "aria-labelledby"):
            assert set(attributes.get(name, "").split()) <= set(ids)


@every_page
def test_every_page_has_one_main_part_a_way_to_it_and_one_title_to_see(page: str) -> None:
    elements = Elements(render(page))
    (main,) = elements.of("main")
    assert {"class": "skip", "href": f"#{main['id']}"} in elements.of("a")
    assert elements.of("h1")


@every_page
@every_language
def test_every_page_names_a_human_to_call(page: str, language: str) -> None:
    assert {a.get("href") for a in Elements(render(page, language)).of("a")} >= {"tel:+15550100199"}


@every_page
def test_what_shows_outside_the_page_says_nothing_of_care_or_of_a_group(page: str) -> None:
    """Titles stand in history, on tabs and in notifications of a phone that others see (C59)."""
    text = render(page)
    title = re.search(r"<title>(.*?)</title>", text)
    assert title
    assert title[1].endswith("Willow House")
    assert "Tuesday" not in title[1]
    seen = " ".join([title[1], *(a.get("href", "") for a in Elements(text).of("link"))]).lower()
    assert not re.search(r"therap|health|care|group session|patient|clinic", seen)


STEPS = ("name", "agreement", "orientation", "devices", "space", "room, waiting")


@pytest.mark.parametrize("page", STEPS)
@every_language
def test_each_step_on_the_way_in_says_where_one_is(page: str, language: str) -> None:
    step = STEPS.index(page) + 1
    shown = render(page, language, way={"now": step, "all": 6})
    assert {"en": f"Step {step} of 6", "es": f"Paso {step} de 6"}[language] in shown


def test_a_page_that_is_no_step_of_this_visitor_counts_none() -> None:
    assert "Step" not in render("agreement, looked at")


@pytest.mark.parametrize(
    "page",
    ["join, wrong", "name, wrong", "agreement, not ticked", "agreement, not understood", "agreement, not signed"],
)
def test_a_fault_stands_with_its_field(page: str) -> None:
    elements = Elements(render(page))
    wrong = [a for a in elements.of("input") if a.get("aria-invalid") == "true"]
    assert wrong
    (complaint,) = [a for a in elements.of("p") if a.get("class") == "complaint" and "hidden" not in a]
    assert all(complaint["id"] in a["aria-describedby"].split() for a in wrong)


@pytest.mark.parametrize("page", ["join, wrong", "name, wrong", "agreement, not ticked", "agreement, not signed"])
def test_a_page_with_a_fault_opens_at_its_field_and_is_not_sent_twice(page: str) -> None:
    elements = Elements(render(page))
    assert len([a for a in elements.of("input") if "autofocus" in a]) == 1
    assert "/static/room/posted.js" in {a.get("src") for a in elements.of("script")}


def test_an_invitation_that_is_shown_once_cannot_be_lost_or_made_twice_by_a_reload_or_another_language() -> None:
    elements = Elements(render("invitation", session_id="s1"))
    assert "/language" not in {a.get("action") for a in elements.of("form")}
    assert {a.get("data-again") for a in elements.of("script")} == {"/staff/sessions/s1"}


@pytest.mark.parametrize("why", get_args(Unfit))
def test_a_refused_plan_says_what_has_to_be_put_right(why: str) -> None:
    assert "No." not in render(f"plan form, wrong {why}")


def test_invitations_that_are_shown_once_cannot_be_lost_or_made_twice_either() -> None:
    elements = Elements(render("invitations"))
    assert "/language" not in {a.get("action") for a in elements.of("form")}
    assert {a.get("data-again") for a in elements.of("script")} == {"/staff/planned/s1"}


def test_who_is_let_in_without_script_is_not_told_to_wait() -> None:
    (wait,) = [a for a in Elements(render("room, inside")).of("section") if a.get("id") == "wait"]
    assert "hidden" in wait
    assert "You have been let in" in render("room, inside")
    assert "You have been let in" not in render("room, waiting")


def test_of_one_who_was_removed_nobody_says_that_their_pin_was_wrong() -> None:
    removed = {"member": "e9", "name": "Ines", "standing": "removed", "ticket": "stopped"}
    wrong = {**removed, "standing": "expected"}
    for person, said in ((removed, False), (wrong, True)):
        (tag,) = [a for a in Elements(_row(person)).of("span") if a.get("data-is") == "stopped"]
        assert ("hidden" not in tag) == said


def _row(person: dict[str, Any]) -> str:
    (row,) = re.findall(r'<li class="person" data-member="e9">.*?</li>', render("session", expected=[person]), re.S)
    return str(row)


def test_nobody_is_said_to_be_in_the_room_of_a_session_that_has_ended() -> None:
    assert "1 in the room" in render("sessions")
    assert "in the room" not in render("sessions", sessions=[{**CARD, "state": "ended"}])


def test_names_are_text_and_never_markup() -> None:
    text = render("session")
    assert "<b>" not in text
    assert "&lt;b&gt;" in text


@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_that_the_role_may_not_do_has_no_button(action: str) -> None:
    left = tuple(one for one in ACTIONS if one != action)
    offered = {a.get("data-action") for a in Elements(render("session", actions=left)).of("form")}
    assert action not in offered
    assert offered - {None} == set(left) - {"enter", "see"} - LINKED


def test_lists_and_their_templates_hold_the_same_forms() -> None:
    """The script clones the template for people who come later: they must get what the server would have drawn."""
    text = render("session")
    for name, member in (("waiting", "m2"), ("roster", "m4"), ("expected", "e0")):
        (template,) = re.findall(rf'<template id="{name}-template">(.*?)</template>', text, re.S)
        (row,) = re.findall(rf'<li class="person" data-member="{member}">.*?</li>', text, re.S)
        drawn = [form["action"].replace(f"/{member}/", "/_/") for form in Elements(row).of("form")]
        assert drawn == [form["action"] for form in Elements(template).of("form")]


# -- the sentences ---------------------------------------------------------------------------------------------------


@cache
def sentences() -> set[tuple[str | None, str]]:
    """(context, sentence) of everything the portal can say: templates, its own code, and the faults."""
    found: set[tuple[str | None, str]] = {(None, kind.sentence) for kind in KINDS}
    sources = [(path, "jinja2.ext:babel_extract", TEMPLATE_OPTIONS) for path in (PORTAL / "templates").glob("*.html")]
    sources += [(path, "python", {}) for path in PORTAL.glob("*.py")]
    for path, method, options in sources:
        with path.open("rb") as file:
            for _, message, _, context in extract.extract(method, file, options=options):
                found.add((context, forms(message)[0]))
    return found


def forms(text: str | Sequence[str] | None) -> tuple[str, ...]:
    """The only form of a message, or singular and plural."""
    return (text,) if isinstance(text, str) else tuple(text or ())


def test_spanish_is_complete_and_nothing_in_it_is_a_guess() -> None:
    spanish = catalogue("es")
    for context, sentence in sentences():
        message = spanish.get(sentence, context)
        assert message is not None, f"not in es: {sentence!r}; see locale/babel.cfg"
        assert all(forms(message.string)), f"not translated: {sentence!r}"
        assert not message.fuzzy


def test_a_language_that_is_not_finished_says_so_on_every_page_and_nobody_gets_it_unasked() -> None:
    assert all("not finished yet" in render("join", lang=code, partly=True) for code in pages.PARTLY)
    arabic = catalogue("ar")
    said = {sentence if isinstance(sentence, str) else sentence[0] for _, sentence in sentences()}
    assert {message.id if isinstance(message.id, str) else message.id[0] for message in arabic if message.id} <= said
    assert all(all(forms(message.string)) for message in arabic if message.id)


@every_language
def test_a_catalogue_holds_nothing_that_no_page_says(language: str) -> None:
    said = sentences()
    for message in catalogue(language):
        if message.id:
            key = forms(message.id)[0]
            assert (message.context, key) in said, f"no longer said: {key!r}; see locale/babel.cfg"


def test_placeholders_survive_translation() -> None:
    for message in catalogue("es"):
        for given, said in zip(forms(message.id), forms(message.string), strict=True):
            assert sorted(re.findall(r"%\(\w+\)\w|\{\w+\}", given)) == sorted(re.findall(r"%\(\w+\)\w|\{\w+\}", said))


def words_of(page: str) -> set[str]:
    (data,) = re.findall(r'<script type="application/json" id="words">(.*?)</script>', render(page))
    return set(json.loads(data))


def test_every_word_that_the_script_asks_for_is_on_the_page() -> None:
    source = APPLIANCE / "webclient" / "src"
    room_files = [path for folder in (".", "hour", "lead") for path in (source / folder).glob("*.ts")]
    scripts = {str(path.relative_to(source)): path.read_text() for path in room_files}
    asked = {name: set(re.findall(r'word\("(\w+)"', text)) for name, text in scripts.items()}
    typed = {
        name: set(re.findall(r'"(\w+)"', union))
        for text in scripts.values()
        for name, union in re.findall(r"export type (\w+(?:Word|Key)) = ([^;]+);", text)
    }
    assert {"LineWord", "MissingWord", "DoubtWord", "SilenceKey", "UnlistedWord", "RestWord", "TalkWord"} <= set(typed)
    way = [path.read_text() for path in (APPLIANCE / "webclient" / "src" / "way").glob("*.ts")]
    test_page = asked.pop("devices.ts") | {"both", "camera", "microphone"} | typed["MissingWord"]
    test_page |= {one for text in way for one in re.findall(r'word\("(\w+)"', text)}
    test_page |= {
        one
        for text in way
        for union in re.findall(r"export type \w+Word = ([^;]+);", text)
        for one in re.findall(r'"(\w+)"', union)
    }
    assert test_page == words_of("devices")
    room = set().union(*asked.values(), *typed.values())
    room |= {"locked", "unlocked", "holder", "holders", "phraseEmpty", "phraseTries"}  # chosen within the call
    room |= {"noConcerns", "noHands", "nobodyHere", "nobodyWaits"}  # what a list says that is empty (lead/commands.ts)
    for page in ("room, waiting", "session", "session, front desk"):
        assert room == words_of(page)
