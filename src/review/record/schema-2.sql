-- The verdict that an image does not show this part, with its reason. SQLite cannot change the check of a column, so the
-- table is written anew; foreign keys are off meanwhile.

CREATE TABLE inspection_2 (
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
    verdict TEXT NOT NULL CHECK (verdict IN ('healthy', 'suspect', 'defective', 'not this part')),
    scores TEXT NOT NULL CHECK (json_valid(scores)),
    suspects TEXT NOT NULL CHECK (json_valid(suspects)),
    seconds REAL NOT NULL,
    time INTEGER NOT NULL,
    reason TEXT,                            -- why the image does not show this part
    UNIQUE (part, model),                   -- exactly once
    CHECK ((verdict = 'not this part') = (reason IS NOT NULL))
) STRICT;
INSERT INTO inspection_2
    SELECT id, part, model, model_name, score_kind, score, p_value, held_out, rate, threshold, verdict, scores,
        suspects, seconds, time, NULL
    FROM inspection;
DROP TABLE inspection;
ALTER TABLE inspection_2 RENAME TO inspection;

CREATE TRIGGER inspection_stays BEFORE UPDATE ON inspection
    BEGIN SELECT RAISE(ABORT, 'an inspection is never changed'); END;
CREATE TRIGGER inspection_is_kept BEFORE DELETE ON inspection
    BEGIN SELECT RAISE(ABORT, 'an inspection is never deleted'); END;
CREATE TRIGGER inspection_is_new BEFORE INSERT ON inspection
    WHEN EXISTS (SELECT 1 FROM inspection WHERE id = NEW.id OR (part = NEW.part AND model = NEW.model))
    BEGIN SELECT RAISE(ABORT, 'an inspection is never replaced'); END;
