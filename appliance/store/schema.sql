-- What the migrations add up to; written by appliance.store.freeze.

CREATE TABLE accounts (
    person     TEXT PRIMARY KEY REFERENCES people (id),
    username   TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role       TEXT NOT NULL CHECK (role IN ('administrator', 'operator', 'facilitator', 'clinical_lead', 'billing', 'auditor')),
    password   TEXT NOT NULL,  -- Argon2id in PHC string format
    retired_at TEXT
, must_change INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1)), wrong_codes INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE acknowledgements (
    card   TEXT NOT NULL REFERENCES cards (id),
    member TEXT NOT NULL REFERENCES members (id),
    at     TEXT NOT NULL,
    PRIMARY KEY (card, member)
) WITHOUT ROWID, STRICT;

CREATE TABLE agreement_origins (
    version    INTEGER PRIMARY KEY,
    hq_version INTEGER NOT NULL
) STRICT;

CREATE TABLE agreements (
    version      INTEGER NOT NULL,
    language     TEXT NOT NULL,
    title        TEXT NOT NULL,
    body         TEXT NOT NULL,
    digest       TEXT NOT NULL,  -- SHA-256 of title, a line feed and body, hex
    published_at TEXT NOT NULL,
    PRIMARY KEY (version, language)
) STRICT;

CREATE TABLE attendances (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    member    TEXT NOT NULL REFERENCES members (id),
    joined_at TEXT NOT NULL,
    left_at   TEXT
) STRICT;

CREATE TABLE audit (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at       TEXT NOT NULL,
    actor    TEXT NOT NULL,
    role     TEXT NOT NULL,
    surface  TEXT NOT NULL,
    action   TEXT NOT NULL,
    session  TEXT NOT NULL,
    subject  TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash     BLOB NOT NULL
, form INTEGER NOT NULL DEFAULT 1, address TEXT NOT NULL DEFAULT '', person TEXT NOT NULL DEFAULT '', thing TEXT NOT NULL DEFAULT '', times INTEGER NOT NULL DEFAULT 1) STRICT;

CREATE TABLE audit_checkpoints (
    number INTEGER PRIMARY KEY,
    size   INTEGER NOT NULL UNIQUE,
    root   BLOB NOT NULL,
    at     TEXT NOT NULL,
    note   TEXT NOT NULL
) STRICT;

CREATE TABLE audit_head (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    size  INTEGER NOT NULL,
    peaks BLOB NOT NULL,
    last  BLOB NOT NULL
) STRICT;

CREATE TABLE audit_nodes (
    level    INTEGER NOT NULL,  -- over 2 to the power of that entries
    position INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    PRIMARY KEY (level, position)
) WITHOUT ROWID, STRICT;

CREATE TABLE authenticators (
    person    TEXT NOT NULL REFERENCES people (id),
    pending   INTEGER NOT NULL CHECK (pending IN (0, 1)),
    secret    TEXT NOT NULL,  -- base32
    last_step INTEGER NOT NULL DEFAULT 0,
    since     TEXT NOT NULL,
    holder    BLOB NOT NULL,
    PRIMARY KEY (person, pending)
) STRICT;

CREATE TABLE backups (
    number  INTEGER PRIMARY KEY CHECK (number >= 1),
    at      TEXT NOT NULL,
    name    TEXT NOT NULL,
    place   TEXT NOT NULL,     -- the folder that holds it, as the box saw it then
    size    INTEGER NOT NULL,  -- bytes of all its files
    entries INTEGER NOT NULL   -- of the audit, as it was then
) STRICT;

CREATE TABLE blocks (
    person     TEXT NOT NULL REFERENCES people (id),
    care_group TEXT NOT NULL REFERENCES care_groups (id),
    why        TEXT NOT NULL,
    at         TEXT NOT NULL,
    PRIMARY KEY (person, care_group)
) STRICT;

CREATE TABLE box_identity (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    box          BLOB NOT NULL CHECK (length(box) = 16),
    signing_seed BLOB NOT NULL CHECK (length(signing_seed) = 32)
) STRICT;

CREATE TABLE box_inbox (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seed BLOB NOT NULL CHECK (length(seed) = 32)  -- of the X-Wing key that packs are sealed to
) STRICT;

CREATE TABLE box_secrets (
    name  TEXT PRIMARY KEY,
    value BLOB NOT NULL
) STRICT;

