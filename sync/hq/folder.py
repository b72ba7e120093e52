"""HQ's own folder: who may read which key, and which boxes are enrolled.

keys/record.key     opens envelopes. Only `hq open` reads it; it may live on a machine that is never on a network
keys/packs.key      signs packs for boxes. Only `hq publish` and its like read it
keys/receipts.key   signs receipts             keys/tls.key, keys/tls.pem   the listener's identity
keys/boxes-ca.*     issues boxes' certificates keys/codes.key               seals the secrets of enrolment codes
keys/NAME.next.key  waits for its turn         keys/NAME.1.key, …           older ones (rollover.py)
hq-public.json      handed to boxes            enrolled/<box>.json          boxes of 0.4.0; now cards (cards.py)
hq.toml             where objects are kept, when not here      objects/    the envelopes and all else (objects.py)
"""

from __future__ import annotations

import asyncio
import datetime
import fcntl
import os
import shutil
import ssl
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from sync import keys, suite
from sync.faults import SyncFault
from sync.hq import certificate
from sync.hq.cards import Cards, known
from sync.hq.objects import SETTINGS, open_objects
from sync.keys import BoxFacts, HqFacts
from sync.spool import read_bounded, sync_folder, write_whole

MAX_KEY = 4096  # bytes of a key file
DEFAULT_URL = "https://127.0.0.1:8444"
_NO_CHECK_TIME = 0x200000  # OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which `ssl` does not name

T = TypeVar("T")


def init(folder: Path, url: str, now: datetime.datetime, store: str = "") -> HqFacts:
    """Make keys (0600), certificate and hq-public.json: all of it or nothing, whatever is cut short. `store` is what
    hq.toml says of a bucket (bucket.py), "" to keep all in the folder.

    `hq_exists` if there is anything in the folder; ValueError for a bad address.
    """
    if not keys.usable_url(url):
        raise ValueError("the address must look like https://hq.example.org:8444")
    if folder.exists() and any(folder.iterdir()):
        raise SyncFault("hq_exists")
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)  # of an init that was cut short: nobody has seen its keys
    facts = _build(fresh, url, now)
    if store:
        write_whole(fresh / SETTINGS, store.encode())
    fresh.rename(folder)
    sync_folder(folder.parent)
    return facts


def _build(folder: Path, url: str, now: datetime.datetime) -> HqFacts:
    (folder / "keys").mkdir(mode=0o700, parents=True)
    (folder / "objects").mkdir(mode=0o750)
    record, receipts = suite.new_seed(), suite.new_seed()
    tls_key, tls_certificate = certificate.self_signed(urlsplit(url).hostname or "", now)
    for name, secret in (("record.key", record), ("receipts.key", receipts), ("tls.key", tls_key)):
        write_whole(folder / "keys" / name, secret, mode=0o600)
    write_whole(folder / "keys" / "tls.pem", tls_certificate)
    _complete(folder / "keys", now, packs=True)
    facts = HqFacts(
        url=url.rstrip("/"),
        record_keys=(suite.RecordKey(record).public,),
        receipt_keys=(suite.SigningKey(receipts).public,),
        tls_certificates=(ssl.PEM_cert_to_DER_cert(tls_certificate.decode("ascii")),),
        pack_keys=(pack_signing_key(folder).public,),
    )
    write_whole(folder / "hq-public.json", keys.hq_to_json(facts))
    return facts


def _complete(folder: Path, now: datetime.datetime, *, packs: bool) -> None:
    """The keys that HQ of 0.4.0 did not have, where they are missing. `packs`: its pack key too; no server makes that
    anew for an HQ that has one elsewhere."""
    for name in ("packs.key", "codes.key") if packs else ("codes.key",):
        if not (folder / name).exists():
            write_whole(folder / name, suite.new_seed(), mode=0o600)
    if not (folder / "boxes-ca.pem").exists():
        private, public_part = certificate.authority(now)
        write_whole(folder / "boxes-ca.key", private, mode=0o600)
        write_whole(folder / "boxes-ca.pem", public_part)  # last: it says that the key is there


def upgrade(folder: Path, now: datetime.datetime) -> bool:
    """Give an HQ of 0.4.0 what it lacks; True if there was anything. Doing it twice changes nothing.

    One that keeps its objects elsewhere (hq.toml) was made with all of it: there a missing key must be copied from
    another server, since two servers with two authorities would refuse each other's boxes; `bad_key_file`.
    """
    facts = public(folder)
    wanted = ("codes.key", "boxes-ca.key", "boxes-ca.pem")  # the pack key may well be kept apart
    whole = all((folder / "keys" / name).exists() for name in wanted)
    if whole and facts.pack_keys:
        return False
    if (folder / SETTINGS).exists():
        raise SyncFault("bad_key_file")
    with alone(folder):
        facts = public(folder)
        _complete(folder / "keys", now, packs=not facts.pack_keys)
        if not facts.pack_keys:
            publish(folder, replace(facts, pack_keys=(pack_signing_key(folder).public,), serial=facts.serial + 1))
    return True


