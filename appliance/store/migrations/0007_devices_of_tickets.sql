-- A ticket belongs to the first device that showed it.

ALTER TABLE tickets ADD COLUMN device_hash BLOB;
