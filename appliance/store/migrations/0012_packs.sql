-- What HQ sends down. A pack is here before anything of it is done; its bytes stay until it is applied or passed over.
CREATE TABLE packs (
    number     INTEGER PRIMARY KEY CHECK (number >= 1),
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    raw        BLOB,
    arrived_at TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'applied', 'void')),
    code       TEXT NOT NULL DEFAULT '',  -- why it was refused last, while it waits
    ended_at   TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX packs_waiting ON packs (number) WHERE state = 'waiting';

-- The newest version of each thing that packs brought: nothing older is taken.
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

-- Record classes that HQ does not want although the box's own table lets them leave.
CREATE TABLE held_back (record_class TEXT PRIMARY KEY) STRICT;

-- Versions of the agreement that came from HQ, by its own number; the others are the clinic's.
CREATE TABLE agreement_origins (
    version    INTEGER PRIMARY KEY,
    hq_version INTEGER NOT NULL
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

-- Parts of files whose resource did not come yet.
CREATE TABLE resource_parts (
    digest TEXT NOT NULL,
    part   INTEGER NOT NULL,
    data   BLOB NOT NULL,
    PRIMARY KEY (digest, part)
) STRICT;

-- Staff as HQ knows them. An account is found by its user name.
CREATE TABLE hq_roster (
    id       TEXT PRIMARY KEY,
    name     TEXT NOT NULL,
    username TEXT NOT NULL,
    role     TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('active', 'retired'))
) STRICT;

-- What HQ wants done with an account and cannot be done now: it is the last that manages the others.
CREATE TABLE staff_wishes (
    person TEXT PRIMARY KEY REFERENCES people (id),
    role   TEXT NOT NULL  -- the role it is to have, '' to be retired
) STRICT;

-- The key for a certificate that HQ gets for this box's name, and what it got. The key never leaves the box.
CREATE TABLE portal_request (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    name    TEXT NOT NULL,
    key     BLOB NOT NULL,  -- PKCS #8, PEM
    made_at TEXT NOT NULL
) STRICT;
CREATE TABLE portal_certificate (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    name       TEXT NOT NULL,
    key        BLOB NOT NULL,
    chain      BLOB NOT NULL,
    ends_at    TEXT NOT NULL,
    applied_at TEXT NOT NULL
) STRICT;
