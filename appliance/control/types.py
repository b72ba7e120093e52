"""The wire types of the control socket. Nothing else defines them; `tui` and `client` import only these.

Times are RFC 3339 strings in UTC, recorded and shown but never used for order: `sequence` orders.
A feed entry replaces the whole object that it names, so a reader never merges fields.
"""

from __future__ import annotations

from typing import Literal

import msgspec

VERSION = 1

Role = Literal["administrator", "operator", "facilitator", "clinical_lead", "billing", "auditor"]
SessionState = Literal["scheduled", "open", "ended"]
# expected: has a ticket, not here. joining: on the way through the pages. waiting: has asked to come in.
Standing = Literal["expected", "joining", "waiting", "admitted", "denied", "removed"]
TicketState = Literal["issued", "stopped", "expired"]
# How far a session is: people gather, the ground rules are shown, the hour itself, nobody sees or hears anybody.
Phase = Literal["scheduled", "open", "rules", "running", "paused", "ended"]
CardKind = Literal["rules", "guidelines", "reminder", "redirect"]
# Why a door is locked that nobody locked: each one expected is in; nobody who leads was here any more.
LockedWhy = Literal["", "complete", "leader"]
# Why somebody was removed or may not come any more.
RemovalWhy = Literal["", "disruption", "recording", "not_alone", "other_person", "own_wish", "other"]
# Why the machine's clock is not believed, or "". behind, ahead: of the last time that the box saw; jumped: set while
# the box ran; unsure: it fits, but the machine cannot know how long it was off; contradicted: a time server or HQ says
# an earlier time than the box has noted things at already.
ClockTrouble = Literal["", "behind", "ahead", "jumped", "unsure", "contradicted"]
# By what the box goes: the machine's clock alone, what staff said, headquarters, a time server, a clock with a battery.
ClockSource = Literal["machine", "staff", "headquarters", "server", "battery"]


class Wire(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=False):
    """Base of all wire types: frozen; unknown fields from a newer peer are ignored."""


class Member(Wire, frozen=True, kw_only=True):
    """One person of a session. `name` is the record's name: staff only. `display_name` is what the group sees.

    `phrase`: of the record, which the person types where they are asked for it (`phrase_given`); staff only.
    """

    id: str
    name: str
    display_name: str
    facilitator: bool
    standing: Standing
    connected: bool  # a page of theirs is open right now
    vouched: bool
    waiting_since: str
    ticket: TicketState
    other_device: bool = False  # a device other than the ticket's has shown its code and PIN
    held: bool = False  # neither sees nor hears the others
    aside: bool = False  # in a private room beside the session: back in a moment
    flagged: bool = False  # a mark for those who lead: may need somebody
    phrase: str = ""  # the record's check phrase, "" if it has none: staff only
    phrase_asked: bool = False
    phrase_given: str = ""  # as typed by who waits
    phrase_fits: bool = False
    message: str = ""  # the last line of staff to who waits
    message_at: str = ""
    removed_why: RemovalWhy = ""
    blocked: bool = False  # may not come to the sessions of this care group
    blocked_why: RemovalWhy = ""


class Concern(Wire, frozen=True, kw_only=True):
    """What somebody raised and nobody has looked after yet. `member`: whose place, "" where that is gone."""

    id: str
    member: str
    kind: str  # distress, overheard, privacy; shared, recorded, records, other with words, which the portal shows
    at: str


class Session(Wire, frozen=True, kw_only=True):
    """One session of today, with its waiting room and roster (`members`)."""

    id: str
    title: str
    starts_at: str
    state: SessionState
    locked: bool
    facilitator: str  # who leads right now, of those who lead it together
    facilitator_connected: bool  # whether any of them is
    phase: Phase = "scheduled"
    locked_why: LockedWhy = ""
    leader: str = ""  # the member who leads right now
    leader_lost: bool = False  # nobody who leads has had a page open for a while: nobody can be let in
    members: tuple[Member, ...]
    actions: tuple[str, ...]  # what the signed-in person's role may do here: words of `policy.Action`
    full: bool = False  # the box carries nobody more with picture and sound in this session
    wait_minutes: int | None = None  # how long people waited on average; null where nobody knows
    hands: tuple[str, ...] = ()  # members with a raised hand, the first one first
    concerns: tuple[Concern, ...] = ()  # for who may look after them