def publish(folder: Path, facts: HqFacts) -> None:
    """Make these HQ's public facts. Boxes hear of them by a pack, or with their next certificate."""
    write_whole(folder / "hq-public.json", keys.hq_to_json(facts))


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """No other command changes the keys of this folder meanwhile."""
    handle = os.open(folder / "keys", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def public(folder: Path) -> HqFacts:
    """HQ's public facts; `hq_missing` when there is no HQ in the folder."""
    raw = read_bounded(folder / "hq-public.json", keys.MAX_FACTS)
    if raw is None:
        raise SyncFault("hq_missing")
    return keys.hq_from_json(raw)


def receipt_signing_key(folder: Path) -> suite.SigningKey:
    """The key that signs receipts; `bad_key_file`."""
    return suite.SigningKey(_key(folder, "receipts.key"))


def pack_signing_key(folder: Path) -> suite.SigningKey:
    """The key that signs packs; `bad_key_file`. The serving process never calls this: it hands out what was signed."""
    return suite.SigningKey(_key(folder, "packs.key"))


def record_key(folder: Path) -> suite.RecordKey:
    """The key that opens envelopes; `bad_key_file`. The serving process never calls this."""
    return suite.RecordKey(_key(folder, "record.key"))


def record_keys(folder: Path) -> list[suite.RecordKey]:
    """Every key that opens envelopes, the one in use first, then the next and the older ones; `bad_key_file`."""
    others = sorted(path.name for path in (folder / "keys").glob("record.*.key"))
    return [suite.RecordKey(_key(folder, name)) for name in ("record.key", *others)]


def codes_key(folder: Path) -> bytes:
    """32 bytes that seal the secrets of enrolment codes; `bad_key_file`."""
    key = _key(folder, "codes.key")
    if len(key) != suite.SEED_SIZE:
        raise SyncFault("bad_key_file")
    return key


def issue(folder: Path, csr: bytes, box: bytes, now: datetime.datetime) -> certificate.Issued:
    """A client certificate for a box; `malformed_facts` for its request, `bad_key_file` for our own files."""
    return certificate.issue(csr, box, _key(folder, "boxes-ca.key"), _key(folder, "boxes-ca.pem"), now)


def tls_context(folder: Path) -> ssl.SSLContext:
    """TLS 1.3 with HQ's certificate; `bad_key_file`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(folder / "keys" / "tls.pem", folder / "keys" / "tls.key")
    except OSError:  # ssl.SSLError is one too
        raise SyncFault("bad_key_file") from None
    return context


def server_context(folder: Path) -> ssl.SSLContext:
    """The same, and boxes are asked for their certificates; `bad_key_file`.

    A certificate of another authority ends the handshake. One of ours counts here whatever its date: the routes look at
    that (`certificate.box_of_certificate`) and say so in words.
    """
    context = tls_context(folder)
    context.verify_mode = ssl.CERT_OPTIONAL
    context.verify_flags |= ssl.VerifyFlags(_NO_CHECK_TIME)
    try:
        context.load_verify_locations(folder / "keys" / "boxes-ca.pem")
    except OSError:
        raise SyncFault("bad_key_file") from None
    return context


def cards(folder: Path) -> Cards:
    """The cards of this HQ, for code that has an event loop."""
    return Cards(open_objects(folder), folder)


def enroll(folder: Path, facts: BoxFacts) -> None:
    """Know a box from now on, by its file. The same facts again change nothing; `box_exists` for another key under the
    same id, `box_revoked`."""
    public(folder)
    waited_for(cards(folder).change(facts.box, lambda card: known(card, facts)))


def enrolled(folder: Path, box: bytes) -> BoxFacts | None:
    """The facts of a box, None when it was never enrolled, also of one that is revoked: its records stay readable."""
    card = waited_for(cards(folder).get(box))
    return None if card is None else card.facts


def all_enrolled(folder: Path) -> list[BoxFacts]:
    """Every enrolled box, by id, revoked ones too."""

    async def collected() -> list[BoxFacts]:
        return [card.facts async for card in cards(folder).all()]

    return sorted(waited_for(collected()), key=lambda facts: facts.box)


def waited_for(work: Coroutine[Any, Any, T]) -> T:
    """For commands, which have no event loop: the result of `work`, from a thread with a loop of its own."""
    with ThreadPoolExecutor(1) as one:
        return one.submit(asyncio.run, work).result()


def _key(folder: Path, name: str) -> bytes:
    try:
        return read_bounded(folder / "keys" / name, MAX_KEY) or b""
    except OSError:
        raise SyncFault("bad_key_file") from None
