-- Who can be called, licences of staff, incidents of a session, and what the group felt, kept without who said it.
CREATE TABLE contacts (
    list  TEXT NOT NULL CHECK (list IN ('emergency', 'on_call')),
    place INTEGER NOT NULL CHECK (place >= 1),
    name  TEXT NOT NULL,
    phone TEXT NOT NULL,
    about TEXT NOT NULL,  -- when or for what; "" where nothing needs to be said
    PRIMARY KEY (list, place)
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

CREATE INDEX licences_of_person ON licences (person);

CREATE TABLE incidents (
    number  INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL REFERENCES sessions (id),
    kind    TEXT NOT NULL,  -- a word of hours/rules.py; words about it are in the sealed note
    member  TEXT REFERENCES members (id),
    at      TEXT NOT NULL,
    by      TEXT NOT NULL REFERENCES people (id),
    note    TEXT  -- the sealed note's id
) STRICT;

CREATE INDEX incidents_of_session ON incidents (session);

-- One answered pulse. Whose it is is not kept, nor when or in which order: `id` is random, and rows are read by it.
CREATE TABLE feedback (
    id        TEXT PRIMARY KEY,
    session   TEXT NOT NULL REFERENCES sessions (id),
    heard     INTEGER NOT NULL CHECK (heard BETWEEN 1 AND 4),
    respected INTEGER NOT NULL CHECK (respected BETWEEN 1 AND 4),
    feeling   INTEGER NOT NULL CHECK (feeling BETWEEN 1 AND 4)
) WITHOUT ROWID, STRICT;

CREATE INDEX feedback_of_session ON feedback (session);

ALTER TABLE members ADD COLUMN gave_feedback INTEGER NOT NULL DEFAULT 0 CHECK (gave_feedback IN (0, 1));
