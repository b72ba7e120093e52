-- Second factors, limits of logins, and throttles that survive a restart.

ALTER TABLE accounts ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1));

-- What time it is: one row. `seen_at` is the last time that was noted, in corrected seconds since the epoch.
CREATE TABLE clock (
    only       INTEGER PRIMARY KEY CHECK (only = 1),
    correction INTEGER NOT NULL,  -- seconds to add to the machine's clock, as staff measured them
    seen_at    INTEGER NOT NULL,
    boot       TEXT NOT NULL  -- the kernel's name for the start in which staff last said the time, or ''
) STRICT;

-- Passkeys (W3C Web Authentication). Only public halves; `sign_count` is 0 for those that do not count.
CREATE TABLE passkeys (
    id            TEXT PRIMARY KEY,
    person        TEXT NOT NULL REFERENCES people (id),
    credential_id BLOB NOT NULL UNIQUE,
    public_key    BLOB NOT NULL,  -- COSE_Key (RFC 9052)
    sign_count    INTEGER NOT NULL,
    label         TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    used_at       TEXT
) STRICT;
CREATE INDEX passkeys_of_person ON passkeys (person);
