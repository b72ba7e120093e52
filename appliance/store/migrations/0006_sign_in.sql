-- Second factors, limits of logins, devices that are known, and throttles that survive a restart.
-- Moments of logins are seconds of the steady clock (appliance/clock.py), which no change of the wall clock moves.

DELETE FROM logins;  -- they were opened by a password alone

ALTER TABLE accounts ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1));
ALTER TABLE accounts ADD COLUMN wrong_codes INTEGER NOT NULL DEFAULT 0;  -- after the right password; shown at the next sign-in

ALTER TABLE logins ADD COLUMN id TEXT NOT NULL DEFAULT '';        -- what a page calls it
ALTER TABLE logins ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE logins ADD COLUMN shared INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1));  -- not the person's own device
ALTER TABLE logins ADD COLUMN began INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logins ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logins ADD COLUMN idle_ends INTEGER NOT NULL DEFAULT 0;
ALTER TABLE logins ADD COLUMN proved INTEGER NOT NULL DEFAULT 0;  -- when the password was last given
CREATE INDEX logins_of_person ON logins (person);

-- A password was right and something is still missing. Never looked at where a login is asked for.
CREATE TABLE half_logins (
    token_hash BLOB PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES people (id),
    surface    TEXT NOT NULL CHECK (surface IN ('portal', 'console')),
    shared     INTEGER NOT NULL CHECK (shared IN (0, 1)),
    proven     INTEGER NOT NULL CHECK (proven IN (0, 1)),  -- the second factor was shown
    csrf       TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX half_logins_of_person ON half_logins (person);

-- One authenticator a person, and one more that is being set up. `last_step`: the newest code used (RFC 6238), never again.
-- `holder`: the hash of the token of the login or half login that was shown the secret; no other is shown it.
CREATE TABLE authenticators (
    person    TEXT NOT NULL REFERENCES people (id),
    pending   INTEGER NOT NULL CHECK (pending IN (0, 1)),
    secret    TEXT NOT NULL,  -- base32
    last_step INTEGER NOT NULL DEFAULT 0,
    since     TEXT NOT NULL,
    holder    BLOB NOT NULL,
    PRIMARY KEY (person, pending)
) STRICT;

-- A printed sheet of one-time codes. A pending sheet counts once one of its codes was typed. Used ones stay until the next
-- sheet: whoever used up the last one still has a second factor, and not none.
CREATE TABLE printed_codes (
    person TEXT NOT NULL REFERENCES people (id),
    digest BLOB NOT NULL,
    state  TEXT NOT NULL CHECK (state IN ('pending', 'good', 'used')),
    since  TEXT NOT NULL,
    PRIMARY KEY (person, digest)
) STRICT;

-- Browsers in which that person has signed in fully, on a device of their own.
CREATE TABLE known_devices (
    token_hash BLOB NOT NULL,
    person     TEXT NOT NULL REFERENCES people (id),
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (token_hash, person)
) STRICT;
CREATE INDEX known_devices_of_person ON known_devices (person);

-- Wrong tries. `key` is a hash; `at` is in seconds that the box has run (identity/throttles.py), not of any clock.
CREATE TABLE throttles (
    kind  TEXT NOT NULL,
    key   BLOB NOT NULL,
    tries INTEGER NOT NULL,
    at    REAL NOT NULL,
    PRIMARY KEY (kind, key)
) STRICT;
CREATE INDEX throttles_by_age ON throttles (at);

-- Passkeys (W3C Web Authentication). Only public halves; `sign_count` is 0 for those that do not count.
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
CREATE INDEX passkeys_of_person ON passkeys (person);

-- What time it is: one row. `seen_at` is the last time that was noted, in corrected seconds since the epoch; `steady` is
-- the steady clock's at that moment.
CREATE TABLE clock (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    correction INTEGER NOT NULL,  -- seconds to add to the machine's clock, as staff measured them
    seen_at    INTEGER NOT NULL,
    steady     INTEGER NOT NULL,
    boot       TEXT NOT NULL,  -- the kernel's name for the start in which staff last said the time, or ''
    doubt      INTEGER NOT NULL CHECK (doubt IN (0, 1))  -- the box went by a stop-gap, and nobody has said the time since
) STRICT;