CREATE TABLE box_tls (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    ca_key         BLOB NOT NULL,  -- PKCS #8 in PEM
    ca_certificate BLOB NOT NULL,  -- PEM
    made_at        TEXT NOT NULL
) STRICT;

CREATE TABLE cards (
    number   INTEGER PRIMARY KEY,  -- the order in which they were shown
    id       TEXT NOT NULL UNIQUE,
    session  TEXT NOT NULL REFERENCES sessions (id),
    kind     TEXT NOT NULL CHECK (kind IN ('rules', 'guidelines', 'reminder', 'redirect')),
    member   TEXT REFERENCES members (id),  -- NULL: to all
    shown_by TEXT REFERENCES people (id),  -- NULL: by the box itself
    at       TEXT NOT NULL
) STRICT;

CREATE TABLE care_group_clinicians (
    care_group TEXT NOT NULL REFERENCES care_groups (id),
    person     TEXT NOT NULL REFERENCES people (id),
    since      TEXT NOT NULL,
    PRIMARY KEY (care_group, person)
) STRICT;

CREATE TABLE care_group_epochs (
    care_group TEXT NOT NULL REFERENCES care_groups (id),
    epoch      INTEGER NOT NULL CHECK (epoch >= 1),
    link       BLOB NOT NULL CHECK (length(link) = 32),  -- by the key of the epoch before
    made_by    TEXT NOT NULL REFERENCES people (id),
    made_at    TEXT NOT NULL,
    PRIMARY KEY (care_group, epoch)
) STRICT;

CREATE TABLE care_group_keys (
    care_group TEXT NOT NULL,
    epoch      INTEGER NOT NULL,
    holder     TEXT NOT NULL,  -- a clinician, or 'recovery'
    key_hash   BLOB NOT NULL CHECK (length(key_hash) = 32),  -- of the public key that it is sealed to
    grant_mac  BLOB NOT NULL CHECK (length(grant_mac) = 32),  -- by the epoch's own key
    sealed     BLOB,  -- NULL once access has been taken away
    PRIMARY KEY (care_group, epoch, holder),
    FOREIGN KEY (care_group, epoch) REFERENCES care_group_epochs (care_group, epoch)
) STRICT;

CREATE TABLE care_groups (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL
, cycle INTEGER NOT NULL DEFAULT 1 CHECK (cycle >= 1), cycle_began_at TEXT) STRICT;

CREATE TABLE clinician_keys (
    person     TEXT NOT NULL REFERENCES people (id),
    number     INTEGER NOT NULL CHECK (number >= 1),
    public     BLOB NOT NULL CHECK (length(public) = 1216),  -- X-Wing
    memory     INTEGER NOT NULL,  -- Argon2id: KiB, passes, lanes
    passes     INTEGER NOT NULL,
    lanes      INTEGER NOT NULL,
    salt       BLOB NOT NULL CHECK (length(salt) = 16),
    nonce      BLOB NOT NULL CHECK (length(nonce) = 12),
    wrapped    BLOB NOT NULL CHECK (length(wrapped) = 48),
    made_at    TEXT NOT NULL,
    known      BLOB NOT NULL,  -- sealed by the key itself: which keys of groups its owner knows (notes/access/known.py)
    PRIMARY KEY (person, number)
) STRICT;

CREATE TABLE clock (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    correction INTEGER NOT NULL,  -- seconds to add to the machine's clock, as staff measured them
    seen_at    INTEGER NOT NULL,
    steady     INTEGER NOT NULL,
    boot       TEXT NOT NULL,  -- the kernel's name for the start in which staff last said the time, or ''
    doubt      INTEGER NOT NULL CHECK (doubt IN (0, 1))  -- the box went by a stop-gap, and nobody has said the time since
) STRICT;

CREATE TABLE comparisons (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    session  TEXT NOT NULL REFERENCES sessions (id),
    group_id TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    member   TEXT NOT NULL REFERENCES members (id),
    at       TEXT NOT NULL
) STRICT;

CREATE TABLE concerns (
    number  INTEGER PRIMARY KEY,
    id      TEXT NOT NULL UNIQUE,
    session TEXT NOT NULL REFERENCES sessions (id),
    member  TEXT REFERENCES members (id) ON DELETE SET NULL,
    person  TEXT NOT NULL REFERENCES people (id),
    kind    TEXT NOT NULL
            CHECK (kind IN ('distress', 'overheard', 'privacy', 'shared', 'recorded', 'records', 'other')),
    words   TEXT NOT NULL DEFAULT '' CHECK (length(words) <= 600),  -- only from the page outside of the room
    outside INTEGER NOT NULL CHECK (outside IN (0, 1)),  -- raised on that page, not with a tap in the room
    at      TEXT NOT NULL,
    seen_at TEXT,
    seen_by TEXT REFERENCES people (id)
) STRICT;

