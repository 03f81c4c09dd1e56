-- The rule that the anomaly regions (suspects) of an inspection were found by, as JSON: map, threshold, smallest area, share
-- of healthy parts that show a region, and size of a pixel; null in inspections of earlier versions. And the number of
-- regions that were left out beyond the largest number kept.
ALTER TABLE inspection ADD COLUMN region_rule TEXT;
ALTER TABLE inspection ADD COLUMN regions_left_out INTEGER NOT NULL DEFAULT 0;
