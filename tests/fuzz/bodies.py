"""Fuzz targets: forms, JSON and small files that come to the appliance from a browser, a console, a stick or a disk.

As in `packets.py`: a value, or the parser's own fault; and what a value promises holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args

import msgspec
from aiohttp import StreamReader, web
from aiohttp.test_utils import make_mocked_request

from appliance import settings
from appliance.audit import note, proof
from appliance.control import desk, types
from appliance.copies import manifest
from appliance.faults import Fault
from appliance.groups import requests
from appliance.identity.passkeys import ceremony
from appliance.identity.passkeys.rows import Passkey
from appliance.identity.passkeys.rules import Site
from appliance.ids import ALPHABET
from appliance.notes import rules as notes
from appliance.portal import bodies, forms
from appliance.room import requests as taps
from appliance.room import rules as rooms
from appliance.store import sheet as recovery
from appliance.store import slotfile, wal, witness
from appliance.tickets import rules as tickets

FIELDS = ("code", "pin", "username", "password", "display_name", "signature", "next", "lang", "csrf", "month", "reason")
SITE = Site("hearth.local", "https://hearth.local:8443")
CHALLENGE = bytes(32)
PUBLIC = bytes(32)
WAL_PAGE = 16  # bytes instead of 4096, so that a WAL of several pages fits an input

# The types of requests; those of answers are read by the console, from a box that it trusts no further either.
WIRES: dict[str, type[Any]] = {
    name: kind
    for name, kind in sorted(vars(types).items())
    if isinstance(kind, type) and issubclass(kind, types.Wire) and kind is not types.Wire
}


def text_of(data: bytes) -> str:
    """As a form or a file hands it on: no surrogates."""
    return data.decode("utf-8", "replace")


def _bounded(data: bytes, parse: Callable[[bytes], Any], *codes: str) -> Any:
    """The value, or None after one of the faults that the parser may raise."""
    try:
        return parse(data)
    except Fault as fault:
        assert fault.code in codes, fault.code
        return None


def portal_form(data: bytes) -> None:
    """The body of a POST. The first byte chooses how its Content-Type reads."""
    kinds = ("", "; charset=utf-8", "; charset=latin-1", "; boundary=x", '; charset="')
    kind = "application/x-www-form-urlencoded" + kinds[data[0] % len(kinds) if data else 0]
    asyncio.run(_portal_form(data[1:], kind))


async def _portal_form(data: bytes, kind: str) -> None:
    stream = StreamReader(_Protocol(), 2**16, loop=asyncio.get_running_loop())  # type: ignore[arg-type]
    stream.feed_data(data)
    stream.feed_eof()
    request = make_mocked_request("POST", "/", {"Content-Type": kind}, payload=stream)
    try:
        form = await forms.read(request)
    except (Fault, web.HTTPRequestEntityTooLarge):
        return
    for name in FIELDS:
        _bounded(data, lambda _, name=name: bodies.field(form, name), "bad_request")  # type: ignore[misc]
        text = _bounded(data, lambda _, name=name: bodies.long_field(form, name), "bad_request")  # type: ignore[misc]
        if text is not None:
            assert bodies.local_path(text).startswith("/") and not bodies.local_path(text).startswith("//")
    _bounded(data, lambda _: bodies.beyond(form), "bad_request")
    _bounded(data, lambda _: bodies.signing(form), "bad_request")


class _Protocol:
    """What a stream asks of its connection."""

    _reading_paused = False

    def pause_reading(self, **_: object) -> None: ...
    def resume_reading(self, **_: object) -> None: ...


def control_body(data: bytes) -> None:
    """One request or answer of the control socket: the first line chooses its type, by name or by its length."""
    line, _, body = data.partition(b"\n")
    kind = WIRES.get(text_of(line)) or list(WIRES.values())[len(line) % len(WIRES)]
    found = _bounded(body, lambda raw: desk.parse(raw, kind), "bad_request")
    if found is not None:
        assert desk.parse(msgspec.json.encode(found), kind) == found


def group_request(data: bytes) -> None:
    """What a page asks of its group: the first line is the method."""
    line, _, body = data.partition(b"\n")
    method = text_of(line)
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    _bounded(data, lambda _: requests.parse(method, fields), "bad_request", "too_large")


def room_request(data: bytes) -> None:
    """What a page asks of the room: the first line is the method, the rest its data; and the words of a concern."""
    line, _, body = data.partition(b"\n")
    _bounded(data, lambda _: rooms.concern_words(text_of(data)), "bad_request", "too_large")
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    _bounded(data, lambda _: taps.parse(text_of(line), fields), "bad_request")


def passkey(data: bytes) -> None:
    """What a browser says of a passkey, as it comes out of a form. Nothing random is ever accepted."""
    text, kept = text_of(data), Passkey("1", "p", SITE.host, b"id", b"", 0, "", "", "")
    assert _bounded(data, lambda _: ceremony.judge_new(text, CHALLENGE, SITE), "wrong_passkey") is None
    assert _bounded(data, lambda _: ceremony.judge(text, CHALLENGE, SITE, kept), "wrong_passkey") is None
    _bounded(data, lambda _: ceremony.credential_of(text), "wrong_passkey")


def slots(data: bytes) -> None:
    """slots.json, and HQ's answer for a slot."""
    found = _bounded(data, slotfile.parse, "slots_missing")
    if found is None:
        with suppress(msgspec.MsgspecError, UnicodeDecodeError, RecursionError):  # beyond the checksum
            loose = msgspec.json.decode(data, type=slotfile.Slots)
            found = _bounded(slotfile.serialise(loose), slotfile.parse, "slots_missing")
    assert not isinstance(found, slotfile.Slots) or slotfile.within_limits(found)
    _bounded(data, slotfile.parse_answer, "wrong_answer")


