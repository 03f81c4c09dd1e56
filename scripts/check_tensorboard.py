#!/usr/bin/env python3
"""Compare a run's log as read by TensorBoard with the program's export of it.

Usage: check_tensorboard.py RUN_DIR EXPECTED.json

EXPECTED.json holds
  {"scalars":    {tag: [[step, value], ...]},
   "images":     {tag: [[step, width, height], ...]},
   "histograms": {tag: [[step, num], ...]},
   "texts":      {tag: count}}
with the strings "nan", "inf" and "-inf" for values that JSON cannot represent.

Every scalar must be identical, and every image must decode to the size that the log states. Prints one line per
difference and exits with 1, or prints a summary and exits with 0. Needs the packages tensorboard and pillow.
"""

import io
import json
import logging
import math
import os
import sys

from PIL import Image
from tensorboard.backend.event_processing import event_accumulator

# Maximum number of differences printed per series.
SHOWN = 5


class Log(event_accumulator.EventAccumulator):
    """TensorBoard's accumulator, which drops the steps that a resumed run repeats, here also for texts."""

    def _Purge(self, event, by_tags):
        super()._Purge(event, by_tags)
        if not by_tags:
            self.tensors.FilterItems(lambda point: point.step < event.step)


def read(run_dir):
    """Returns the contents of a run in the form of EXPECTED.json, and the encoded images."""
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
    # Tags without remaining points are still listed.
    found = {kind: {t: s for t, s in series.items() if s} for kind, series in found.items()}
    images = [
        (tag, p.step, p.width, p.height, p.encoded_image_string)
        for tag in tags["images"]
        for p in log.Images(tag)
    ]
    return found, images


def same(expected, found):
    """Returns whether two points are equal, step included; NaN equals NaN."""
    if len(expected) != len(found):
        return False
    for one, other in zip(expected, found):
        one, other = float(one), float(other)
        if one != other and not (math.isnan(one) and math.isnan(other)):
            return False
    return True


def compare_series(kind, tag, expected, found):
    """Returns the differences between two lists of points."""
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
    """Returns the differences between two logs."""
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


def check_images(images):
    """Returns the images that do not decode to their stated size."""
    lines = []
    for tag, step, width, height, encoded in images:
        try:
            with Image.open(io.BytesIO(encoded)) as image:
                image.load()
                if image.size != (width, height):
                    lines.append(
                        f"images {tag}, step {step}: stated as {width}x{height}, "
                        f"decodes to {image.size[0]}x{image.size[1]}"
                    )
        except (OSError, SyntaxError, ValueError) as error:
            lines.append(f"images {tag}, step {step}: does not decode ({type(error).__name__})")
    return lines


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    run_dir, expected_path = sys.argv[1:]
    # TensorBoard warns about each resumption; here they are intended.
    logging.getLogger("tensorboard").setLevel(logging.ERROR)
    try:
        with open(expected_path, encoding="utf-8") as file:
            expected = json.load(file)
    except (OSError, ValueError) as error:
        sys.exit(f"cannot read {expected_path}: {error}")
    if not os.path.isdir(run_dir):
        sys.exit(f"{run_dir} is not a folder; pass the folder of a run")
    found, images = read(run_dir)
    lines = compare(expected, found) + check_images(images)
    if lines:
        print("\n".join(lines))
        sys.exit(1)
    points = {kind: sum(map(len, found[kind].values())) for kind in found if kind != "texts"}
    if not points["scalars"]:
        sys.exit(f"{run_dir} has no scalars: nothing was compared")
    print(
        f"TensorBoard agrees: {points['scalars']} scalars under "
        f"{len(found['scalars'])} tags, {points['images']} images (all decoded), "
        f"{points['histograms']} histograms, {sum(found['texts'].values())} texts"
    )


if __name__ == "__main__":
    main()
