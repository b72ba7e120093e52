"""The one typed client of the control socket: the console, tests and scripts use it and nothing else.

It promises: every answer is bounded in size and time; a command that was cut off is sent once more under the same
Request-Id, so it happens once; every failure is a ControlFault. It leaves out when to reconnect: that is the caller's.
The login's token lives in this object only and never in a log, an exception or a repr.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import quote
from uuid import uuid4

import aiohttp
import msgspec
from aiohttp.client_exceptions import UnixClientConnectorError
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import LineTooLong

from appliance.control.types import (
    VERSION,
    AcceptRollback,
    AddHq,
    AddMachine,
    AddOwn,
    AddPassphrase,
    AddSheet,
    Admit,
    Adopt,
    AuditAgainst,
    AuditProof,
    AuditVerified,
    BackUp,
    Backups,
    Beginning,
    BringBack,
    CardKind,
    CarryStick,
    Clock,
    Code,
    Codes,
    CodesOf,
    Doctor,
    Done,
    Enrol,
    EnrolByStick,
    EnrolFacts,
    EnrolFile,
    Enrolment,
    EnrolRequestWanted,
    Erase,
    FaultBody,
    FeedEntry,
    FoundBackups,
    Heard,
    HeardNetwork,
    InstallRelease,
    Invitation,
    KeyMade,
    Keys,
    KeySecret,
    NetworkSettings,
    NetworkState,
    NewPassword,
    OnCall,
    Paper,
    PaperWanted,
    Power,
    Rekeyed,
    Reset,
    ReturnedRecords,
    SetClinic,
    SetClock,
    SetKeyboard,
    SetPlace,
    SetStep,
    SetUpPeople,
    SetUpPerson,
    SetUpStep,
    SetUpToken,
    SetZone,
    Sheet,
    ShowCard,
    SignIn,
    Snapshot,
    StartRelease,
    Sticks,
    TryNetwork,
    Unlock,
    Updates,
    WayIn,
    Wire,
)

SessionAction = Literal["open", "show_rules", "begin", "pause", "resume", "lock", "unlock", "take_over", "end"]
MemberAction = Literal[
    "vouch",
    "ask_phrase",
    "message",
    "admit",
    "let_through",
    "deny",
    "mute",
    "ask_unmute",
    "lower_hand",
    "hold",
    "release",
    "flag",
    "unflag",
    "end_aside",
    "remove",
    "unblock",
]
Answer = TypeVar("Answer", bound=Wire)

ANSWER_SECONDS = 10.0  # for one answer; the box's slowest write is an fsync of half a second on an SD card
UPDATE_SECONDS = 180.0  # the steward asks RAUC, which looks at both slots
RESTORE_SECONDS = 3600.0  # a large store from a slow stick to a slow card; the box tells how far it is
REKEY_SECONDS = 3600.0  # a large store on a slow card; `Keys` tells how long it may take
OWN_SLOT_SECONDS = 120.0  # a slow TPM, and what went wrong is to be undone
UNLOCK_SECONDS = 60.0  # Argon2id on a Pi takes some seconds, opening a large store some more
AUDIT_SECONDS = 300.0  # to look at every entry: a million take half a minute on a server, some minutes on a Pi
NETWORK_SECONDS = 60.0  # a Wi-Fi is joined within seconds, a router's answer may take half a minute
DOCTOR_SECONDS = 30.0  # a router that does not answer is waited for
MACHINE_SECONDS = 60.0  # what opens the store is overwritten, step by step on a slow card
SILENCE_SECONDS = 25.0  # the feed beats every 10 s: two beats lost and some
MAX_LINE = 256 * 1024  # bytes of one feed entry; a session of 16 people takes about 5 KiB
MAX_ANSWER = 4 * 1024 * 1024  # bytes of any other answer; a day of 40 such sessions takes about 200 KiB
TRIES = 2  # a command cut off by a dying connection is sent once more

# Codes that only this client makes. Everything else comes from the box (appliance/faults.py).
AWAY = "away"  # nobody answers at the socket, or not in time
NO_ACCESS = "no_access"  # the socket's file belongs to a group that this account is not in
BAD_ANSWER = "bad_answer"  # the answer is too large or is not what the types say
OTHER_VERSION = "other_version"  # the box speaks another version of these types
CODES = (AWAY, NO_ACCESS, BAD_ANSWER, OTHER_VERSION)


class ControlFault(Exception):
    """A refused or failed request. `code` is stable; `sentence` is the box's own English one, or empty; `about` a
    number or a version that goes with it; `seconds`: until it is worth another try, 0 where nobody can tell."""

    def __init__(self, code: str, sentence: str = "", about: str = "", seconds: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.sentence = sentence
        self.about = about
        self.seconds = seconds


class _OwnersSocket(aiohttp.UnixConnector):
    """Connects to whoever owns the socket's folder, or root, and to nobody else.

    The relay may write in that folder too. One that was taken over could lay a socket of its own there while the
    appliance starts, and be told the passphrase.
    """

    async def _create_connection(self, req: aiohttp.ClientRequest, *how: Any) -> ResponseHandler:
        made = await super()._create_connection(req, *how)
        owner = Path(self.path).parent.stat().st_uid
        if made.transport is None or _peer_uid(made.transport) not in (owner, 0):
            made.abort()
            refused = ConnectionRefusedError(errno.ECONNREFUSED, "another user's")
            raise UnixClientConnectorError(self.path, req.connection_key, refused)
        return made


def _peer_uid(transport: asyncio.BaseTransport) -> int:
    """The uid of the process that listens at the other end (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("3i")
    credentials = transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
    return int(struct.unpack("3i", credentials)[1])


class ControlClient:
    """One console's way to the box. Use it from one event loop and `close` it at the end."""

    def __init__(
        self, path: Path, *, answer_seconds: float = ANSWER_SECONDS, silence_seconds: float = SILENCE_SECONDS
    ) -> None:
        self._path = path
        self._answer_seconds = answer_seconds
        self._silence_seconds = silence_seconds
        self._token = self._half = self._set_up = ""
        self._http: aiohttp.ClientSession | None = None

    @property
    def signed_in(self) -> bool:
        """Whether this client holds a token. The box may have ended that login: the snapshot tells."""
        return self._token != ""

    async def snapshot(self) -> Snapshot:
        """Everything at once. Faults: the codes above, and the box's."""
        snapshot = await self._request("GET", "/v1/snapshot", Snapshot)
        if snapshot.version != VERSION:
            raise ControlFault(OTHER_VERSION)
        return snapshot

    async def feed(self, after: int) -> AsyncGenerator[FeedEntry | None, None]:
        """Entries after sequence `after` while the line holds; None is a heartbeat. Ends by ControlFault only."""
        timeout = aiohttp.ClientTimeout(sock_connect=self._answer_seconds, sock_read=self._silence_seconds)
        try:
            async with self._session().get(
                f"http://hearth/v1/feed?after={after}", headers=self._headers(self._token), timeout=timeout
            ) as response:
                if response.status != 200:
                    raise _refusal(await _body(response))
                while line := await response.content.readline(max_line_length=MAX_LINE):
                    yield _decode(line, FeedEntry) if line.strip() else None
        except LineTooLong as error:
            raise ControlFault(BAD_ANSWER) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from error
        raise ControlFault(AWAY)

    async def unlock(self, passphrase: str) -> None:
        """Open the store. Faults: wrong_passphrase, too_many_tries, and those of a damaged store."""
        await self._post("/v1/unlock", Done, Unlock(passphrase=passphrase), seconds=UNLOCK_SECONDS)

    async def accept_rollback(self, passphrase: str, reason: str) -> None:
        """On a locked box, go on with a store of which something is missing. Faults: wrong_state, those of `unlock`."""
        asked = AcceptRollback(passphrase=passphrase, reason=reason)
        await self._post("/v1/accept-rollback", Done, asked, seconds=UNLOCK_SECONDS)

    # -- the way in: each step keeps the token of the next; only a `stage` of full is a login

    async def sign_in(self, username: str, password: str) -> WayIn:
        """The first step. Faults: wrong_sign_in, too_many_tries, box_locked."""
        return self._came(await self._post("/v1/sign-in", WayIn, SignIn(username=username, password=password)))

    async def second_step(self, code: str) -> WayIn:
        """An authenticator's or a printed code. Faults: wrong_code, too_many_tries, not_signed_in (took too long)."""
        return self._came(await self._post("/v1/sign-in/code", WayIn, Code(code=code), token=self._half))

    async def new_password(self, password: str, again: str) -> WayIn:
        """Instead of one that somebody else made up. Faults: passwords_differ, password_…, not_signed_in."""
        given = NewPassword(password=password, again=again)
        return self._came(await self._post("/v1/sign-in/new-password", WayIn, given, token=self._half))

    async def begin_codes(self) -> Codes:
        """Printed codes for one who has no second factor yet. Faults: not_signed_in, wrong_state."""
        return await self._post("/v1/sign-in/codes", Codes, token=self._half)

    async def confirm_codes(self, code: str) -> WayIn:
        """One of them as it was written down. Faults: wrong_code, too_many_tries, not_signed_in."""
        return self._came(await self._post("/v1/sign-in/codes/confirm", WayIn, Code(code=code), token=self._half))

    def start_over(self) -> None:
        """Forget how far the way in was."""
        self._half = ""

    def _came(self, way: WayIn) -> WayIn:
        self._token, self._half = (way.token, "") if way.stage == "full" else (self._token, way.token)
        return way

    async def sign_out(self) -> None:
        """Throw the token away at once, whether or not the box can be told."""
        token, self._token = self._token, ""
        if token:
            await self._post("/v1/sign-out", Done, token=token)

    async def session_action(self, session: str, action: SessionAction) -> None:
        """One step of a session as a whole. Faults: refused, wrong_state, not_found, and those of opening it."""
        await self._post(f"/v1/sessions/{_segment(session)}/{action}", Done)

    async def member_action(self, session: str, member: str, action: MemberAction, given: Admit | None = None) -> None:
        """One step of one person. `given`: what comes with it, how to admit at the limit, a line, why.

        Faults: refused, wrong_state, session_locked, not_found, box_full, bad_request.
        """
        await self._post(f"/v1/sessions/{_segment(session)}/members/{_segment(member)}/{action}", Done, given)

    async def show_card(self, session: str, kind: CardKind, member: str = "") -> None:
        """To all in the room, or to one. Faults: refused, wrong_state, not_found."""
        await self._post(f"/v1/sessions/{_segment(session)}/cards", Done, ShowCard(kind=kind, member=member))

    async def handle_concern(self, session: str, concern: str) -> None:
        """Who is signed in looks after it. Faults: refused, not_found. A second time changes nothing."""
        await self._post(f"/v1/sessions/{_segment(session)}/concerns/{_segment(concern)}", Done)

    async def reissue(self, session: str, member: str) -> Invitation:
        """A new link and PIN for one person; the old ones stop. A retry gives the same ones."""
        return await self._post(f"/v1/sessions/{_segment(session)}/members/{_segment(member)}/reissue", Invitation)

    async def rejoin(self, session: str, member: str) -> Invitation:
        """A way back for one who lost device or line, to their place; the lost device is out."""
        return await self._post(f"/v1/sessions/{_segment(session)}/members/{_segment(member)}/rejoin", Invitation)

    async def paper(
        self, given: Invitation, kind: Literal["invitation", "pin"], language: Literal["en", "es"]
    ) -> bytes:
        """The PDF of a ticket that was just issued. Faults: refused, wrong_ticket."""
        wanted = PaperWanted(
            session=given.session,
            member=given.member,
            code=given.code,
            pin=given.pin,
            kind=kind,
            language=language,
        )
        return (await self._post("/v1/paper", Paper, wanted)).pdf

    # -- the keys of the box

    async def keys(self) -> Keys:
        """All key slots. Faults: refused."""
        return await self._request("GET", "/v1/keys", Keys)

    async def add_passphrase(self, passphrase: str, label: str = "") -> str:
        """The new slot's id. Have it typed twice. Faults: refused, weak_passphrase, too_many_slots."""
        given = AddPassphrase(passphrase=passphrase, label=label)
        return (await self._post("/v1/keys/passphrase", KeyMade, given, seconds=UNLOCK_SECONDS)).id

    async def add_sheet(self, language: Literal["en", "es"], label: str = "") -> Sheet:
        """A recovery sheet, which counts once `try_key` has taken its words. Faults: refused, too_many_slots."""
        return await self._post("/v1/keys/sheet", Sheet, AddSheet(language=language, label=label))

    async def add_hq(self, code: str) -> str:
        """A slot for HQ's key, whose code was compared. Faults: refused, not_enrolled, wrong_state (it is another key
        by now), too_many_slots."""
        return (await self._post("/v1/keys/hq", KeyMade, AddHq(code=code))).id

    async def add_machine(self, public: bytes, label: str = "") -> str:
        """A slot for what this machine keeps. Faults: refused, bad_request, too_many_slots."""
        return (await self._post("/v1/keys/machine", KeyMade, AddMachine(public=public, label=label))).id

    async def add_own(self, *, tpm: bool) -> str:
        """A slot whose secret this machine keeps, made there. Faults: refused, not_the_machine, machine_refused,
        machine_busy, home_read_only, too_many_slots."""
        return (await self._post("/v1/keys/own", KeyMade, AddOwn(tpm=tpm), seconds=OWN_SLOT_SECONDS)).id

    async def try_key(self, slot: str, secret: str) -> None:
        """Faults: refused, not_found, wrong_sheet, wrong_passphrase, wrong_state."""
        await self._post(f"/v1/keys/{_segment(slot)}/try", Done, KeySecret(secret=secret), seconds=UNLOCK_SECONDS)

    async def rotate_key(self, slot: str, passphrase: str) -> None:
        """Another passphrase for a slot. Faults: refused, not_found, wrong_state, weak_passphrase."""
        await self._post(
            f"/v1/keys/{_segment(slot)}/rotate", Done, KeySecret(secret=passphrase), seconds=UNLOCK_SECONDS
        )

    async def remove_key(self, slot: str) -> None:
        """Faults: refused, not_found, last_slot."""
        await self._post(f"/v1/keys/{_segment(slot)}/remove", Done, seconds=OWN_SLOT_SECONDS)

    async def rekey(self) -> float:
        """Another key for the store; how many seconds it took. Faults: refused, disk_full, store_failed."""
        return (await self._post("/v1/rekey", Rekeyed, seconds=REKEY_SECONDS)).seconds

    # -- the clock

    async def clock(self) -> Clock:
        """What time the box goes by. Fault: box_locked."""
        return await self._request("GET", "/v1/clock", Clock)

    async def set_clock(self, at: str, *, back: bool = False) -> Clock:
        """It is `at` (RFC 3339) now. `back`: although the box has been more than a day further (administrators).

        Faults: refused, clock_wrong (cannot be), clock_before_audit (asks for `back`), wrong_state (a time server or
        headquarters sets it).
        """
        return await self._post("/v1/clock", Clock, SetClock(at=at, back=back))

    # -- the machine

    async def doctor(self, language: Literal["en", "es"]) -> Doctor:
        """What a helper on the telephone asks. Faults: not_signed_in, refused (on a box that is open)."""
        return await self._request("GET", f"/v1/doctor?language={language}", Doctor, seconds=DOCTOR_SECONDS)

    async def power(self, do: Literal["restart", "off"], *, anyway: bool = False) -> None:
        """Faults: refused, not_the_machine, machine_busy, session_open (asks for `anyway`)."""
        await self._post("/v1/machine/power", Done, Power(do=do, anyway=anyway), seconds=MACHINE_SECONDS)

    async def reset(self, clinic: str) -> None:
        """Delete everything; the clinic's name as typed. Faults: refused, clinic_name_wrong, not_the_machine,
        machine_busy."""
        await self._post("/v1/machine/reset", Done, Reset(clinic=clinic), seconds=MACHINE_SECONDS)

    async def erase(self, word: str) -> None:
        """The same on a locked box, twice, ten seconds apart. Faults: bad_request, erase_wait (`seconds`), wrong_state,
        not_the_machine, machine_busy."""
        await self._post("/v1/machine/erase", Done, Erase(word=word), seconds=MACHINE_SECONDS)

    # -- the network of the machine

    async def network(self) -> NetworkState:
        """How the machine is on the network. Faults: not_signed_in, refused, box_locked, machine_busy."""
        return await self._request("GET", "/v1/network", NetworkState, seconds=NETWORK_SECONDS)

    async def try_network(self, settings: NetworkSettings) -> NetworkState:
        """Try them; unless they are kept, the ones before come back by themselves.

        Faults: refused, not_the_machine, machine_busy, no_wifi, wifi_refused; network_* for a field that is wrong.
        """
        return await self._post("/v1/network", NetworkState, TryNetwork(settings=settings), seconds=NETWORK_SECONDS)

    async def keep_network(self) -> NetworkState:
        """The settings on trial are good. Faults: refused, no_trial."""
        return await self._post("/v1/network/keep", NetworkState, seconds=NETWORK_SECONDS)

    async def network_back(self) -> NetworkState:
        """The settings before those on trial again. Faults: refused, no_trial."""
        return await self._post("/v1/network/back", NetworkState, seconds=NETWORK_SECONDS)

    async def scan_networks(self) -> tuple[HeardNetwork, ...]:
        """Listen for Wi-Fi networks; takes seconds. Faults: refused, no_wifi, not_the_machine, machine_busy."""
        return (await self._post("/v1/network/scan", Heard, seconds=NETWORK_SECONDS)).networks

    async def set_zone(self, zone: str) -> NetworkState:
        """The machine is in that time zone. Faults: refused, zone_unknown, not_the_machine, machine_busy."""
        return await self._post("/v1/zone", NetworkState, SetZone(zone=zone), seconds=NETWORK_SECONDS)

    async def set_keyboard(self, layout: str) -> NetworkState:
        """The keyboard at the box's own screen. Faults: refused, keyboard_unknown, not_the_machine, machine_busy."""
        return await self._post("/v1/keyboard", NetworkState, SetKeyboard(layout=layout), seconds=NETWORK_SECONDS)

    # -- whom to call

    async def on_call(self) -> OnCall:
        """Who of the staff is on call. Faults: not_signed_in, refused, box_locked."""
        return await self._request("GET", "/v1/on-call", OnCall)

    # -- the audit

    async def audit_verify(self, notes: tuple[str, ...] = ()) -> AuditVerified:
        """Look at every entry; hold the log against signed checkpoints from outside. Faults: refused, bad_request."""
        return await self._post("/v1/audit/verify", AuditVerified, AuditAgainst(notes=notes), seconds=AUDIT_SECONDS)

    async def audit_proof(self, sequence: int) -> str:
        """An entry with its proof, as JSON. Faults: refused, not_found, audit_broken."""
        return (await self._post(f"/v1/audit/proofs/{sequence}", AuditProof, seconds=AUDIT_SECONDS)).proof

    async def audit_export(self, kind: Literal["csv", "jsonl"]) -> AsyncGenerator[bytes, None]:
        """The whole audit in portions of its file. Faults: refused, audit_broken."""
        timeout = aiohttp.ClientTimeout(sock_connect=self._answer_seconds, sock_read=AUDIT_SECONDS)
        try:
            async with self._session().get(
                f"http://hearth/v1/audit/export?format={kind}", headers=self._headers(self._token), timeout=timeout
            ) as response:
                if response.status != 200:
                    raise _refusal(await _body(response))
                async for portion in response.content.iter_any():
                    yield portion
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from error

    # -- backups

    async def backups(self) -> Backups:
        """Where the newest backup is and where the next one can go. Faults: not_signed_in, refused, box_locked."""
        return await self._request("GET", "/v1/backups", Backups)

    async def back_up(self, to: str) -> None:
        """Begin a backup in the folder `to`; `Copies` tells how it goes on and how it ended.

        Faults: refused, backup_busy, backup_no_place, bad_request.
        """
        await self._post("/v1/backups", Done, BackUp(to=to))

    async def restoration_seen(self) -> None:
        """One who may back up was told that this store came out of a backup. Faults: refused."""
        await self._post("/v1/backups/seen", Done)

    # -- sealed records by stick

    async def sticks(self) -> Sticks:
        """Where a stick is plugged in. Faults: not_signed_in, refused, box_locked."""
        return await self._request("GET", "/v1/sync/sticks", Sticks)

    async def carry_stick(self, way: Literal["export", "import"], place: str) -> None:
        """Begin to write or read the stick mounted at `place`; `Sync.stick` tells how it goes on and how it ended.

        Faults: refused, stick_busy, stick_missing, bad_request.
        """
        await self._post("/v1/sync/sticks", Done, CarryStick(way=way, place=place))

    async def sync_now(self) -> None:
        """Have the courier try at once. Faults: refused."""
        await self._post("/v1/sync/now", Done)

    # -- releases of the box

    async def updates(self) -> Updates:
        """Which release runs, which ones are there. Faults: not_signed_in, refused, box_locked."""
        return await self._request("GET", "/v1/updates", Updates)

    async def install_release(self, path: str, *, anyway: bool = False, repair: bool = False) -> Updates:
        """Begin; `updates` tells how it goes on. Faults: refused, session_open, not_found, machine_busy."""
        return await self._post("/v1/updates/install", Updates, InstallRelease(path=path, anyway=anyway, repair=repair))

    async def go_back(self) -> Updates:
        """Have the release before started next. Faults: refused, update_no_other, update_older, update_trial."""
        return await self._post("/v1/updates/back", Updates, seconds=UPDATE_SECONDS)

    async def start_release(self, when: Literal["now", "tonight", "later"], *, anyway: bool = False) -> Updates:
        """Start what was installed. Faults: refused, session_open."""
        given = StartRelease(when=when, anyway=anyway)
        return await self._post("/v1/updates/restart", Updates, given, seconds=UPDATE_SECONDS)

    async def failure_seen(self) -> Updates:
        """Somebody has read that a release failed. Faults: refused."""
        return await self._post("/v1/updates/seen", Updates, seconds=UPDATE_SECONDS)

    # -- headquarters

    async def enrolment(self) -> Enrolment:
        """Whether the box has a headquarters, and what it asks it. Faults: not_signed_in, refused, box_locked."""
        return await self._request("GET", "/v1/enrolment", Enrolment)

    async def enrol(self, address: str, code: str) -> Enrolment:
        """Ask to be let in; `enrolment` tells what came of it. Faults: refused, code_mistyped, wrong_address."""
        return await self._post("/v1/enrolment", Enrolment, Enrol(address=address, code=code))

    async def enrol_cancel(self) -> Enrolment:
        """Stop asking. Faults: refused."""
        return await self._post("/v1/enrolment/cancel", Enrolment)

    async def enrol_request(self, code: str = "") -> EnrolFile:
        """A request to carry by hand. Faults: refused, not_enrolled, code_mistyped, courier_away."""
        return await self._post("/v1/enrolment/request", EnrolFile, EnrolRequestWanted(code=code))

    async def enrol_answer(self, content: str) -> Enrolment:
        """What HQ answered, base64. Faults: refused, wrong_answer."""
        return await self._post("/v1/enrolment/answer", Enrolment, EnrolFile(content=content))

    async def enrol_by_stick(self, way: Literal["request", "answer"], code: str = "") -> Enrolment:
        """The same two on the one stick that is plugged in. Faults: those two's, and stick_missing, stick_several,
        stick_full, stick_failed, stick_no_answer."""
        return await self._post("/v1/enrolment/stick", Enrolment, EnrolByStick(way=way, code=code))

    async def enrol_facts(self, content: str, code: str) -> Enrolment:
        """HQ's file of public facts, base64. Faults: refused, facts_other_code, facts_damaged."""
        return await self._post("/v1/enrolment/facts", Enrolment, EnrolFacts(content=content, code=code))

    async def adopt(self, reason: str) -> None:
        """Go on after what HQ has. Faults: refused, bad_request, wrong_state, not_enrolled."""
        await self._post("/v1/sync/adopt", Done, Adopt(reason=reason))

    async def returned(self, after: str = "") -> ReturnedRecords:
        """Records of a lost box that HQ gave back, some at a time. Faults: refused, bad_request."""
        return await self._request("GET", f"/v1/sync/returned?after={quote(after, safe='')}", ReturnedRecords)

    # -- the first set-up of a box. All of it: Fault wrong_state where there is none (any more)

    @property
    def joined(self) -> bool:
        """Whether this client holds what the passphrase gave. The box may have forgotten it: `not_signed_in` tells."""
        return self._set_up != ""

    def leave_set_up(self) -> None:
        """Forget it: the passphrase is asked for again."""
        self._set_up = ""

    async def set_place(self, language: Literal["en", "es"], zone: str) -> None:
        """Language of the box's screen, and the machine's zone, "" to leave it. Faults: zone_unknown, machine_busy."""
        await self._post("/v1/setup/place", Done, SetPlace(language=language, zone=zone), seconds=NETWORK_SECONDS)

    async def set_keyboard_in_set_up(self, layout: str) -> None:
        """The keyboard at the box's own screen. Faults: keyboard_unknown, not_the_machine, machine_busy."""
        await self._post("/v1/setup/keyboard", Done, SetKeyboard(layout=layout), seconds=NETWORK_SECONDS)

    async def set_clinic(self, name: str, phone: str) -> None:
        """As every page shows them. Faults: bad_request."""
        await self._post("/v1/setup/clinic", Done, SetClinic(name=name, phone=phone))

    async def scan_in_set_up(self) -> tuple[HeardNetwork, ...]:
        """Wi-Fi in reach. Faults: no_wifi, not_the_machine, machine_busy."""
        return (await self._post("/v1/setup/scan", Heard, seconds=NETWORK_SECONDS)).networks

    async def network_in_set_up(self, settings: NetworkSettings) -> NetworkState:
        """Join a network and stay in it. Faults: wifi_refused, network_*, not_the_machine, machine_busy."""
        given = TryNetwork(settings=settings)
        return await self._post("/v1/setup/network", NetworkState, given, seconds=2 * NETWORK_SECONDS)

    async def set_step(self, step: SetUpStep) -> None:
        """Go on there, after a power cut too."""
        await self._post("/v1/setup/step", Done, SetStep(step=step))

    async def found_clinic(self, passphrase: str, people: tuple[SetUpPerson, ...]) -> None:
        """Make the clinic. Faults: weak_passphrase, password_…, username_taken, wrong_state (it is made), a disk's."""
        given = Beginning(passphrase=passphrase, people=people)
        self._set_up = (await self._post("/v1/setup/birth", SetUpToken, given, seconds=UNLOCK_SECONDS)).token

    async def backups_in_set_up(self) -> FoundBackups:
        """Backups on sticks, of a box that is to go on here. Faults: wrong_state (the clinic is made)."""
        return await self._request("GET", "/v1/setup/backups", FoundBackups)

    async def restore_in_set_up(self, path: str, secret: str) -> None:
        """Bring one back; set-up is over then and the box is open, or locked as any other. Faults: wrong_passphrase,
        too_many_tries, restore_busy, backup_no_place, backup_damaged, store_newer, wrong_state, a disk's."""
        given = BringBack(path=path, secret=secret)
        await self._post("/v1/setup/restore", Done, given, seconds=RESTORE_SECONDS)

    async def join_set_up(self, passphrase: str) -> None:
        """Go on with a set-up that was cut short. Faults: wrong_passphrase, too_many_tries, those of the store."""
        given = Unlock(passphrase=passphrase)
        self._set_up = (await self._post("/v1/setup/join", SetUpToken, given, seconds=UNLOCK_SECONDS)).token

    async def set_up_people(self) -> SetUpPeople:
        """The first two, whether each has a second factor, and whether a recovery sheet was typed back."""
        return await self._request("GET", "/v1/setup/people", SetUpPeople)

    async def change_founder(self, given: SetUpPerson) -> None:
        """Another name, sign-in name or password. Faults: password_…, username_taken, bad_request."""
        await self._post("/v1/setup/person", Done, given)

    async def change_passphrase_in_set_up(self, passphrase: str) -> None:
        """Faults: weak_passphrase."""
        await self._post("/v1/setup/passphrase", Done, Unlock(passphrase=passphrase), seconds=UNLOCK_SECONDS)

    async def codes_in_set_up(self, role: Literal["administrator", "clinical_lead"]) -> tuple[str, ...]:
        """A sheet of codes, which counts once one of them was typed back."""
        return (await self._post("/v1/setup/codes", Codes, CodesOf(role=role))).codes

    async def confirm_codes_in_set_up(self, role: Literal["administrator", "clinical_lead"], code: str) -> None:
        """Faults: wrong_code."""
        await self._post("/v1/setup/codes/confirm", Done, CodesOf(role=role, code=code))

    async def finish_set_up(self) -> None:
        """It is over, for ever. Faults: wrong_state (something is missing)."""
        await self._post("/v1/setup/finish", Done)
        self._set_up = ""

    # -- the end

    async def close(self) -> None:
        """Forget the tokens and close the connections."""
        self._token = self._half = self._set_up = ""
        if self._http is not None:
            await self._http.close()
            self._http = None

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            self._http = aiohttp.ClientSession(
                connector=_OwnersSocket(path=str(self._path)),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,  # a compressed answer could grow without bound
            )
        return self._http

    def _headers(self, token: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {token}"} if token else {}

    async def _post(
        self, path: str, answer: type[Answer], body: Wire | None = None, *, token: str = "", seconds: float = 0.0
    ) -> Answer:
        """Send one command; once more under the same Request-Id if the connection died under it."""
        request_id = str(uuid4())
        for tries_left in reversed(range(TRIES)):
            try:
                return await self._request(
                    "POST", path, answer, body=body, token=token, seconds=seconds, request_id=request_id
                )
            except ControlFault as fault:
                if not (tries_left and isinstance(fault.__cause__, aiohttp.ClientError)) or _no_connection(fault):
                    raise
        raise AssertionError("unreachable: the last try returns or raises")

    async def _request(
        self,
        method: str,
        path: str,
        answer: type[Answer],
        *,
        body: Wire | None = None,
        token: str = "",
        seconds: float = 0.0,
        request_id: str = "",
    ) -> Answer:
        headers = self._headers(token or self._token or self._set_up)
        if request_id:
            headers |= {"Request-Id": request_id, "Content-Type": "application/json"}
        try:
            async with self._session().request(
                method,
                f"http://hearth{path}",
                headers=headers,
                data=msgspec.json.encode(body) if body is not None else None,
                timeout=aiohttp.ClientTimeout(total=max(seconds, self._answer_seconds)),
                allow_redirects=False,
            ) as response:
                received = await _body(response)
                if response.status != 200:
                    raise _refusal(received)
                return _decode(received, answer)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(error) from error


def _segment(identifier: str) -> str:
    """An opaque id as one path segment."""
    return quote(identifier, safe="")


async def _body(response: aiohttp.ClientResponse) -> bytes:
    received = bytearray()
    async for chunk in response.content.iter_any():
        received += chunk
        if len(received) > MAX_ANSWER:
            raise ControlFault(BAD_ANSWER)
    return bytes(received)


def _decode(received: bytes, answer: type[Answer]) -> Answer:
    try:
        return msgspec.json.decode(received, type=answer)
    except msgspec.MsgspecError:
        # `from None`: the library's message may quote the answer, which may hold a name.
        raise ControlFault(BAD_ANSWER) from None


def _refusal(received: bytes) -> ControlFault:
    body = _decode(received, FaultBody)
    return ControlFault(body.code, body.sentence, body.about, body.seconds)


def _unreachable(error: Exception) -> ControlFault:
    if isinstance(error, aiohttp.ClientConnectorError) and error.os_error.errno == errno.EACCES:
        return ControlFault(NO_ACCESS)
    return ControlFault(AWAY)


def _no_connection(fault: ControlFault) -> bool:
    """Whether the command never left: then a second try at once would only meet the same closed door."""
    return isinstance(fault.__cause__, aiohttp.ClientConnectorError)
