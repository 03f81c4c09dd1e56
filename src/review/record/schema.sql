-- Nothing in this file is ever changed or deleted: what is wrong is taken back by a new row.

CREATE TABLE part (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,                     -- absolute
    hash TEXT NOT NULL CHECK (length(hash) = 64), -- BLAKE3 of the file
    bytes INTEGER NOT NULL CHECK (bytes >= 0),
    width INTEGER NOT NULL CHECK (width > 0),
    height INTEGER NOT NULL CHECK (height > 0),
    first_seen INTEGER NOT NULL,            -- milliseconds since 1970, UTC, as every time here
    UNIQUE (path, hash)
) STRICT;

CREATE TABLE inspection (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    part INTEGER NOT NULL REFERENCES part (id),
    model TEXT NOT NULL CHECK (length(model) = 64), -- hash of its tensors
    model_name TEXT NOT NULL,
    score_kind TEXT NOT NULL,
    score REAL NOT NULL,
    p_value REAL NOT NULL CHECK (p_value > 0 AND p_value <= 1),
    held_out INTEGER NOT NULL CHECK (held_out >= 0), -- healthy images that p_value rests on
    rate REAL NOT NULL,                     -- promised share of false alarms
    threshold REAL,                         -- score at the line
    verdict TEXT NOT NULL CHECK (verdict IN ('healthy', 'suspect', 'defective')),
    scores TEXT NOT NULL CHECK (json_valid(scores)),
    suspects TEXT NOT NULL CHECK (json_valid(suspects)),
    seconds REAL NOT NULL,
    time INTEGER NOT NULL,
    UNIQUE (part, model)                    -- exactly once
) STRICT;

CREATE TABLE verdict (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    inspection INTEGER NOT NULL REFERENCES inspection (id),
    reviewer TEXT NOT NULL CHECK (reviewer <> ''),
    kind TEXT CHECK (kind IN ('agree', 'healthy', 'defective', 'unsure', 'skip')),
    defect_kind TEXT,
    note TEXT NOT NULL DEFAULT '',
    region TEXT CHECK (region IS NULL OR json_valid(region)), -- rectangle or polygon, pixels
    blind INTEGER NOT NULL DEFAULT 0 CHECK (blind IN (0, 1)),
    time INTEGER NOT NULL,
    retracts INTEGER UNIQUE REFERENCES verdict (id), -- the row that this one takes back
    CHECK ((kind IS NULL) = (retracts IS NOT NULL))
) STRICT;
CREATE INDEX verdict_inspection ON verdict (inspection);

CREATE TABLE defect_kind (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL CHECK (name <> ''),
    retired INTEGER NOT NULL CHECK (retired IN (0, 1)), -- the latest row of a name counts
    time INTEGER NOT NULL
) STRICT;

CREATE TABLE quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    path TEXT NOT NULL,
    hash TEXT,
    reason TEXT NOT NULL,
    time INTEGER NOT NULL
) STRICT;
CREATE INDEX quarantine_path ON quarantine (path);

CREATE TABLE adoption (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    model TEXT NOT NULL CHECK (length(model) = 64),
    parent TEXT CHECK (length(parent) = 64),
    path TEXT NOT NULL,
    who TEXT NOT NULL,
    learned_from TEXT NOT NULL CHECK (json_valid(learned_from)), -- numbers of verdicts
    before TEXT NOT NULL CHECK (json_valid(before)),
    after TEXT NOT NULL CHECK (json_valid(after)),
    time INTEGER NOT NULL
) STRICT;

CREATE TRIGGER part_stays BEFORE UPDATE ON part BEGIN SELECT RAISE(ABORT, 'a part is never changed'); END;
CREATE TRIGGER part_is_kept BEFORE DELETE ON part BEGIN SELECT RAISE(ABORT, 'a part is never deleted'); END;
CREATE TRIGGER inspection_stays BEFORE UPDATE ON inspection
    BEGIN SELECT RAISE(ABORT, 'an inspection is never changed'); END;
CREATE TRIGGER inspection_is_kept BEFORE DELETE ON inspection
    BEGIN SELECT RAISE(ABORT, 'an inspection is never deleted'); END;
CREATE TRIGGER verdict_stays BEFORE UPDATE ON verdict BEGIN SELECT RAISE(ABORT, 'a verdict is never changed'); END;
CREATE TRIGGER verdict_is_kept BEFORE DELETE ON verdict BEGIN SELECT RAISE(ABORT, 'a verdict is never deleted'); END;
CREATE TRIGGER defect_kind_stays BEFORE UPDATE ON defect_kind
    BEGIN SELECT RAISE(ABORT, 'a kind of defect is never changed'); END;
CREATE TRIGGER defect_kind_is_kept BEFORE DELETE ON defect_kind
    BEGIN SELECT RAISE(ABORT, 'a kind of defect is never deleted'); END;
CREATE TRIGGER quarantine_stays BEFORE UPDATE ON quarantine
    BEGIN SELECT RAISE(ABORT, 'a quarantine is never changed'); END;
CREATE TRIGGER quarantine_is_kept BEFORE DELETE ON quarantine
    BEGIN SELECT RAISE(ABORT, 'a quarantine is never deleted'); END;
CREATE TRIGGER adoption_stays BEFORE UPDATE ON adoption
    BEGIN SELECT RAISE(ABORT, 'an adoption is never changed'); END;
CREATE TRIGGER adoption_is_kept BEFORE DELETE ON adoption
    BEGIN SELECT RAISE(ABORT, 'an adoption is never deleted'); END;

-- INSERT OR REPLACE deletes without asking the triggers above.
CREATE TRIGGER inspection_is_new BEFORE INSERT ON inspection
    WHEN EXISTS (SELECT 1 FROM inspection WHERE id = NEW.id OR (part = NEW.part AND model = NEW.model))
    BEGIN SELECT RAISE(ABORT, 'an inspection is never replaced'); END;
CREATE TRIGGER verdict_is_new BEFORE INSERT ON verdict
    WHEN EXISTS (SELECT 1 FROM verdict WHERE id = NEW.id OR retracts = NEW.retracts)
    BEGIN SELECT RAISE(ABORT, 'a verdict is never replaced'); END;

CREATE TRIGGER verdict_takes_back_its_own BEFORE INSERT ON verdict
    WHEN NEW.retracts IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM verdict
        WHERE id = NEW.retracts AND reviewer = NEW.reviewer AND inspection = NEW.inspection
    )
    BEGIN SELECT RAISE(ABORT, 'a verdict is taken back by who gave it'); END;
