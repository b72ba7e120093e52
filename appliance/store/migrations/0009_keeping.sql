-- What the box remembers of its own keeping: copies made of it, and what its clock said last.

CREATE TABLE backups (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at       TEXT NOT NULL,
    name     TEXT NOT NULL,
    entries  INTEGER NOT NULL  -- of the audit, as it was then
) STRICT;
