-- The box's own certificate authority. Its key never leaves the store: a locked box, or a thief, can issue nothing.

CREATE TABLE box_tls (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    ca_key         BLOB NOT NULL,  -- PKCS #8 in PEM
    ca_certificate BLOB NOT NULL,  -- PEM
    made_at        TEXT NOT NULL
) STRICT;
