-- A person who does not come any more is put away, never deleted: sessions, signatures and the audit name them.

ALTER TABLE people ADD COLUMN archived_at TEXT;
