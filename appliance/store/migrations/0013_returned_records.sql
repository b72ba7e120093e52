-- Records of a lost box that HQ gave back to this one, byte for byte. One number may stand here twice with other content:
-- a box that was set back used it twice.
CREATE TABLE returned_records (
    box          BLOB NOT NULL CHECK (length(box) = 16),
    number       INTEGER NOT NULL CHECK (number >= 0),
    digest       BLOB NOT NULL CHECK (length(digest) = 32),  -- SHA-256 of class, time and body
    record_class TEXT NOT NULL,
    at           TEXT NOT NULL,
    body         BLOB NOT NULL,
    pack         INTEGER NOT NULL,  -- that brought it first
    PRIMARY KEY (box, number, digest)
) STRICT;
CREATE INDEX returned_records_class ON returned_records (record_class, at);
