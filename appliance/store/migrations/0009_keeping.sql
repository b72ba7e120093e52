-- What the box remembers of its own keeping: copies made of it, and what its clock said last.

-- Copies of this box that were made, checked and named. Larger numbers are newer, also after a restoration.
CREATE TABLE backups (
    number  INTEGER PRIMARY KEY CHECK (number >= 1),
    at      TEXT NOT NULL,
    name    TEXT NOT NULL,
    place   TEXT NOT NULL,     -- the folder that holds it, as the box saw it then
    size    INTEGER NOT NULL,  -- bytes of all its files
    entries INTEGER NOT NULL   -- of the audit, as it was then
) STRICT;

-- That this store came out of a copy. What was done after that copy is not in it.
CREATE TABLE restorations (
    sequence  INTEGER PRIMARY KEY AUTOINCREMENT,
    at        TEXT NOT NULL,
    name      TEXT NOT NULL,  -- of the copy
    copied_at TEXT NOT NULL,
    seen_at   TEXT            -- when one who may back up was told at the console
) STRICT;

-- Which program opened this store last: an older one that must refuse it can then name the one to start.
CREATE TABLE keeping (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- That somebody went on with a store of which later entries are missing (store/witness.py), and why.
CREATE TABLE rollbacks_accepted (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    at       TEXT NOT NULL,
    code     TEXT NOT NULL,     -- of the fault that was overruled
    reason   TEXT NOT NULL,
    had      INTEGER NOT NULL,  -- entries of the audit, by the witness
    has      INTEGER NOT NULL   -- by the store that is gone on with
) STRICT;
