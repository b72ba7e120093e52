-- Second factors, limits of logins, and throttles that survive a restart.

ALTER TABLE accounts ADD COLUMN must_change INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1));