CREATE TABLE consent_parts (
    consent INTEGER NOT NULL REFERENCES consents (sequence),
    part    TEXT NOT NULL CHECK (part IN ('limits', 'risks')),
    digest  TEXT NOT NULL REFERENCES consent_texts (digest),
    at      TEXT NOT NULL,
    PRIMARY KEY (consent, part)
) STRICT;

CREATE TABLE consent_texts (
    digest   TEXT PRIMARY KEY,  -- as of agreements
    part     TEXT NOT NULL CHECK (part IN ('limits', 'risks')),
    language TEXT NOT NULL,
    title    TEXT NOT NULL,
    body     TEXT NOT NULL
) STRICT;

CREATE TABLE consents (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    person    TEXT NOT NULL REFERENCES people (id),
    version   INTEGER NOT NULL,
    language  TEXT NOT NULL,
    digest    TEXT NOT NULL,
    signature TEXT NOT NULL,  -- the name as the person typed it
    at        TEXT NOT NULL, care_group TEXT REFERENCES care_groups (id), cycle INTEGER NOT NULL DEFAULT 1 CHECK (cycle >= 1), member TEXT,
    FOREIGN KEY (version, language) REFERENCES agreements (version, language)
) STRICT;

CREATE TABLE contacts (
    list  TEXT NOT NULL CHECK (list IN ('emergency', 'on_call')),
    place INTEGER NOT NULL CHECK (place >= 1),
    name  TEXT NOT NULL,
    phone TEXT NOT NULL,
    about TEXT NOT NULL,  -- when or for what; "" where nothing needs to be said
    PRIMARY KEY (list, place)
) STRICT;

CREATE TABLE disclosure_consents (
    id         TEXT PRIMARY KEY,  -- opaque; it goes with every record that goes under it
    person     TEXT NOT NULL REFERENCES people (id),
    scopes     TEXT NOT NULL,     -- words of disclosures/rules.py, parted by spaces
    version    INTEGER NOT NULL,  -- of the form's text
    language   TEXT NOT NULL,
    digest     TEXT NOT NULL,     -- SHA-256 of the text as it was shown
    signature  TEXT NOT NULL,     -- the name as it was typed, or as it stands on the paper
    how        TEXT NOT NULL CHECK (how IN ('portal', 'paper')),
    granted_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at   TEXT NOT NULL DEFAULT '',
    why        TEXT NOT NULL DEFAULT '' CHECK (why IN ('', 'withdrawn', 'replaced', 'expired'))
) STRICT;

CREATE TABLE disclosures (
    number  INTEGER NOT NULL REFERENCES outbox (number),
    person  TEXT NOT NULL REFERENCES people (id),
    consent TEXT NOT NULL REFERENCES disclosure_consents (id),
    scope   TEXT NOT NULL,
    held    INTEGER NOT NULL DEFAULT 0,  -- 1: the consent ended before it was sealed, and it was taken out
    PRIMARY KEY (number, person)
) WITHOUT ROWID, STRICT;

CREATE TABLE enrolment_asked (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    url      TEXT NOT NULL,
    code     TEXT NOT NULL,  -- as it was typed; gone with the answer
    request  BLOB,           -- the very bytes, so that a lost answer can be asked for again; NULL: no courier's key yet
    asked_at TEXT NOT NULL,
    fault    TEXT NOT NULL DEFAULT ''  -- why there is no answer yet, a code of sync's faults
) STRICT;

CREATE TABLE enrolment_known (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    name        TEXT NOT NULL,  -- of this box at HQ
    enrolled_at TEXT NOT NULL,
    clock_off   INTEGER NOT NULL  -- seconds by which this box's clock was ahead of HQ's, with the newest answer
) STRICT;

CREATE TABLE feedback (
    id        TEXT PRIMARY KEY,
    session   TEXT NOT NULL REFERENCES sessions (id),
    heard     INTEGER NOT NULL CHECK (heard BETWEEN 1 AND 4),
    respected INTEGER NOT NULL CHECK (respected BETWEEN 1 AND 4),
    feeling   INTEGER NOT NULL CHECK (feeling BETWEEN 1 AND 4)
) WITHOUT ROWID, STRICT;