def sheet(data: bytes) -> None:
    """The words of a recovery sheet as typed."""
    found = recovery.entropy(text_of(data))
    assert found is None or len(found) in (16, 32)


def backup_manifest(data: bytes) -> None:
    """manifest.json of a copy: no name of it leads out of its folder."""
    found = _bounded(data, manifest.parse, "backup_damaged", "store_newer")
    if found is not None:
        assert all("/" not in part.name and not part.name.startswith(".") for part in found.files)
        assert manifest.parse(manifest.serialise(found)) == found


def audit_proof(data: bytes) -> None:
    """A proof of an entry, and the checkpoint in it. Nobody has signed any of these."""
    for read in (lambda: note.parse(text_of(data)), lambda: proof.check(data, PUBLIC)):
        try:
            read()
        except ValueError:
            continue


def settings_file(data: bytes) -> None:
    found = _bounded(data, lambda raw: settings.parse(text_of(raw)), "bad_settings")
    assert found is None or 0 <= found.portal.port <= 65535


def ticket(data: bytes) -> None:
    """Code and PIN as typed: bounded, of their alphabets, and the same when typed as they are shown."""
    code, pin = tickets.normal_code(text_of(data)), tickets.normal_pin(text_of(data))
    assert set(code) <= set(ALPHABET) and len(code) <= tickets.CODE_LENGTH + 1
    assert (pin == "" or (pin.isascii() and pin.isdecimal())) and len(pin) <= tickets.PIN_LENGTH + 1
    assert tickets.normal_code(tickets.shown_code(code)) == code
    tickets.pin_hash(code, pin)


def notes_query(data: bytes) -> None:
    """A search over notes: what reaches FTS5 is letters, digits and our own marks."""
    found = _bounded(data, lambda raw: notes.terms(text_of(raw)), "bad_request")
    if found:
        assert all(char.isalnum() or char in '" *' for char in notes.match(found).replace(" AND ", " "))


def store_witness(data: bytes) -> None:
    """A slot of the store's witness, whole or made up to its length."""
    for content in (data, data[: witness.SLOT].ljust(witness.SLOT)):
        found = witness.parse(content)
        assert found is None or (isinstance(found, witness.Witness) and found.state in get_args(witness.State))


_scratch = TemporaryDirectory(prefix="hearth-fuzz-")


def store_wal(data: bytes) -> None:
    """A WAL, with pages of 16 bytes."""
    path = Path(_scratch.name) / "wal"
    path.write_bytes(data)
    found = wal.leftover(path, WAL_PAGE)
    assert found is None or (found.length > 0 and len(found.pages) <= len(data) // WAL_PAGE)