class Health(Wire, frozen=True, kw_only=True):
    """Box health. Sizes in bytes, `load` is the 1-minute average, `temperature` in °C or null where none is told.

    `carried`: of what box and network carry of picture and sound the part in use by `people` in rooms, 1.0 being all;
    null where nobody knows. `capacity`: whether that was measured (`hearth doctor`), set, or assumed for a machine
    like this. `disk_free`: what the box may still use; null where nobody knows. `store`: what ails the store, as
    a fault's code (disk_full, home_read_only, store_failed, store_damaged, audit_broken), or "". `throttled`: whether
    the processor was slowed down, by heat or a weak power supply, since the start or is now; null where nobody tells.
    `card`: what ails the card or disk itself, as far as it tells.
    """

    load: float
    cores: int
    memory_used: int
    memory_total: int
    disk_used: int
    disk_total: int
    temperature: float | None
    uptime_seconds: int
    carried: float | None = None
    people: int = 0
    capacity: Literal["measured", "set", "assumed"] = "assumed"
    disk_free: int | None = None
    store: str = ""
    throttled: Literal["never", "before", "now"] | None = None
    card: Literal["", "worn", "failing"] = ""


Deed = Literal["off", "not_due", "busy", "made", "failed", "whole", "broken", "asked"]


class Reminded(Wire, frozen=True, kw_only=True):
    """What the box did when a timer reminded it (`timer.py` has the sentences)."""

    did: Deed


class StickRefusal(Wire, frozen=True, kw_only=True):
    """A file on a stick that was not taken, and why: a code of sync's faults."""

    name: str
    code: str


class StickState(Wire, frozen=True, kw_only=True):
    """The stick that is written or read now (`step`, `percent`), and what came of the last one (`way`, `at`).

    export: `segments` and `bytes` were written, `there` were on it whole already. import: `settled` segments got their
    receipt, `packs` were taken, `others` boxes have something on it; `nothing`: it has nothing for this box. `fault`:
    why it ended early, a fault's code, or "".
    """

    step: Literal["", "writing", "reading"] = ""
    percent: int = 0
    way: Literal["", "export", "import"] = ""
    at: str = ""
    segments: int = 0
    bytes: int = 0
    there: int = 0
    settled: int = 0
    packs: int = 0
    others: int = 0
    nothing: bool = False
    refused: tuple[StickRefusal, ...] = ()
    fault: str = ""


class Sync(Wire, frozen=True, kw_only=True):
    """How the sealed records travel. `queued`: records without a receipt. `fault`: the courier's last code or "",
    `receipt_missing` where it was handed over long ago and nothing came back, `gap` with `missing`.

    `courier`, `waits_until`, `bytes_today`, `budget_left` (-1: no budget) and `rate` (bytes a second, 0: not known) as
    the courier tells them (sync/spool.py). `trouble`: why nothing is sealed until a person adopts HQ's log, a code of
    sync's faults, or "". `heard_at`: when HQ was last heard; `silent`: that is longer ago than it should be.
    """

    state: Literal["not_enrolled", "up_to_date", "sending", "hq_unreachable"]
    queued: int
    last_receipt_at: str
    last_attempt_at: str
    fault: str
    unreachable_since: str = ""  # when HQ was missed first; "" while it answers
    queued_bytes: int = 0  # of the records that wait: sealed ones as they travel, others before sealing
    oldest_at: str = ""  # of the records that wait
    courier: Literal["", "no_hq", "idle", "connecting", "sending", "waiting", "hours", "budget"] = ""
    waits_until: str = ""
    bytes_today: int = 0
    budget_left: int = -1
    rate: float = 0.0
    trouble: str = ""
    trouble_since: str = ""
    exported_at: str = ""  # when the first record without a receipt went on a stick
    missing: tuple[int, ...] = ()  # HQ lost these segments, first and last, and their bytes are gone here too
    heard_at: str = ""
    silent: bool = False
    packs_waiting: int = 0  # from HQ, not taken over yet
    pack_fault: str = ""  # why the next one is not, a code
    update: str = ""  # the version of a release that HQ told of, "" for none
    update_since: str = ""  # its day, as HQ has it
    packs_applied: int = 0  # up to this one
    silent_days: int = 0  # how long HQ was not heard, where that is too long
    portal_name: str = ""  # under which the portal has a certificate that HQ got
    portal_certificate_days: int | None = None  # until that one ends
    to_appoint: int = 0  # staff of HQ's roster who have no account here
    kept_accounts: int = 0  # HQ wants them changed, but they are the last that manage the others
    certificate_ends: str = ""  # of the box's certificate towards HQ
    stick: StickState = StickState()


