-- What the migrations add up to; written by appliance.store.freeze.

CREATE TABLE accounts (
    person     TEXT PRIMARY KEY REFERENCES people (id),
    username   TEXT NOT NULL UNIQUE COLLATE NOCASE,
    role       TEXT NOT NULL CHECK (role IN ('administrator', 'operator', 'facilitator', 'clinical_lead', 'billing', 'auditor')),
    password   TEXT NOT NULL,  -- Argon2id in PHC string format
    retired_at TEXT
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
) STRICT;

CREATE TABLE box_identity (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    box          BLOB NOT NULL CHECK (length(box) = 16),
    signing_seed BLOB NOT NULL CHECK (length(signing_seed) = 32)
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

CREATE TABLE comparisons (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    session  TEXT NOT NULL REFERENCES sessions (id),
    group_id TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    member   TEXT NOT NULL REFERENCES members (id),
    at       TEXT NOT NULL
) STRICT;

CREATE TABLE consents (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    person    TEXT NOT NULL REFERENCES people (id),
    version   INTEGER NOT NULL,
    language  TEXT NOT NULL,
    digest    TEXT NOT NULL,
    signature TEXT NOT NULL,  -- the name as the person typed it
    at        TEXT NOT NULL,
    FOREIGN KEY (version, language) REFERENCES agreements (version, language)
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

CREATE TABLE key_packages (
    member  TEXT PRIMARY KEY REFERENCES members (id),
    session TEXT NOT NULL REFERENCES sessions (id),
    bytes   BLOB NOT NULL CHECK (length(bytes) BETWEEN 4 AND 4096)
) STRICT;

CREATE TABLE logins (
    token_hash BLOB PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES people (id),
    surface    TEXT NOT NULL CHECK (surface IN ('portal', 'console')),
    csrf       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at INTEGER NOT NULL  -- seconds since the epoch
) STRICT;

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
    waiting_order INTEGER,  -- grows by one with each `ask`: the queue's order
    UNIQUE (session, person)
) STRICT;

CREATE TABLE migrations (
    number INTEGER PRIMARY KEY,
    name   TEXT NOT NULL,
    digest TEXT NOT NULL  -- SHA-256 of the file, hex
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

CREATE TABLE people (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE segments (
    sequence  INTEGER PRIMARY KEY CHECK (sequence >= 1),
    hash      BLOB NOT NULL CHECK (length(hash) = 32),
    sealed    BLOB,  -- NULL once settled: HQ has it
    sealed_at TEXT NOT NULL
) STRICT;

CREATE TABLE sessions (
    id          TEXT PRIMARY KEY,
    title       TEXT NOT NULL,
    facilitator TEXT NOT NULL REFERENCES people (id),
    starts_at   TEXT NOT NULL,
    state       TEXT NOT NULL CHECK (state IN ('scheduled', 'open', 'locked', 'ended')),
    opened_at   TEXT,
    ended_at    TEXT
) STRICT;

CREATE TABLE tickets (
    code_hash  BLOB PRIMARY KEY,
    member     TEXT NOT NULL UNIQUE REFERENCES members (id),
    pin_hash   BLOB NOT NULL,
    failures   INTEGER NOT NULL DEFAULT 0,
    stopped    INTEGER NOT NULL DEFAULT 0 CHECK (stopped IN (0, 1)),
    issued_at  TEXT NOT NULL,
    expires_at INTEGER NOT NULL  -- seconds since the epoch
) STRICT;

CREATE TABLE visits (
    token_hash BLOB PRIMARY KEY,
    member     TEXT NOT NULL REFERENCES members (id),
    csrf       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;

CREATE TABLE welcomes (
    member  TEXT PRIMARY KEY REFERENCES members (id),
    session TEXT NOT NULL REFERENCES groups (session),
    epoch   INTEGER NOT NULL CHECK (epoch >= 1),
    bytes   BLOB NOT NULL CHECK (length(bytes) BETWEEN 4 AND 32768)
) STRICT;

CREATE INDEX attendances_of_member ON attendances (member);

CREATE INDEX comparisons_of_session ON comparisons (session);

CREATE INDEX consents_of_person ON consents (person);

CREATE INDEX key_packages_of_session ON key_packages (session);

CREATE INDEX outbox_of_segment ON outbox (segment);

CREATE INDEX outbox_waiting ON outbox (priority, number) WHERE segment IS NULL;

CREATE INDEX segments_unsettled ON segments (sequence) WHERE sealed IS NOT NULL;

CREATE INDEX welcomes_of_session ON welcomes (session);

CREATE TRIGGER audit_is_append_only_delete BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;

CREATE TRIGGER audit_is_append_only_update BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
