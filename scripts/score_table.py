#!/usr/bin/env python3
"""Writes the scores behind a model's combined score, and those of its test images, to a small JSON table.

    ganspect evaluate --model M.ganspect --report OUT
    scripts/score_table.py M.ganspect OUT/images.csv "magnetic tiles" > tests/fixtures/scores/tiles.json

The table holds numbers only: rows of nine scores, for held-out healthy images, for the same with synthetic damage (after
the position of the undamaged image), and for test images (after the defect type, empty for healthy ones).
"""

import csv
import json
import struct
import sys

SCORES = ["l1", "worst_spot", "feature", "feature_spot", "critic", "critic_distance", "critic_pattern", "critic_line", "texture"]


def calibration(path):
    """The first calibration in a model file."""
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    meta = json.loads(header["__metadata__"]["ganspect"])["meta"]
    return json.loads(meta["calibrations"])[0]


def row(scores):
    return [float(f"{float(scores.get(name) or 0):.5g}") for name in SCORES]


def main():
    model, images, surface = sys.argv[1:]
    found = calibration(model)
    with open(images, newline="", encoding="utf-8") as file:
        # A frame that is no image of the surface has no combined score.
        tests = [image for image in csv.DictReader(file) if image["fused"]]
    table = {
        "surface": surface,
        "scores": [name.replace("_", "-") for name in SCORES],
        "held_out": [row(image["scores"]) for image in found["held_out"]],
        "damaged": [[image["held_out"], *row(image["scores"])] for image in found["damaged"]],
        "test": [[(image["kind"] or "defective") if image["truth"] == "defective" else "", row(image)] for image in tests],
    }
    print("{")
    lines = []
    for key, value in table.items():
        rows = isinstance(value, list) and value and isinstance(value[0], list)
        text = "[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in value) + "]" if rows else json.dumps(value)
        lines.append(f"{json.dumps(key)}: {text}")
    print(",\n".join(lines) + "\n}")


if __name__ == "__main__":
    main()
