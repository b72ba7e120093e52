-- A ticket belongs to the first device that showed it; one for a lost device leads back to the same place; a visit on
-- a device that others use is short.

ALTER TABLE tickets ADD COLUMN device_hash BLOB;  -- bound to the code; NULL until the ticket is first shown
ALTER TABLE tickets ADD COLUMN rejoin INTEGER NOT NULL DEFAULT 0 CHECK (rejoin IN (0, 1));
ALTER TABLE tickets ADD COLUMN other_device_at TEXT;  -- when another device last showed code and PIN; staff are told
ALTER TABLE visits ADD COLUMN shared INTEGER NOT NULL DEFAULT 0 CHECK (shared IN (0, 1));
