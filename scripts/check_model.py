#!/usr/bin/env python3
"""Compare a model file as read by Python's safetensors with the program's listing of it.

Usage: check_model.py MODEL.ganspect LISTING.json

LISTING.json, which `ganspect model show MODEL.ganspect --json LISTING.json` writes, holds
  {tensor: [shape, sum]}
where the sum adds the values one by one in file order, in double precision, and a list of outliers, which is not compared.

Every tensor must be present, finite and float32, with exactly this shape and sum. Prints one line per difference
and exits with 1, or prints a summary and exits with 0. Needs the packages safetensors and numpy.
"""

import json
import sys

import numpy
from safetensors import SafetensorError, safe_open

# The only key of the file's metadata.
HEAD_KEY = "ganspect"


def read(path):
    """Returns the tensors of a file by name, and its metadata."""
    with safe_open(path, framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata()


def check_head(metadata):
    """Returns the errors in a file's metadata, and the entries in it."""
    if not metadata or list(metadata) != [HEAD_KEY]:
        return [f"metadata: the keys are {sorted(metadata or {})}, expected only {HEAD_KEY}"], {}
    try:
        head = json.loads(metadata[HEAD_KEY])
        form, meta = head["format"], head["meta"]
    except (ValueError, TypeError, KeyError) as error:
        return [f"metadata: cannot be parsed ({type(error).__name__}: {error})"], {}
    lines = []
    if type(form) is not int or form < 1:
        lines.append(f"metadata: the format is {form!r}")
    lines += [f"metadata {key}: not a string" for key, text in meta.items() if type(text) is not str]
    return lines, meta


def running_sum(tensor):
    """Returns the sum of the values one by one; numpy's sum adds in another order, with another rounding."""
    running = numpy.cumsum(tensor, dtype=numpy.float64)
    return float(running[-1]) if running.size else 0.0


def compare(expected, found):
    """Returns the differences between the tensors and the listing."""
    lines = []
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            lines.append(f"{name}: expected, but safetensors does not read it")
            continue
        if name not in expected:
            lines.append(f"{name}: safetensors reads it, but it is not expected")
            continue
        tensor, (shape, total) = found[name], expected[name]
        if tensor.dtype != numpy.float32:
            lines.append(f"{name}: float32 expected, safetensors reads {tensor.dtype}")
        if list(tensor.shape) != shape:
            lines.append(f"{name}: shape {shape} expected, safetensors reads {list(tensor.shape)}")
        if not numpy.isfinite(tensor).all():
            lines.append(f"{name}: not finite")
        elif running_sum(tensor) != total:
            lines.append(f"{name}: sum {total} expected, safetensors reads {running_sum(tensor)}")
    return lines


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    model_path, expected_path = sys.argv[1:]
    try:
        with open(expected_path, encoding="utf-8") as file:
            expected = json.load(file)
    except (OSError, ValueError) as error:
        sys.exit(f"cannot read {expected_path}: {error}")
    expected.pop("outliers", None)
    try:
        found, metadata = read(model_path)
    except (OSError, SafetensorError) as error:
        sys.exit(f"cannot read {model_path}: {error}")
    lines, meta = check_head(metadata)
    lines += compare(expected, found)
    if lines:
        print("\n".join(lines))
        sys.exit(1)
    if not found:
        sys.exit(f"{model_path} has no tensors: nothing was compared")
    values = sum(tensor.size for tensor in found.values())
    print(
        f"safetensors agrees: {values} values in {len(found)} tensors, "
        f"and {len(meta)} metadata entries: {', '.join(sorted(meta)) or 'none'}"
    )


if __name__ == "__main__":
    main()