class Release(Wire, frozen=True, kw_only=True):
    """A bundle that lies somewhere. `where`: the stick's name, "" for what came over the line; `refused`: why it is not
    for this box, a fault's code, "" if it can be installed."""

    path: str
    where: str
    size: int
    version: str
    refused: str = ""


class Updates(Wire, frozen=True, kw_only=True):
    """Releases of the box. `possible`: this machine is the box's own. `made_at`: when the one that runs was built,
    `since`: since when it runs, "" for since the box was set up or not known. `trial`: it has yet to prove itself.
    `installed`: waits to be started; `other_version`: can be gone back to; `failed_version`: did not come up
    (`fell_back`) or was not written to its end. `release`, `notes`: what HQ told of; `fetching`, `have`,
    `size`: how far the courier is with it.
    """

    possible: bool
    version: str
    made_at: str = ""
    since: str = ""
    trial: bool = False
    installed: str = ""
    other_version: str = ""
    failed_version: str = ""
    fell_back: bool = False
    release: str = ""
    release_since: str = ""
    notes: dict[str, str] = {}
    fetching: Literal["", "waiting", "fetching", "here", "none", "no_room"] = ""
    fetch_fault: str = ""
    have: int = 0
    size: int = 0
    found: tuple[Release, ...] = ()
    step: Literal["", "installing"] = ""
    percent: int = 0
    installing: str = ""
    fault: str = ""
    restart_at: str = ""


class InstallRelease(Wire, frozen=True, kw_only=True):
    """Install what lies there. `anyway`: although a session goes on; `repair`: although it runs already."""

    path: str
    anyway: bool = False
    repair: bool = False


class StartRelease(Wire, frozen=True, kw_only=True):
    """Start what was installed: now, in the night, or with the next restart, whoever makes it."""

    when: Literal["now", "tonight", "later"]
    anyway: bool = False


class Enrolment(Wire, frozen=True, kw_only=True):
    """Whether this box has a headquarters, and what it asks it. `fault`: why there is no answer yet, or why HQ refused,
    a code of sync's faults. `hq_code`: of HQ's key, as HQ reads it out. `clock_off`: seconds by which this box's clock
    was ahead of HQ's."""

    state: Literal["not_enrolled", "asking", "enrolled"]
    address: str = ""
    fault: str = ""
    name: str = ""  # of this box at HQ
    box: str = ""  # its id
    hq_code: str = ""
    enrolled_at: str = ""
    clock_off: int = 0
    certificate_ends: str = ""


class Enrol(Wire, frozen=True, kw_only=True):
    """Ask HQ at this address to let the box in by the code that HQ gave."""

    address: str
    code: str


class EnrolRequestWanted(Wire, frozen=True, kw_only=True):
    """A request to carry by hand; `code` "" for a new certificate of a box that HQ knows."""

    code: str = ""


class EnrolFile(Wire, frozen=True, kw_only=True):
    """A request or an answer, base64."""

    content: str


class EnrolByStick(Wire, frozen=True, kw_only=True):
    """Write the request for HQ on the one stick that is plugged in, or read HQ's answer from it. `code` as above."""

    way: Literal["request", "answer"]
    code: str = ""