CREATE TABLE glass_breaks (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL CHECK (kind IN ('opened', 'recovered')),
    care_group TEXT NOT NULL REFERENCES care_groups (id),
    subject    TEXT REFERENCES people (id),  -- whose notes, or who got access again; NULL: those of the group as a whole
    person     TEXT NOT NULL REFERENCES people (id),  -- who did it
    at         TEXT NOT NULL,
    until      INTEGER NOT NULL,  -- seconds since the epoch
    epoch      INTEGER NOT NULL,
    nonce      BLOB NOT NULL CHECK (length(nonce) = 12),
    reason     BLOB NOT NULL  -- sealed
) STRICT;

CREATE TABLE glass_notices (
    glass   INTEGER NOT NULL REFERENCES glass_breaks (number),
    person  TEXT NOT NULL REFERENCES people (id),
    seen_at TEXT,
    PRIMARY KEY (glass, person)
) STRICT;

CREATE TABLE glass_reads (
    glass   INTEGER NOT NULL REFERENCES glass_breaks (number),
    note    INTEGER NOT NULL REFERENCES notes (number),
    version INTEGER NOT NULL,
    at      TEXT NOT NULL,
    PRIMARY KEY (glass, note, version)
) STRICT;

CREATE TABLE group_commits (
    session TEXT NOT NULL REFERENCES groups (session),
    epoch   INTEGER NOT NULL CHECK (epoch >= 0),
    member  TEXT NOT NULL REFERENCES members (id),
    bytes   BLOB NOT NULL CHECK (length(bytes) BETWEEN 4 AND 32768),
    PRIMARY KEY (session, epoch)
) STRICT;

CREATE TABLE groups (
    session    TEXT PRIMARY KEY REFERENCES sessions (id),
    id         TEXT NOT NULL CHECK (length(id) = 32),  -- hex, chosen by the browser that founded it
    founder    TEXT NOT NULL REFERENCES members (id),
    epoch      INTEGER NOT NULL CHECK (epoch >= 0),
    group_info BLOB NOT NULL CHECK (length(group_info) BETWEEN 4 AND 32768)
) STRICT;

CREATE TABLE guidelines (
    sequence   INTEGER PRIMARY KEY AUTOINCREMENT,
    care_group TEXT NOT NULL REFERENCES care_groups (id),
    kind       TEXT NOT NULL CHECK (kind IN ('rules', 'guidelines', 'reminder', 'redirect')),
    language   TEXT NOT NULL,
    title      TEXT NOT NULL,
    body       TEXT NOT NULL,
    person     TEXT NOT NULL REFERENCES people (id),  -- who wrote it
    at         TEXT NOT NULL
) STRICT;

CREATE TABLE half_logins (
    token_hash BLOB PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES people (id),
    surface    TEXT NOT NULL CHECK (surface IN ('portal', 'console')),
    shared     INTEGER NOT NULL CHECK (shared IN (0, 1)),
    proven     INTEGER NOT NULL CHECK (proven IN (0, 1)),  -- the second factor was shown
    csrf       TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE headquarters (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    facts     BLOB NOT NULL,  -- HQ's public facts as JSON (sync/keys.py): the keys that count here, whatever the spool says
    pinned_at TEXT NOT NULL,
    heard_at  TEXT NOT NULL DEFAULT ''  -- when HQ was last heard: a receipt, a pack
) STRICT;

CREATE TABLE held_back (record_class TEXT PRIMARY KEY) STRICT;

CREATE TABLE hq_roster (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    username TEXT NOT NULL,
    role     TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('active', 'retired'))
) STRICT;

CREATE TABLE incidents (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL REFERENCES sessions (id),
    kind    TEXT NOT NULL,  -- a word of hours/rules.py; words about it are in the sealed note
    member  TEXT REFERENCES members (id),
    at      TEXT NOT NULL,
    by      TEXT NOT NULL REFERENCES people (id),
    note    TEXT  -- the sealed note's id
) STRICT;

