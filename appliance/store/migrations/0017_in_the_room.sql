-- Cards that were shown in a session and who acknowledged them first, and what patients raised as a concern.
CREATE TABLE cards (
    number   INTEGER PRIMARY KEY,  -- the order in which they were shown
    id       TEXT NOT NULL UNIQUE,
    session  TEXT NOT NULL REFERENCES sessions (id),
    kind     TEXT NOT NULL CHECK (kind IN ('rules', 'guidelines', 'reminder', 'redirect')),
    member   TEXT REFERENCES members (id),  -- NULL: to all
    shown_by TEXT REFERENCES people (id),  -- NULL: by the box itself
    at       TEXT NOT NULL
) STRICT;

CREATE INDEX cards_of_sessions ON cards (session, number);

-- The first time only: a page acknowledges again after each return, which is nothing to keep.
CREATE TABLE acknowledgements (
    card   TEXT NOT NULL REFERENCES cards (id),
    member TEXT NOT NULL REFERENCES members (id),
    at     TEXT NOT NULL,
    PRIMARY KEY (card, member)
) WITHOUT ROWID, STRICT;

-- `member` goes with a place that was taken out of a plan; what somebody raised stays.
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

CREATE INDEX open_concerns ON concerns (session) WHERE seen_at IS NULL;
