-- Care groups, their clinicians, and notes that only those can open. Words of a note, titles and reasons are in sealed
-- columns only; what stands beside them is ids, epochs, numbers and times (notes/SEALING.md).

CREATE TABLE care_groups (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

CREATE TABLE care_group_clinicians (
    care_group TEXT NOT NULL REFERENCES care_groups (id),
    person     TEXT NOT NULL REFERENCES people (id),
    since      TEXT NOT NULL,
    PRIMARY KEY (care_group, person)
) STRICT;

CREATE INDEX care_groups_of_clinician ON care_group_clinicians (person);

ALTER TABLE sessions ADD COLUMN care_group TEXT REFERENCES care_groups (id);

CREATE INDEX sessions_of_care_group ON sessions (care_group);

-- One care group for what has one title and the same leaders: it takes the id of the first of those sessions.
INSERT INTO care_groups (id, name, created_at)
SELECT min(s.id), s.title, min(s.starts_at) FROM (
    SELECT id, title, starts_at, (SELECT group_concat(person, ' ') FROM (SELECT m.person FROM members m
        WHERE m.session = sessions.id AND m.facilitator = 1 ORDER BY m.person)) AS leaders FROM sessions
) s GROUP BY s.title, s.leaders;

UPDATE sessions SET care_group = (SELECT min(o.id) FROM sessions o WHERE o.title = sessions.title
    AND NOT EXISTS (SELECT 1 FROM members m WHERE m.session = o.id AND m.facilitator = 1
        AND m.person NOT IN (SELECT x.person FROM members x WHERE x.session = sessions.id AND x.facilitator = 1))
    AND NOT EXISTS (SELECT 1 FROM members m WHERE m.session = sessions.id AND m.facilitator = 1
        AND m.person NOT IN (SELECT x.person FROM members x WHERE x.session = o.id AND x.facilitator = 1)));

INSERT INTO care_group_clinicians (care_group, person, since)
SELECT DISTINCT s.care_group, m.person, g.created_at FROM sessions s
JOIN members m ON m.session = s.id AND m.facilitator = 1 JOIN care_groups g ON g.id = s.care_group;

-- A clinician's key pair. The newest number counts; an older one stays while something is still sealed to it.
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

-- The clinic's recovery key; the newest counts. Its private half is in recovery_shares only, sealed.
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

CREATE INDEX care_group_keys_of_holder ON care_group_keys (holder);

CREATE TABLE notes (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,
    id         TEXT NOT NULL UNIQUE,
    care_group TEXT NOT NULL REFERENCES care_groups (id),
    session    TEXT REFERENCES sessions (id),
    subject    TEXT REFERENCES people (id),  -- NULL: about the group as a whole
    versions   INTEGER NOT NULL CHECK (versions >= 1)
) STRICT;

CREATE INDEX notes_of_care_group ON notes (care_group, number);

CREATE INDEX notes_of_subject ON notes (subject, number);

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

CREATE TRIGGER note_versions_are_append_only_delete BEFORE DELETE ON note_versions BEGIN SELECT RAISE(ABORT, 'note versions are append-only'); END;

CREATE TRIGGER note_versions_are_append_only_update BEFORE UPDATE ON note_versions BEGIN SELECT RAISE(ABORT, 'note versions are append-only'); END;

-- Notes opened, or access made, through the recovery key.
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

CREATE TABLE glass_reads (
    glass   INTEGER NOT NULL REFERENCES glass_breaks (number),
    note    INTEGER NOT NULL REFERENCES notes (number),
    version INTEGER NOT NULL,
    at      TEXT NOT NULL,
    PRIMARY KEY (glass, note, version)
) STRICT;

CREATE TABLE glass_notices (
    glass   INTEGER NOT NULL REFERENCES glass_breaks (number),
    person  TEXT NOT NULL REFERENCES people (id),
    seen_at TEXT,
    PRIMARY KEY (glass, person)
) STRICT;

CREATE INDEX glass_notices_of_person ON glass_notices (person) WHERE seen_at IS NULL;

CREATE TRIGGER glass_breaks_are_append_only_delete BEFORE DELETE ON glass_breaks BEGIN SELECT RAISE(ABORT, 'glass_breaks is append-only'); END;

CREATE TRIGGER glass_breaks_are_append_only_update BEFORE UPDATE ON glass_breaks BEGIN SELECT RAISE(ABORT, 'glass_breaks is append-only'); END;

CREATE TRIGGER glass_reads_are_append_only_delete BEFORE DELETE ON glass_reads BEGIN SELECT RAISE(ABORT, 'glass_reads is append-only'); END;

CREATE TRIGGER glass_reads_are_append_only_update BEFORE UPDATE ON glass_reads BEGIN SELECT RAISE(ABORT, 'glass_reads is append-only'); END;
