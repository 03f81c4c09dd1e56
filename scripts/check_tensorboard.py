#!/usr/bin/env python3
"""Compare a run's log, as the real TensorBoard reads it, with what the run says it has logged.

Usage: check_tensorboard.py RUN_DIR EXPECTED.json

EXPECTED.json holds
  {"scalars":    {tag: [[step, value], ...]},
   "images":     {tag: [[step, width, height], ...]},
   "histograms": {tag: [[step, num], ...]},
   "texts":      {tag: how many}}
with the strings "nan", "inf" and "-inf" for values that JSON has no word for.

Every scalar must agree to the last bit, and every image must decode to the size that the log states.
Prints one line for each difference and ends with 1, or prints what was compared and ends with 0.
Needs the packages tensorboard and pillow.
"""

import io
import json
import logging
import math
import os
import sys

from PIL import Image
from tensorboard.backend.event_processing import event_accumulator

# Differences of one series that are printed.
SHOWN = 5


class Log(event_accumulator.EventAccumulator):
    """TensorBoard's accumulator, which forgets what a resumed run does again, except for texts."""

    def _Purge(self, event, by_tags):
        super()._Purge(event, by_tags)
        if not by_tags:
            self.tensors.FilterItems(lambda point: point.step < event.step)


def read(run_dir):
    """All that TensorBoard finds in a run, in the form of EXPECTED.json, and the images' bytes."""
    keep_all = event_accumulator.STORE_EVERYTHING_SIZE_GUIDANCE
    log = Log(run_dir, size_guidance=keep_all)
    log.Reload()
    tags = log.Tags()
    found = {
        "scalars": {
            tag: [[p.step, p.value] for p in log.Scalars(tag)] for tag in tags["scalars"]
        },
        "images": {
            tag: [[p.step, p.width, p.height] for p in log.Images(tag)]
            for tag in tags["images"]
        },
        "histograms": {
            tag: [[p.step, p.histogram_value.num] for p in log.Histograms(tag)]
            for tag in tags["histograms"]
        },
        "texts": {
            tag: len(log.Tensors(tag))
            for tag in tags["tensors"]
            if log.SummaryMetadata(tag).plugin_data.plugin_name == "text"
        },
    }
    # A tag of which everything was forgotten is still listed.
    found = {kind: {t: s for t, s in series.items() if s} for kind, series in found.items()}
    pictures = [
        (tag, p.step, p.width, p.height, p.encoded_image_string)
        for tag in tags["images"]
        for p in log.Images(tag)
    ]
    return found, pictures


def same(expected, found):
    """True for equal points, where NaN equals NaN. A step that is off is a difference like any other."""
    if len(expected) != len(found):
        return False
    for one, other in zip(expected, found):
        one, other = float(one), float(other)
        if one != other and not (math.isnan(one) and math.isnan(other)):
            return False
    return True


def compare_series(kind, tag, expected, found):
    """Lines on how two lists of points differ."""
    lines = []
    if len(expected) != len(found):
        lines.append(
            f"{kind} {tag}: {len(expected)} points expected, TensorBoard reads {len(found)}"
        )
    for index, (one, other) in enumerate(zip(expected, found)):
        if not same(one, other):
            lines.append(f"{kind} {tag}, point {index}: {one} expected, TensorBoard reads {other}")
    if len(lines) > SHOWN:
        more = len(lines) - SHOWN
        lines = lines[:SHOWN] + [f"{kind} {tag}: {more} more differences"]
    return lines


def compare(expected, found):
    """Lines on how two logs differ."""
    lines = []
    for kind in ("scalars", "images", "histograms", "texts"):
        wanted, there = expected.get(kind, {}), found[kind]
        for tag in sorted(wanted.keys() | there.keys()):
            if tag not in there:
                lines.append(f"{kind} {tag}: expected, but TensorBoard does not read it")
            elif tag not in wanted:
                lines.append(f"{kind} {tag}: TensorBoard reads it, but it is not expected")
            elif kind != "texts":
                lines += compare_series(kind, tag, wanted[tag], there[tag])
            elif wanted[tag] != there[tag]:
                lines.append(
                    f"texts {tag}: {wanted[tag]} expected, TensorBoard reads {there[tag]}"
                )
    return lines


def check_pictures(pictures):
    """Lines on images that do not decode to their stated size."""
    lines = []
    for tag, step, width, height, encoded in pictures:
        try:
            with Image.open(io.BytesIO(encoded)) as picture:
                picture.load()
                if picture.size != (width, height):
                    lines.append(
                        f"images {tag}, step {step}: stated as {width}x{height}, "
                        f"decodes to {picture.size[0]}x{picture.size[1]}"
                    )
        except (OSError, SyntaxError, ValueError) as error:
            lines.append(f"images {tag}, step {step}: does not decode ({type(error).__name__})")
    return lines


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    run_dir, expected_path = sys.argv[1:]
    # TensorBoard reports each resumption as a warning; here they are meant.
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    try:
        with open(expected_path, encoding="utf-8") as file:
            expected = json.load(file)
    except (OSError, ValueError) as error:
        sys.exit(f"cannot read {expected_path}: {error}")
    if not os.path.isdir(run_dir):
        sys.exit(f"{run_dir} is not a folder; name the folder of a run")
    found, pictures = read(run_dir)
    lines = compare(expected, found) + check_pictures(pictures)
    if lines:
        print("\n".join(lines))
        sys.exit(1)
    points = {kind: sum(map(len, found[kind].values())) for kind in found if kind != "texts"}
    if not points["scalars"]:
        sys.exit(f"{run_dir} has no scalars: nothing was compared")
    print(
        f"TensorBoard reads the same: {points['scalars']} scalars under "
        f"{len(found['scalars'])} tags, {points['images']} images (all decoded), "
        f"{points['histograms']} histograms, {sum(found['texts'].values())} texts"
    )


if __name__ == "__main__":
    main()