class EnrolFacts(Wire, frozen=True, kw_only=True):
    """HQ's public facts from a file, base64, and the code of its key that a person compared."""

    content: str
    code: str


class Copies(Wire, frozen=True, kw_only=True):
    """Backups of the box, without a name or a path. `state` and `last_at`: of the newest good one; people are told of
    an old one.

    `step` and `percent`: of the one that is being made. `fault`: why the last try failed, "" when it did not.
    `same_disk`: the newest lies on the box's own disk. `restored_from`: this store came out of a backup of that moment,
    and nobody who may back up was told yet.
    """

    state: Literal["unknown", "none", "fine", "old"] = "unknown"  # unknown: while the box is locked
    last_at: str = ""
    step: Literal["", "copying", "checking"] = ""
    percent: int = 0
    fault: str = ""
    automatic: bool = False
    same_disk: bool = False
    restored_from: str = ""


class Contact(Wire, frozen=True, kw_only=True):
    """Whom to call. `about`: when, or for what, "" where nothing needs to be said."""

    name: str
    phone: str
    about: str = ""


class OnCall(Wire, frozen=True, kw_only=True):
    """Who of the staff is on call."""

    contacts: tuple[Contact, ...]


# Where set-up goes on, in this order. From `codes` on there is a clinic, and its passphrase is asked for first.
SetUpStep = Literal["welcome", "place", "clinic", "network", "passphrase", "codes", "sheet", "headquarters", "done"]


class SetUp(Wire, frozen=True, kw_only=True):
    """How far the first set-up is. `born`: the clinic is made, its passphrase opens the rest. `zone`: of the tz
    database. `machine`: the box may set network, zone and keyboard of the machine it runs on. `keyboard`: "" for none
    chosen. `restoring`: percent of a backup that is being brought back instead, -1 for none."""

    step: SetUpStep
    born: bool
    zone: str = ""
    machine: bool = False
    keyboard: str = ""
    restoring: int = -1


class Box(Wire, frozen=True, kw_only=True):
    """What the console shows before anybody signed in. new: it is being set up, and `set_up` says how far that is."""

    state: Literal["new", "locked", "unlocked"]
    clinic: str
    version: str
    addresses: tuple[str, ...]  # portal addresses, best first
    phone: str = ""  # under which a human answers; it is on every page and paper
    relay_connected: bool
    clock: ClockTrouble = ""
    clock_correction: int = 0  # seconds that the box goes ahead of the machine's own clock
    clock_synchronised: bool = False  # a time server or headquarters sets the clock, nobody else can
    clock_source: ClockSource = "machine"
    emergency: tuple[Contact, ...] = ()  # whom to call in an emergency, for whoever sits there, on a locked box too
    set_up: SetUp | None = None
    language: str = ""  # that the clinic chose for the box's own screen
    update: Literal["", "trial", "failed", "installed", "ready"] = (
        ""  # what a release waits for; `update_version`: which
    )
    update_version: str = ""
    certificate_days: int | None = None  # until the portal's own certificate ends, which the box renews by itself
    authority_days: int | None = None  # until the one ends that devices of the clinic trust


class Login(Wire, frozen=True, kw_only=True):
    """Who is signed in at this console."""

    person: str
    name: str
    role: Role
    may: tuple[str, ...] = ()  # what the role may do with the box itself: words of `policy.Action`


class Snapshot(Wire, frozen=True, kw_only=True):
    """All the console shows. `sequence` is the newest feed entry it contains. Without a login `sessions` is empty."""

    version: int
    sequence: int
    box: Box
    login: Login | None
    sessions: tuple[Session, ...]
    health: Health
    sync: Sync
    copies: Copies = Copies()


class FeedEntry(Wire, frozen=True, kw_only=True):
    """One line of the feed: one of the objects is set, or `gap`: take a new snapshot (also after an unlock).

    Numbers rise by one; an entry with nothing set is a change that this login may not see.
    """

    sequence: int
    session: Session | None = None
    health: Health | None = None
    sync: Sync | None = None
    box: Box | None = None
    copies: Copies | None = None
    gap: bool = False


