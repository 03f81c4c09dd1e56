-- Files that were recorded before they were finished, and the parts that took their place.

ALTER TABLE part ADD COLUMN unwritten TEXT
    CHECK (unwritten IS NULL OR json_valid(unwritten)); -- where the file held only zeros, and the hash of the rest

CREATE TABLE superseded (
    part INTEGER PRIMARY KEY REFERENCES part (id),       -- recorded too early
    successor INTEGER NOT NULL REFERENCES part (id),     -- the same file with more of it written
    time INTEGER NOT NULL,
    CHECK (part < successor)
) STRICT;
CREATE INDEX superseded_successor ON superseded (successor);
CREATE TRIGGER superseded_stays BEFORE UPDATE ON superseded
    BEGIN SELECT RAISE(ABORT, 'a supersession is never changed'); END;
CREATE TRIGGER superseded_is_kept BEFORE DELETE ON superseded
    BEGIN SELECT RAISE(ABORT, 'a supersession is never deleted'); END;
CREATE TRIGGER superseded_is_new BEFORE INSERT ON superseded
    WHEN EXISTS (SELECT 1 FROM superseded WHERE part = NEW.part)
    BEGIN SELECT RAISE(ABORT, 'a supersession is never replaced'); END;
