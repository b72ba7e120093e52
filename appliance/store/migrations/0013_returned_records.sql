-- Records of a lost box that HQ gave back to this one.
CREATE TABLE returned_records (
    box          BLOB NOT NULL CHECK (length(box) = 16),
    number       INTEGER NOT NULL,
    record_class TEXT NOT NULL,
    at           TEXT NOT NULL,
    body         BLOB NOT NULL,
    PRIMARY KEY (box, number)
) STRICT;
