-- What waits to be sealed for HQ, what was sealed and not yet receipted, and who this box is to HQ.

-- The box's name and signing key towards HQ, made on first use.
CREATE TABLE box_identity (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    box          BLOB NOT NULL CHECK (length(box) = 16),
    signing_seed BLOB NOT NULL CHECK (length(signing_seed) = 32)
) STRICT;

-- A sealed segment: the exact bytes are here before their first send and until HQ's receipt.
CREATE TABLE segments (
    sequence  INTEGER PRIMARY KEY CHECK (sequence >= 1),
    hash      BLOB NOT NULL CHECK (length(hash) = 32),
    sealed    BLOB,  -- NULL once settled: HQ has it
    sealed_at TEXT NOT NULL
) STRICT;
CREATE INDEX segments_unsettled ON segments (sequence) WHERE sealed IS NOT NULL;

-- A record for HQ, written in the transaction of what it tells. `segment` is the boundary: which segment it went into.
CREATE TABLE outbox (
    number       INTEGER PRIMARY KEY AUTOINCREMENT,
    record_class TEXT NOT NULL,
    priority     INTEGER NOT NULL,
    at           TEXT NOT NULL,
    body         BLOB,  -- NULL once settled: the record itself is in its own tables
    segment      INTEGER REFERENCES segments (sequence)
) STRICT;
CREATE INDEX outbox_waiting ON outbox (priority, number) WHERE segment IS NULL;
CREATE INDEX outbox_of_segment ON outbox (segment);

-- HQ's newest receipt, handed back to HQ with the next segment, and the tree that it proves.
CREATE TABLE outbox_settled (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    size       INTEGER NOT NULL,
    peaks      BLOB NOT NULL,
    receipt    BLOB NOT NULL,
    settled_at TEXT NOT NULL
) STRICT;
