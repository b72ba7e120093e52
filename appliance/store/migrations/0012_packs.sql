-- What HQ sends down.
CREATE TABLE packs (
    number     INTEGER PRIMARY KEY CHECK (number >= 1),
    hash       BLOB NOT NULL CHECK (length(hash) = 32),
    raw        BLOB,  -- kept while it is not applied
    arrived_at TEXT NOT NULL,
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'applied', 'refused')),
    code       TEXT NOT NULL DEFAULT ''
) STRICT;
