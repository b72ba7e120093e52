-- The audit as a Merkle log (RFC 9162): from where, whose record, which thing; the tree and the signed heads of the log.
-- Entries of before keep their canonical form 1 (audit/rules.py); the first entry after them builds the tree.

ALTER TABLE audit ADD COLUMN form INTEGER NOT NULL DEFAULT 1;
ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN person TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN thing TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN times INTEGER NOT NULL DEFAULT 1;

-- The head: how many entries, the roots of the whole subtrees (largest first, 32 bytes each), the last entry's hash.
CREATE TABLE audit_head (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    size  INTEGER NOT NULL,
    peaks BLOB NOT NULL,
    last  BLOB NOT NULL
) STRICT;

-- Roots of whole subtrees of 64 entries and more, so that a proof reads some dozens of rows and not the whole log.
CREATE TABLE audit_nodes (
    level    INTEGER NOT NULL,  -- over 2 to the power of that entries
    position INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    PRIMARY KEY (level, position)
) WITHOUT ROWID, STRICT;

-- Heads that the box signed (audit/note.py). They go to HQ as well.
CREATE TABLE audit_checkpoints (
    number INTEGER PRIMARY KEY,
    size   INTEGER NOT NULL UNIQUE,
    root   BLOB NOT NULL,
    at     TEXT NOT NULL,
    note   TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_checkpoints_are_append_only_update BEFORE UPDATE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_checkpoints_are_append_only_delete BEFORE DELETE ON audit_checkpoints BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_nodes_are_append_only_update BEFORE UPDATE ON audit_nodes BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_nodes_are_append_only_delete BEFORE DELETE ON audit_nodes BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