class FaultBody(Wire, frozen=True, kw_only=True):
    """The body of every answer that is not 2xx."""

    code: str
    sentence: str
    about: str = ""  # a number or a version that goes with the code
    seconds: int = 0  # until it is worth another try, 0 where nobody can tell


class Admit(Wire, frozen=True, kw_only=True):
    """What goes along with an action on a session or a member; each is for the action that it is named after.

    `beyond`: how to admit where the box is at its limit. "" asks first, and the answer is then the fault `box_full`;
    fewer: everybody in the room is sent fewer pictures, and all sound; anyway: nothing is made smaller for this person.
    `text`: a message to one who waits. `why`, `block`: of a removal. `leader`: the person who goes aside with somebody.
    """

    beyond: Literal["", "fewer", "anyway"] = ""
    text: str = ""
    why: RemovalWhy = ""
    block: bool = False
    leader: str = ""


class ShowCard(Wire, frozen=True, kw_only=True):
    """Show a card to all in the room, or to one member; each acknowledges it."""

    kind: CardKind
    member: str = ""


class AcceptRollback(Wire, frozen=True, kw_only=True):
    """On a locked box: go on with a store of which later entries are missing. The reason stays in the audit."""

    passphrase: str
    reason: str


class Unlock(Wire, frozen=True, kw_only=True):
    passphrase: str


class SignIn(Wire, frozen=True, kw_only=True):
    username: str
    password: str


class Code(Wire, frozen=True, kw_only=True):
    """As typed: six digits of an authenticator, or a code from the printed sheet."""

    code: str


class NewPassword(Wire, frozen=True, kw_only=True):
    """Instead of one that somebody else made up. `again`: typed a second time."""

    password: str
    again: str


class Codes(Wire, frozen=True, kw_only=True):
    """A new sheet of printed codes, the only time that they are known."""

    codes: tuple[str, ...]

    def __repr__(self) -> str:
        return "Codes(…)"


Stage = Literal["second", "new_password", "set_up", "full"]


class WayIn(Wire, frozen=True, kw_only=True):
    """How far somebody has come. `token` is the next step's, or the login's where `stage` is full; memory only.

    second: a code is asked for, of the kinds that the person has. new_password: somebody else made up the old one.
    set_up: there is no second factor yet. `codes`: printed ones that are left.
    """

    stage: Stage
    token: str
    login: Login | None = None
    authenticator: bool = False
    codes: int = 0
    passkeys: int = 0

    def __repr__(self) -> str:
        return f"WayIn({self.stage})"


class Invitation(Wire, frozen=True, kw_only=True):
    """A ticket as it is handed out: `link` and `pin` travel separately; shown once, stored only as a hash.

    `rejoin`: for one who lost device or line, to be told on the phone within half an hour. `session` and `member`:
    whose it is, to ask for its paper.
    """

    link: str
    code: str
    pin: str
    name: str
    rejoin: bool = False
    session: str = ""
    member: str = ""


class PaperWanted(Wire, frozen=True, kw_only=True):
    """A ticket that was issued a moment ago, to be printed: the box holds neither its code nor its PIN."""

    session: str
    member: str
    code: str
    pin: str
    kind: Literal["invitation", "pin"]
    language: Literal["en", "es"]


class Paper(Wire, frozen=True, kw_only=True):
    """The PDF, in base64 on the wire."""

    pdf: bytes


class Place(Wire, frozen=True, kw_only=True):
    """Where a backup can go. Sizes in bytes. `fault`: why none can go there now, a fault's code, else ""."""

    path: str
    kind: Literal["folder", "stick"]
    free: int
    total: int
    same_disk: bool
    fault: str = ""


class Backups(Wire, frozen=True, kw_only=True):
    """For who may back up. `last_name`, `last_place`, `last_size` (bytes): of the newest good one, empty for none.

    `every_hours`: between two that the box makes by itself, 0 for none; `keep`: how many stay in a folder, 0 for all.
    """

    copies: Copies
    places: tuple[Place, ...]
    last_name: str = ""
    last_place: str = ""
    last_size: int = 0
    every_hours: int = 0
    keep: int = 0


