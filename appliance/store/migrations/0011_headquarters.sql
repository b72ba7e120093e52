-- What the box knows of its HQ, and how its log goes on after it was set back.
CREATE TABLE headquarters (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    facts     BLOB NOT NULL,  -- HQ's public facts as JSON (sync/keys.py): the keys that count here, whatever the spool says
    pinned_at TEXT NOT NULL,
    heard_at  TEXT NOT NULL DEFAULT ''  -- when HQ was last heard: a receipt, a pack
) STRICT;

CREATE TABLE box_inbox (
    id   INTEGER PRIMARY KEY CHECK (id = 1),
    seed BLOB NOT NULL  -- of the X-Wing key that packs are sealed to
) STRICT;
