-- The way in: the agreement's parts that are acknowledged apart, rounds of a group, orientation, questions, cards.
ALTER TABLE members ADD COLUMN space_checked INTEGER NOT NULL DEFAULT 0 CHECK (space_checked IN (0, 1));

-- A group's rounds: with each new one everybody of the group is asked to sign again.
ALTER TABLE care_groups ADD COLUMN cycle INTEGER NOT NULL DEFAULT 1 CHECK (cycle >= 1);
ALTER TABLE care_groups ADD COLUMN cycle_began_at TEXT;  -- NULL: the first, from the beginning

-- In which group and round it was signed. NULL: before there were rounds, so it counts in the first one of each group.
ALTER TABLE consents ADD COLUMN care_group TEXT REFERENCES care_groups (id);
ALTER TABLE consents ADD COLUMN cycle INTEGER NOT NULL DEFAULT 1 CHECK (cycle >= 1);
ALTER TABLE consents ADD COLUMN member TEXT;  -- in which visit; of a place that may be gone

-- What stood on the page beside the agreement, kept by digest, so that it can be shown again as it was signed.
CREATE TABLE consent_texts (
    digest   TEXT PRIMARY KEY,  -- as of agreements
    part     TEXT NOT NULL CHECK (part IN ('limits', 'risks')),
    language TEXT NOT NULL,
    title    TEXT NOT NULL,
    body     TEXT NOT NULL
) STRICT;

CREATE TABLE consent_parts (
    consent INTEGER NOT NULL REFERENCES consents (sequence),
    part    TEXT NOT NULL CHECK (part IN ('limits', 'risks')),
    digest  TEXT NOT NULL REFERENCES consent_texts (digest),
    at      TEXT NOT NULL,
    PRIMARY KEY (consent, part)
) STRICT;

-- Who has read the orientation, in which version.
CREATE TABLE orientations (
    person  TEXT NOT NULL REFERENCES people (id),
    version INTEGER NOT NULL,
    member  TEXT NOT NULL,  -- in which visit; of a place that may be gone
    at      TEXT NOT NULL,
    PRIMARY KEY (person, version)
) STRICT;

-- The question box: what a patient wants to know before the hour, and what staff answered.
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
CREATE INDEX questions_of_person ON questions (person);
CREATE INDEX questions_open ON questions (sequence) WHERE answered_at IS NULL;

-- Cards of a group in its own words, each version kept; an empty body: the clinic's own words again.
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
CREATE INDEX guidelines_of_group ON guidelines (care_group, kind, language, sequence);
