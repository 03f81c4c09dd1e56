-- Further outlines of one verdict, and small copies of judged images.

ALTER TABLE verdict ADD COLUMN more_regions TEXT
    CHECK (more_regions IS NULL OR json_valid(more_regions)); -- array of rectangles and polygons, pixels

CREATE TABLE picture (
    part INTEGER PRIMARY KEY REFERENCES part (id),
    jpeg BLOB NOT NULL CHECK (length(jpeg) > 0), -- at most 1024 pixels a side
    time INTEGER NOT NULL
) STRICT;
CREATE TRIGGER picture_stays BEFORE UPDATE ON picture BEGIN SELECT RAISE(ABORT, 'a picture is never changed'); END;
CREATE TRIGGER picture_is_kept BEFORE DELETE ON picture BEGIN SELECT RAISE(ABORT, 'a picture is never deleted'); END;
CREATE TRIGGER picture_is_new BEFORE INSERT ON picture
    WHEN EXISTS (SELECT 1 FROM picture WHERE part = NEW.part)
    BEGIN SELECT RAISE(ABORT, 'a picture is never replaced'); END;
