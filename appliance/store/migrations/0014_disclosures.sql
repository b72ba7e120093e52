-- Written consents that records about a person go to HQ, and what went under them.
CREATE TABLE disclosure_consents (
    id         TEXT PRIMARY KEY,
    person     TEXT NOT NULL REFERENCES people (id),
    granted_at TEXT NOT NULL
) STRICT;