CREATE TABLE keeping (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

CREATE TABLE key_packages (
    member  TEXT PRIMARY KEY REFERENCES members (id),
    session TEXT NOT NULL REFERENCES sessions (id),
    bytes   BLOB NOT NULL CHECK (length(bytes) BETWEEN 4 AND 4096)
) STRICT;

CREATE TABLE known_devices (
    token_hash BLOB NOT NULL,
    person     TEXT NOT NULL REFERENCES people (id),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (token_hash, person)
) STRICT;

CREATE TABLE licences (
    id       TEXT PRIMARY KEY,
    person   TEXT NOT NULL REFERENCES people (id),
    kind     TEXT NOT NULL CHECK (kind IN ('licence', 'training')),
    name     TEXT NOT NULL,
    ends_on  TEXT NOT NULL DEFAULT '',  -- the last day, YYYY-MM-DD; "" where it has no end
    noted_at TEXT NOT NULL,
    ended_at TEXT NOT NULL DEFAULT ''  -- it does not count any more: a newer one took its place
) STRICT;

CREATE TABLE log_heard (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    returned INTEGER NOT NULL
) STRICT;

CREATE TABLE log_lives (
    life       INTEGER PRIMARY KEY CHECK (life >= 1),
    size       INTEGER NOT NULL,  -- segments that HQ had: the log goes on with the one after
    sealed     INTEGER NOT NULL,  -- the last one sealed here before
    again      INTEGER NOT NULL,  -- records that were sealed without a receipt, and go again
    code       TEXT NOT NULL,     -- what had been found
    reason     TEXT NOT NULL,
    actor      TEXT NOT NULL,     -- person, '' for the box
    adopted_at TEXT NOT NULL,
    receipt    BLOB               -- what HQ had signed; NULL: it was gone on with without HQ's word
) STRICT;

CREATE TABLE log_trouble (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    code     TEXT NOT NULL,  -- set_back, receipt_other_bytes
    receipt  BLOB NOT NULL,
    found_at TEXT NOT NULL
) STRICT;

CREATE TABLE logins (
    token_hash BLOB PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES people (id),
    surface    TEXT NOT NULL CHECK (surface IN ('portal', 'console')),
    csrf       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at INTEGER NOT NULL  -- seconds since the epoch
, id TEXT NOT NULL DEFAULT '', address TEXT NOT NULL DEFAULT '', shared INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1)), began INTEGER NOT NULL DEFAULT 0, seen INTEGER NOT NULL DEFAULT 0, idle_ends INTEGER NOT NULL DEFAULT 0, proved INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE members (
    id            TEXT PRIMARY KEY,
    session       TEXT NOT NULL REFERENCES sessions (id),
    person        TEXT NOT NULL REFERENCES people (id),
    facilitator   INTEGER NOT NULL CHECK (facilitator IN (0, 1)),
    standing      TEXT NOT NULL CHECK (standing IN ('expected', 'joining', 'waiting', 'admitted', 'denied', 'removed')),
    display_name  TEXT NOT NULL,
    devices_tried INTEGER NOT NULL DEFAULT 0 CHECK (devices_tried IN (0, 1)),
    vouched_by    TEXT REFERENCES people (id),
    removed_at    TEXT,  -- stays when a new ticket leads back in: the record tells it
    waiting_since TEXT,
    waiting_order INTEGER, held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)), flagged INTEGER NOT NULL DEFAULT 0 CHECK (flagged IN (0, 1)), admitted_at TEXT, removed_why TEXT NOT NULL DEFAULT '', phrase_asked INTEGER NOT NULL DEFAULT 0 CHECK (phrase_asked IN (0, 1)), phrase_given TEXT NOT NULL DEFAULT '', phrase_tries INTEGER NOT NULL DEFAULT 0, message TEXT NOT NULL DEFAULT '', message_at TEXT, space_checked INTEGER NOT NULL DEFAULT 0 CHECK (space_checked IN (0, 1)), gave_feedback INTEGER NOT NULL DEFAULT 0 CHECK (gave_feedback IN (0, 1)),  -- grows by one with each `ask`: the queue's order
    UNIQUE (session, person)
) STRICT;

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,
    digest TEXT NOT NULL  -- SHA-256 of the file, hex
) STRICT;

CREATE TABLE note_versions (
    note    INTEGER NOT NULL REFERENCES notes (number),
    version INTEGER NOT NULL CHECK (version >= 1),
    epoch   INTEGER NOT NULL CHECK (epoch >= 1),
    author  TEXT NOT NULL REFERENCES people (id),
    at      TEXT NOT NULL,
    nonce   BLOB NOT NULL CHECK (length(nonce) = 12),
    sealed  BLOB NOT NULL,
    PRIMARY KEY (note, version)
) STRICT;

