-- Written consents that records about a person go to HQ (42 CFR 2.31), and which records went under which of them.
CREATE TABLE disclosure_consents (
    id         TEXT PRIMARY KEY,  -- opaque; it goes with every record that goes under it
    person     TEXT NOT NULL REFERENCES people (id),
    scopes     TEXT NOT NULL,     -- words of disclosures/rules.py, parted by spaces
    version    INTEGER NOT NULL,  -- of the form's text
    language   TEXT NOT NULL,
    digest     TEXT NOT NULL,     -- SHA-256 of the text as it was shown
    signature  TEXT NOT NULL,     -- the name as it was typed, or as it stands on the paper
    how        TEXT NOT NULL CHECK (how IN ('portal', 'paper')),
    granted_at TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    ended_at   TEXT NOT NULL DEFAULT '',
    why        TEXT NOT NULL DEFAULT '' CHECK (why IN ('', 'withdrawn', 'replaced', 'expired'))
) STRICT;

CREATE INDEX disclosure_consents_of_person ON disclosure_consents (person, granted_at);

CREATE INDEX disclosure_consents_in_force ON disclosure_consents (expires_at) WHERE ended_at = '';

CREATE TABLE disclosures (
    number  INTEGER NOT NULL REFERENCES outbox (number),
    person  TEXT NOT NULL REFERENCES people (id),
    consent TEXT NOT NULL REFERENCES disclosure_consents (id),
    scope   TEXT NOT NULL,
    held    INTEGER NOT NULL DEFAULT 0,  -- 1: the consent ended before it was sealed, and it was taken out
    PRIMARY KEY (number, person)
) WITHOUT ROWID, STRICT;

CREATE INDEX disclosures_of_consent ON disclosures (consent);
