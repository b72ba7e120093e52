-- Care groups, their clinicians, and notes that only those can open.

CREATE TABLE care_groups (
    id         TEXT PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at TEXT NOT NULL
) STRICT;