CREATE TABLE notes (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    care_group TEXT NOT NULL REFERENCES care_groups (id),
    session    TEXT REFERENCES sessions (id),
    subject    TEXT REFERENCES people (id),  -- NULL: about the group as a whole
    versions   INTEGER NOT NULL CHECK (versions >= 1)
) STRICT;

CREATE TABLE orientations (
    person  TEXT NOT NULL REFERENCES people (id),
    version INTEGER NOT NULL,
    member  TEXT NOT NULL,  -- in which visit; of a place that may be gone
    at      TEXT NOT NULL,
    PRIMARY KEY (person, version)
) STRICT;

CREATE TABLE outbox (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    record_class TEXT NOT NULL,
    priority     INTEGER NOT NULL,
    at           TEXT NOT NULL,
    body         BLOB,  -- NULL once settled: the record itself is in its own tables
    segment      INTEGER REFERENCES segments (sequence)
) STRICT;

CREATE TABLE outbox_settled (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    size       INTEGER NOT NULL,
    peaks      BLOB NOT NULL,
    receipt    BLOB NOT NULL,
    settled_at TEXT NOT NULL
) STRICT;

CREATE TABLE pack_items (
    kind       TEXT NOT NULL,
    thing      TEXT NOT NULL,
    version    INTEGER NOT NULL,
    hash       BLOB NOT NULL CHECK (length(hash) = 32),  -- SHA-256 of the item's bytes
    body       BLOB NOT NULL,  -- the item itself where it is read later, else empty
    pack       INTEGER NOT NULL REFERENCES packs (number),
    applied_at TEXT NOT NULL,
    PRIMARY KEY (kind, thing)
) STRICT;

CREATE TABLE packs (
    number     INTEGER PRIMARY KEY CHECK (number >= 1),
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    raw        BLOB,
    arrived_at TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'applied', 'void')),
    code       TEXT NOT NULL DEFAULT '',  -- why it was refused last, while it waits
    ended_at   TEXT NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE passkeys (
    id            TEXT PRIMARY KEY,
    person        TEXT NOT NULL REFERENCES people (id),
    host          TEXT NOT NULL,  -- the portal's name it was made for; browsers offer it nowhere else
    credential_id BLOB NOT NULL UNIQUE,
    public_key    BLOB NOT NULL,  -- COSE_Key (RFC 9052)
    sign_count    INTEGER NOT NULL,
    label         TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    used_at       TEXT
) STRICT;

CREATE TABLE people (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL
, archived_at TEXT, check_phrase TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE portal_certificate (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    name       TEXT NOT NULL,
    key        BLOB NOT NULL,
    chain      BLOB NOT NULL,
    ends_at    TEXT NOT NULL,
    applied_at TEXT NOT NULL
) STRICT;

CREATE TABLE portal_request (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    name    TEXT NOT NULL,
    key     BLOB NOT NULL,  -- PKCS #8, PEM
    made_at TEXT NOT NULL
) STRICT;

CREATE TABLE printed_codes (
    person TEXT NOT NULL REFERENCES people (id),
    digest BLOB NOT NULL,
    state  TEXT NOT NULL CHECK (state IN ('pending', 'good', 'used')),
    since  TEXT NOT NULL,
    PRIMARY KEY (person, digest)
) STRICT;

CREATE TABLE questions (
    sequence    INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT NOT NULL UNIQUE,
    person      TEXT NOT NULL REFERENCES people (id),
    care_group  TEXT REFERENCES care_groups (id),
    text        TEXT NOT NULL,
    asked_at    TEXT NOT NULL,
    answer      TEXT NOT NULL DEFAULT '',
    answered_by TEXT REFERENCES people (id),
    answered_at TEXT,
    read_at     TEXT  -- when the answer was on a page of theirs
) STRICT;

CREATE TABLE recovery_keys (
    number  INTEGER PRIMARY KEY CHECK (number >= 1),
    public  BLOB NOT NULL CHECK (length(public) = 1216),
    made_by TEXT NOT NULL REFERENCES people (id),
    made_at TEXT NOT NULL
) STRICT;

CREATE TABLE recovery_shares (
    number   INTEGER NOT NULL REFERENCES recovery_keys (number),
    holder   TEXT NOT NULL,  -- a clinical lead, or 'hq'
    key_hash BLOB NOT NULL CHECK (length(key_hash) = 32),  -- of the public key that it is sealed to
    sealed   BLOB NOT NULL,
    PRIMARY KEY (number, holder)
) STRICT;

CREATE TABLE resource_parts (
    digest TEXT NOT NULL,
    part   INTEGER NOT NULL,
    data   BLOB NOT NULL,
    PRIMARY KEY (digest, part)
) STRICT;

CREATE TABLE resources (
    id         TEXT PRIMARY KEY,
    version    INTEGER NOT NULL,
    title      TEXT NOT NULL,
    language   TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('text', 'document', 'audio')),
    audience   TEXT NOT NULL CHECK (audience IN ('anyone', 'patients', 'staff')),
    media_type TEXT NOT NULL,
    size       INTEGER NOT NULL,
    body       BLOB NOT NULL,
    placed_at  TEXT NOT NULL
) STRICT;

