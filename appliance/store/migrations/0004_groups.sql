-- What the box keeps of a session's MLS group (RFC 9420) while the session lasts: the order of the handshake. It can read
-- none of the secrets. All of it goes with the session's end, but for the comparisons of the roster code.
-- The lengths are those of appliance/groups/rules.py, in bytes.

-- The group that stands. `group_info` is of `epoch`: what a facilitator who comes back joins with.
CREATE TABLE groups (
    session    TEXT PRIMARY KEY REFERENCES sessions (id),
    id         TEXT NOT NULL CHECK (length(id) = 32),  -- hex, chosen by the browser that founded it
    founder    TEXT NOT NULL REFERENCES members (id),
    epoch      INTEGER NOT NULL CHECK (epoch >= 0),
    group_info BLOB NOT NULL CHECK (length(group_info) BETWEEN 4 AND 32768)
) STRICT;

-- A commit stands at the epoch that it was made in. Of two at once the key lets one in: that is the group's order.
CREATE TABLE group_commits (
    session TEXT NOT NULL REFERENCES groups (session),
    epoch   INTEGER NOT NULL CHECK (epoch >= 0),
    member  TEXT NOT NULL REFERENCES members (id),
    bytes   BLOB NOT NULL CHECK (length(bytes) BETWEEN 4 AND 32768),
    PRIMARY KEY (session, epoch)
) STRICT;

-- The newest welcome of a member; `epoch` is the one that it leads into.
CREATE TABLE welcomes (
    member  TEXT PRIMARY KEY REFERENCES members (id),
    session TEXT NOT NULL REFERENCES groups (session),
    epoch   INTEGER NOT NULL CHECK (epoch >= 1),
    bytes   BLOB NOT NULL CHECK (length(bytes) BETWEEN 4 AND 32768)
) STRICT;
CREATE INDEX welcomes_of_session ON welcomes (session);

-- The newest key package that a member offered and that no commit has used.
CREATE TABLE key_packages (
    member  TEXT PRIMARY KEY REFERENCES members (id),
    session TEXT NOT NULL REFERENCES sessions (id),
    bytes   BLOB NOT NULL CHECK (length(bytes) BETWEEN 4 AND 4096)
) STRICT;
CREATE INDEX key_packages_of_session ON key_packages (session);

-- That a facilitator had the roster code read aloud and all heard the same words. Stays with the session.
CREATE TABLE comparisons (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    session  TEXT NOT NULL REFERENCES sessions (id),
    group_id TEXT NOT NULL,
    epoch    INTEGER NOT NULL,
    member   TEXT NOT NULL REFERENCES members (id),
    at       TEXT NOT NULL
) STRICT;
CREATE INDEX comparisons_of_session ON comparisons (session);
