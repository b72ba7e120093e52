-- The audit as a Merkle log (RFC 9162): from where, whose record, which thing; signed heads of the log.
-- Entries of before keep their canonical form 1 (audit/rules.py).

ALTER TABLE audit ADD COLUMN form INTEGER NOT NULL DEFAULT 1;
ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN person TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN thing TEXT NOT NULL DEFAULT '';
