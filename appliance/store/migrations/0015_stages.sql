-- How far an open session is, who leads it now, private rooms beside it; who is held, marked or blocked; what is asked
-- of and said to those who wait.
ALTER TABLE sessions ADD COLUMN phase TEXT NOT NULL DEFAULT 'open' CHECK (phase IN ('open', 'rules', 'running', 'paused'));
ALTER TABLE sessions ADD COLUMN before_pause TEXT NOT NULL DEFAULT 'open' CHECK (before_pause IN ('open', 'rules', 'running'));
ALTER TABLE sessions ADD COLUMN locked_why TEXT NOT NULL DEFAULT '' CHECK (locked_why IN ('', 'complete', 'leader'));  -- by itself: everybody is in; nobody who leads was here
ALTER TABLE sessions ADD COLUMN leads_now TEXT REFERENCES people (id);  -- NULL: whom it was planned with
ALTER TABLE sessions ADD COLUMN parent TEXT REFERENCES sessions (id);  -- of a private room: the session it belongs to

CREATE INDEX private_rooms ON sessions (parent) WHERE parent IS NOT NULL;

ALTER TABLE members ADD COLUMN held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1));
ALTER TABLE members ADD COLUMN flagged INTEGER NOT NULL DEFAULT 0 CHECK (flagged IN (0, 1));
ALTER TABLE members ADD COLUMN admitted_at TEXT;  -- when they were let in last: how long people wait is made of it
ALTER TABLE members ADD COLUMN removed_why TEXT NOT NULL DEFAULT '';  -- a word of sessions/rules.py
ALTER TABLE members ADD COLUMN phrase_asked INTEGER NOT NULL DEFAULT 0 CHECK (phrase_asked IN (0, 1));
ALTER TABLE members ADD COLUMN phrase_given TEXT NOT NULL DEFAULT '';  -- as typed; until they are in, or the end
ALTER TABLE members ADD COLUMN phrase_tries INTEGER NOT NULL DEFAULT 0;  -- since it was asked for
ALTER TABLE members ADD COLUMN message TEXT NOT NULL DEFAULT '';  -- the last line of staff; until they are in, or the end
ALTER TABLE members ADD COLUMN message_at TEXT;

CREATE INDEX admissions ON members (admitted_at) WHERE admitted_at IS NOT NULL;

-- What staff and the person agreed on, to be asked for in the waiting room; staff alone read it.
ALTER TABLE people ADD COLUMN check_phrase TEXT NOT NULL DEFAULT '';

-- People who may not come to a care group's sessions until the block is lifted.
CREATE TABLE blocks (
    person     TEXT NOT NULL REFERENCES people (id),
    care_group TEXT NOT NULL REFERENCES care_groups (id),
    why        TEXT NOT NULL,
    at         TEXT NOT NULL,
    PRIMARY KEY (person, care_group)
) STRICT;