CREATE TABLE restorations (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    at        TEXT NOT NULL,
    name      TEXT NOT NULL,  -- of the copy
    copied_at TEXT NOT NULL,
    seen_at   TEXT            -- when one who may back up was told at the console
) STRICT;

CREATE TABLE returned_records (
    box          BLOB NOT NULL CHECK (length(box) = 16),
    number       INTEGER NOT NULL CHECK (number >= 0),
    digest       BLOB NOT NULL CHECK (length(digest) = 32),  -- SHA-256 of class, time and body
    record_class TEXT NOT NULL,
    at           TEXT NOT NULL,
    body         BLOB NOT NULL,
    pack         INTEGER NOT NULL,  -- that brought it first
    PRIMARY KEY (box, number, digest)
) STRICT;

CREATE TABLE rollbacks_accepted (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at       TEXT NOT NULL,
    code     TEXT NOT NULL,     -- of the fault that was overruled
    reason   TEXT NOT NULL,
    had      INTEGER NOT NULL,  -- entries of the audit, by the witness
    has      INTEGER NOT NULL   -- by the store that is gone on with
) STRICT;

CREATE TABLE segments (
    sequence  INTEGER PRIMARY KEY CHECK (sequence >= 1),
    hash      BLOB NOT NULL CHECK (length(hash) = 32),
    sealed    BLOB,  -- NULL once settled: HQ has it
    sealed_at TEXT NOT NULL
, priority INTEGER NOT NULL DEFAULT 10, exported_at TEXT NOT NULL DEFAULT '') STRICT;

CREATE TABLE sessions (
    id          TEXT PRIMARY KEY,
    title       TEXT NOT NULL,
    facilitator TEXT NOT NULL REFERENCES people (id),
    starts_at   TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('scheduled', 'open', 'locked', 'ended')),
    opened_at   TEXT,
    ended_at    TEXT
, care_group TEXT REFERENCES care_groups (id), phase TEXT NOT NULL DEFAULT 'open' CHECK (phase IN ('open', 'rules', 'running', 'paused')), before_pause TEXT NOT NULL DEFAULT 'open' CHECK (before_pause IN ('open', 'rules', 'running')), locked_why TEXT NOT NULL DEFAULT '' CHECK (locked_why IN ('', 'complete', 'leader')), leads_now TEXT REFERENCES people (id), parent TEXT REFERENCES sessions (id)) STRICT;

CREATE TABLE staff_wishes (
    person TEXT PRIMARY KEY REFERENCES people (id),
    role   TEXT NOT NULL  -- the role it is to have, '' to be retired
) STRICT;

CREATE TABLE throttles (
    kind  TEXT NOT NULL,
    key   BLOB NOT NULL,
    tries INTEGER NOT NULL,
    at    REAL NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT;

CREATE TABLE tickets (
    code_hash  BLOB PRIMARY KEY,
    member     TEXT NOT NULL UNIQUE REFERENCES members (id),
    pin_hash   BLOB NOT NULL,
    failures   INTEGER NOT NULL DEFAULT 0,
    stopped    INTEGER NOT NULL DEFAULT 0 CHECK (stopped IN (0, 1)),
    issued_at  TEXT NOT NULL,
    expires_at INTEGER NOT NULL  -- seconds since the epoch
, device_hash BLOB, rejoin INTEGER NOT NULL DEFAULT 0 CHECK (rejoin IN (0, 1)), other_device_at TEXT) STRICT;

CREATE TABLE visits (
    token_hash BLOB PRIMARY KEY,
    member     TEXT NOT NULL REFERENCES members (id),
    csrf       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at INTEGER NOT NULL
, shared INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1))) STRICT;