class BackUp(Wire, frozen=True, kw_only=True):
    """Make a backup in this folder, a full path as the box sees it."""

    to: str


class CarryStick(Wire, frozen=True, kw_only=True):
    """Write sealed records on the stick mounted there, or read what HQ put on it."""

    way: Literal["export", "import"]
    place: str


class Sticks(Wire, frozen=True, kw_only=True):
    """Where a stick is plugged in."""

    places: tuple[Place, ...]


class ReturnedRecord(Wire, frozen=True, kw_only=True):
    """A record of a lost box that HQ gave back. `box`: its id; `body`: as it went up, base64 on the wire."""

    box: str
    number: int
    record_class: str
    at: str
    body: bytes

    def __repr__(self) -> str:
        return "ReturnedRecord(…)"


class ReturnedRecords(Wire, frozen=True, kw_only=True):
    """Some of them. `after`: ask for what follows with that; "" when these were the last."""

    records: tuple[ReturnedRecord, ...]
    after: str


class Adopt(Wire, frozen=True, kw_only=True):
    """Go on after what HQ has. The reason stays in the audit."""

    reason: str


class Done(Wire, frozen=True, kw_only=True):
    """An action succeeded; its effect comes through the feed."""

    done: bool = True


# -- the clock


class Clock(Wire, frozen=True, kw_only=True):
    """What time the box goes by, and why that may be wrong. `synchronised`: a time server sets it, nobody else can."""

    at: str
    trouble: ClockTrouble
    correction: int  # seconds that the box goes ahead of the machine's own clock
    synchronised: bool


class SetClock(Wire, frozen=True, kw_only=True):
    """It is `at` (RFC 3339) at the moment of sending. `back`: although the box has been further already."""

    at: str
    back: bool = False


# -- the network of the machine


class Interface(Wire, frozen=True, kw_only=True):
    """A way onto a network that the machine has. `up`: a cable is plugged in, or the Wi-Fi is joined or offered."""

    name: str
    kind: Literal["wired", "wifi"]
    up: bool
    addresses: tuple[str, ...] = ()  # IPv4, of it alone


class HeardNetwork(Wire, frozen=True, kw_only=True):
    """A Wi-Fi network nearby. `strength`: 0 to 100; `locked`: it asks for a password."""

    name: str
    strength: int
    locked: bool


class WiredSettings(Wire, frozen=True, kw_only=True):
    """How every cable is used. `address`: with the length of its network, as in 192.168.1.5/24; where it is static."""

    addressing: Literal["dhcp", "static"] = "dhcp"
    address: str = ""
    gateway: str = ""
    dns: tuple[str, ...] = ()


class WifiSettings(Wire, frozen=True, kw_only=True):
    """A network to join. `password`: null where it stays as it is (the box never tells it), "" for an open network.

    `country`: two letters (ISO 3166), which decide what a radio may do there.
    """

    name: str
    password: str | None = None
    country: str

    def __repr__(self) -> str:
        return "WifiSettings()"


class AccessPointSettings(Wire, frozen=True, kw_only=True):
    """A network of the box's own. `password`: as above, but there is none without; `channel`: 1 to 11, or 36 to 48."""

    name: str
    password: str | None = None
    country: str
    channel: int = 6

    def __repr__(self) -> str:
        return "AccessPointSettings()"


class NetworkSettings(Wire, frozen=True, kw_only=True):
    """How the machine is on the network. Cables are used whatever the `kind`; the other kinds are kept for later."""

    kind: Literal["wired", "wifi", "access_point"] = "wired"
    wired: WiredSettings = WiredSettings()
    wifi: WifiSettings | None = None
    access_point: AccessPointSettings | None = None


