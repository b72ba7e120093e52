-- What the box knows of its HQ, and how its log goes on after it was set back.
CREATE TABLE headquarters (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    facts     BLOB NOT NULL,  -- HQ's public facts as JSON (sync/keys.py): the keys that count here, whatever the spool says
    pinned_at TEXT NOT NULL,
    heard_at  TEXT NOT NULL DEFAULT ''  -- when HQ was last heard: a receipt, a pack
) STRICT;

CREATE TABLE box_inbox (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seed BLOB NOT NULL CHECK (length(seed) = 32)  -- of the X-Wing key that packs are sealed to
) STRICT;

-- A segment without a receipt has a number above outbox_settled.size. Settled ones keep their bytes for a while, so that
-- HQ can have them again if its store lost them; `sealed` is NULL once they are gone here.
ALTER TABLE segments ADD COLUMN priority INTEGER NOT NULL DEFAULT 10;  -- of its records
ALTER TABLE segments ADD COLUMN exported_at TEXT NOT NULL DEFAULT '';  -- when it last went on a stick
DROP INDEX segments_unsettled;
CREATE INDEX segments_kept ON segments (sequence) WHERE sealed IS NOT NULL;

-- Why nothing is sealed until a person decides, and what HQ signed that says so, its signature checked.
CREATE TABLE log_trouble (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    code     TEXT NOT NULL,  -- set_back, receipt_other_bytes
    receipt  BLOB NOT NULL,
    found_at TEXT NOT NULL
) STRICT;

-- Each time the log went on after what HQ has, and not after what this box had sealed itself.
CREATE TABLE log_lives (
    life       INTEGER PRIMARY KEY CHECK (life >= 1),
    size       INTEGER NOT NULL,  -- segments that HQ had: the log goes on with the one after
    sealed     INTEGER NOT NULL,  -- the last one sealed here before
    again      INTEGER NOT NULL,  -- records that were sealed without a receipt, and go again
    code       TEXT NOT NULL,     -- what had been found
    reason     TEXT NOT NULL,
    actor      TEXT NOT NULL,     -- person, '' for the box
    adopted_at TEXT NOT NULL,
    receipt    BLOB               -- what HQ had signed; NULL: it was gone on with without HQ's word
) STRICT;

-- How many restorations and accepted rollbacks there had been when HQ last told where the log stands after one, or a
-- person said to go on. While there are more, nothing is sealed.
CREATE TABLE log_heard (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    returned INTEGER NOT NULL
) STRICT;

-- What the box asks its HQ for until an answer comes: to be let in by a code, or a new certificate ('' as code).
CREATE TABLE enrolment_asked (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    url      TEXT NOT NULL,
    code     TEXT NOT NULL,  -- as it was typed; gone with the answer
    request  BLOB,           -- the very bytes, so that a lost answer can be asked for again; NULL: no courier's key yet
    asked_at TEXT NOT NULL,
    fault    TEXT NOT NULL DEFAULT ''  -- why there is no answer yet, a code of sync's faults
) STRICT;

-- What HQ said when it let this box in.
CREATE TABLE enrolment_known (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    name        TEXT NOT NULL,  -- of this box at HQ
    enrolled_at TEXT NOT NULL,
    clock_off   INTEGER NOT NULL  -- seconds by which this box's clock was ahead of HQ's, with the newest answer
) STRICT;