CREATE TABLE welcomes (
    member  TEXT PRIMARY KEY REFERENCES members (id),
    session TEXT NOT NULL REFERENCES groups (session),
    epoch   INTEGER NOT NULL CHECK (epoch >= 1),
    bytes   BLOB NOT NULL CHECK (length(bytes) BETWEEN 4 AND 32768)
) STRICT;

CREATE INDEX admissions ON members (admitted_at) WHERE admitted_at IS NOT NULL;

CREATE INDEX attendances_of_member ON attendances (member);

CREATE INDEX cards_of_sessions ON cards (session, number);

CREATE INDEX care_group_keys_of_holder ON care_group_keys (holder);

CREATE INDEX care_groups_of_clinician ON care_group_clinicians (person);

CREATE INDEX comparisons_of_session ON comparisons (session);

CREATE INDEX consents_of_person ON consents (person);

CREATE INDEX disclosure_consents_in_force ON disclosure_consents (expires_at) WHERE ended_at = '';

CREATE INDEX disclosure_consents_of_person ON disclosure_consents (person, granted_at);

CREATE INDEX disclosures_of_consent ON disclosures (consent);

CREATE INDEX feedback_of_session ON feedback (session);

CREATE INDEX glass_notices_of_person ON glass_notices (person) WHERE seen_at IS NULL;

CREATE INDEX guidelines_of_group ON guidelines (care_group, kind, language, sequence);

CREATE INDEX half_logins_of_person ON half_logins (person);

CREATE INDEX incidents_of_session ON incidents (session);

CREATE INDEX key_packages_of_session ON key_packages (session);

CREATE INDEX known_devices_of_person ON known_devices (person);

CREATE INDEX licences_of_person ON licences (person);

CREATE INDEX logins_of_person ON logins (person);

CREATE INDEX notes_of_care_group ON notes (care_group, number);

CREATE INDEX notes_of_subject ON notes (subject, number);

CREATE INDEX open_concerns ON concerns (session) WHERE seen_at IS NULL;

CREATE INDEX outbox_of_segment ON outbox (segment);

CREATE INDEX outbox_waiting ON outbox (priority, number) WHERE segment IS NULL;

CREATE INDEX packs_waiting ON packs (number) WHERE state = 'waiting';

CREATE INDEX passkeys_of_person ON passkeys (person);

CREATE INDEX private_rooms ON sessions (parent) WHERE parent IS NOT NULL;

CREATE INDEX questions_of_person ON questions (person);

CREATE INDEX questions_open ON questions (sequence) WHERE answered_at IS NULL;

CREATE INDEX returned_records_class ON returned_records (record_class, at);

CREATE INDEX segments_kept ON segments (sequence) WHERE sealed IS NOT NULL;

CREATE INDEX sessions_of_care_group ON sessions (care_group);

CREATE INDEX throttles_by_age ON throttles (at);

CREATE INDEX welcomes_of_session ON welcomes (session);

CREATE TRIGGER audit_checkpoints_are_append_only_delete BEFORE DELETE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER audit_checkpoints_are_append_only_update BEFORE UPDATE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER audit_nodes_are_append_only_delete BEFORE DELETE ON audit_nodes BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER audit_nodes_are_append_only_update BEFORE UPDATE ON audit_nodes BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER glass_breaks_are_append_only_delete BEFORE DELETE ON glass_breaks BEGIN SELECT RAISE(ABORT, 'glass_breaks is append-only'); END;

CREATE TRIGGER glass_breaks_are_append_only_update BEFORE UPDATE ON glass_breaks BEGIN SELECT RAISE(ABORT, 'glass_breaks is append-only'); END;

CREATE TRIGGER glass_reads_are_append_only_delete BEFORE DELETE ON glass_reads BEGIN SELECT RAISE(ABORT, 'glass_reads is append-only'); END;

CREATE TRIGGER glass_reads_are_append_only_update BEFORE UPDATE ON glass_reads BEGIN SELECT RAISE(ABORT, 'glass_reads is append-only'); END;

CREATE TRIGGER note_versions_are_append_only_delete BEFORE DELETE ON note_versions BEGIN SELECT RAISE(ABORT, 'note versions are append-only'); END;

CREATE TRIGGER note_versions_are_append_only_update BEFORE UPDATE ON note_versions BEGIN SELECT RAISE(ABORT, 'note versions are append-only'); END;