class NetworkState(Wire, frozen=True, kw_only=True):
    """How the machine is on the network now. `possible`: whether it can be changed from here.

    `seconds_left`: the settings are on trial, and the ones before them come back by themselves then; 0: none are.
    `urls`: where people find the portal, surest first. `authority`: the SHA-256 of the certificate of the box's own
    authority, in groups, to be compared with what a device shows; "" until there is one.
    """

    possible: bool
    interfaces: tuple[Interface, ...]
    settings: NetworkSettings = NetworkSettings()
    seconds_left: int = 0
    zone: str = ""  # as in Europe/Madrid
    keyboard: str = ""  # one of KEYBOARDS, "" for none chosen
    urls: tuple[str, ...] = ()
    authority: str = ""


class TryNetwork(Wire, frozen=True, kw_only=True):
    """Try these settings. They are on trial (`NetworkState.seconds_left`) until they are kept."""

    settings: NetworkSettings


class Heard(Wire, frozen=True, kw_only=True):
    """The Wi-Fi networks nearby, the strongest first."""

    networks: tuple[HeardNetwork, ...]


class SetZone(Wire, frozen=True, kw_only=True):
    """The time zone by its name, as in Europe/Madrid."""

    zone: str


# Layouts of the keyboard at the box's own screen, by xkb's words.
KEYBOARDS = ("us", "gb", "es", "latam", "br", "pt", "fr", "de")


class SetKeyboard(Wire, frozen=True, kw_only=True):
    """`layout`: one of KEYBOARDS."""

    layout: str


# -- the machine


class Doctor(Wire, frozen=True, kw_only=True):
    """What a helper on the telephone asks, without a name: `lines` as they are read out, each with its number in front.

    `code`: the same figures in short, for a QR code or to be typed elsewhere (`hearth doctor --read`). `words`: two
    that fit this code and hardly another one, to be read out last. `bad`: numbers of lines that need somebody.
    """

    lines: tuple[str, ...]
    code: str
    words: tuple[str, str]
    bad: tuple[int, ...] = ()


class Power(Wire, frozen=True, kw_only=True):
    """Restart the machine or switch it off. `anyway`: although a session goes on."""

    do: Literal["restart", "off"]
    anyway: bool = False


class Reset(Wire, frozen=True, kw_only=True):
    """Delete everything. `clinic`: its name, as it was typed."""

    clinic: str


class Erase(Wire, frozen=True, kw_only=True):
    """Delete everything of a box that nobody can open. `word`: as it was typed."""

    word: str


# -- the keys of the box


class KeySlot(Wire, frozen=True, kw_only=True):
    """One way into the box. `state`: works (its secret was seen to), untried (a sheet nobody typed back, or the
    machine's before a start that it opened), elsewhere (HQ or the machine holds it), foreign (not made by this box as
    it stands). `removable`: another that works would stay.
    """

    id: str
    kind: Literal["passphrase", "sheet", "hq", "machine"]
    label: str
    made_at: str
    tried_at: str
    state: Literal["works", "untried", "elsewhere", "foreign"]
    removable: bool


class Keys(Wire, frozen=True, kw_only=True):
    """All key slots. `enrolled`: HQ's key is known, so it can be given a slot; `hq_code`: what is compared with HQ by
    telephone before that. `machine_keeps`: how this machine can keep a secret so that the box opens by itself: with a
    TPM, or on the same disk as the store. Seconds that a rekey takes: on a fast machine, on a slow one."""

    slots: tuple[KeySlot, ...]
    enrolled: bool
    hq_code: str = ""
    machine_keeps: Literal["nothing", "on_disk", "by_tpm"] = "nothing"
    rekey_seconds: float
    rekey_seconds_slow: float


class AddPassphrase(Wire, frozen=True, kw_only=True):
    passphrase: str
    label: str = ""


class AddSheet(Wire, frozen=True, kw_only=True):
    language: Literal["en", "es"]
    label: str = ""


class AddHq(Wire, frozen=True, kw_only=True):
    """`code`: the one of HQ's key that was compared."""

    code: str


class AddMachine(Wire, frozen=True, kw_only=True):
    """The public half of what this machine keeps by systemd-creds; the private half never comes here."""

    public: bytes
    label: str = ""


class AddOwn(Wire, frozen=True, kw_only=True):
    """Have this machine keep a secret, on a box that is the machine's own. `tpm`: the person was told that a TPM guards
    it; then nothing is kept without one."""

    tpm: bool


class KeyMade(Wire, frozen=True, kw_only=True):
    id: str


class Sheet(Wire, frozen=True, kw_only=True):
    """A recovery sheet, shown once. `code`: what its QR code holds, the words as a foreign keyboard types them."""

    id: str
    words: tuple[str, ...]
    code: str


class KeySecret(Wire, frozen=True, kw_only=True):
    """A passphrase, or a sheet's words, to be tried; or the new passphrase of a slot."""

    secret: str


class Rekeyed(Wire, frozen=True, kw_only=True):
    seconds: float


# -- the audit


class AuditAgainst(Wire, frozen=True, kw_only=True):
    """Signed checkpoints from outside of the box to hold the log against, as text."""

    notes: tuple[str, ...] = ()


class AuditFinding(Wire, frozen=True, kw_only=True):
    """What is wrong (appliance/audit/checking.py has the kinds) with entries `first` to `last`; 0: none of its own."""

    what: str
    first: int
    last: int
    source: str


class AuditVerified(Wire, frozen=True, kw_only=True):
    """`size` entries under `root` (hex), the last signed one being `signed`; `key`: the box's verify key, hex."""

    findings: tuple[AuditFinding, ...]
    size: int
    root: str
    signed: int
    key: str


class AuditProof(Wire, frozen=True, kw_only=True):
    """The proof's file (appliance/audit/proof.py)."""

    proof: str


# -- set-up


class SetPlace(Wire, frozen=True, kw_only=True):
    """`zone`: "" leaves the machine's."""

    language: Literal["en", "es"]
    zone: str = ""


class SetClinic(Wire, frozen=True, kw_only=True):
    name: str
    phone: str


class SetStep(Wire, frozen=True, kw_only=True):
    """Go on at this step from now on, after a power cut too."""

    step: SetUpStep


class SetUpPerson(Wire, frozen=True, kw_only=True):
    """One of the first two. `password`: on the way in only; "" keeps the one there is. `ready`: has a second factor."""

    role: Literal["administrator", "clinical_lead"]
    name: str
    username: str
    password: str = ""
    ready: bool = False

    def __repr__(self) -> str:
        return f"SetUpPerson({self.role})"


class SetUpPeople(Wire, frozen=True, kw_only=True):
    people: tuple[SetUpPerson, ...]
    sheet: bool = False  # a recovery sheet was typed back


class Beginning(Wire, frozen=True, kw_only=True):
    """The clinic itself, made in one piece."""

    passphrase: str
    people: tuple[SetUpPerson, ...]

    def __repr__(self) -> str:
        return "Beginning(…)"


class FoundBackup(Wire, frozen=True, kw_only=True):
    """A backup on a stick. `at`: of which moment, `box`: its number in hex, `size` in bytes; all empty, and `fault`
    says why, where it cannot be read."""

    path: str
    stick: str
    at: str = ""
    box: str = ""
    size: int = 0
    fault: str = ""


class FoundBackups(Wire, frozen=True, kw_only=True):
    """The newest first. `sticks`: how many are plugged in."""

    sticks: int
    backups: tuple[FoundBackup, ...] = ()


class BringBack(Wire, frozen=True, kw_only=True):
    """A backup onto this new box. `secret`: a passphrase of the box that it was made of, or its sheet's words."""

    path: str
    secret: str

    def __repr__(self) -> str:
        return "BringBack(…)"


class SetUpToken(Wire, frozen=True, kw_only=True):
    """What the rest of set-up is asked with; memory only."""

    token: str

    def __repr__(self) -> str:
        return "SetUpToken(…)"


class CodesOf(Wire, frozen=True, kw_only=True):
    """A new sheet of codes for one of the first two, or (`code`) one of them as it was written down."""

    role: Literal["administrator", "clinical_lead"]
    code: str = ""
