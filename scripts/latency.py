"""Presses keys in the real window and watches the framebuffer for the response.

Usage: latency.py PROGRAM PRESSES. Called by scripts/latency.
"""

import mmap
import os
import pathlib
import random
import re
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time

SIZES = [(1280, 800), (1920, 1080)]
# Part of the navigation rail, which only the palette's backdrop changes after the start: x, y, width, height.
PATCH = (4, 400, 40, 100)
# Timeout for a response, seconds.
TIMEOUT = 3.0


class Display:
    """An Xvfb with its framebuffer in a file (xwd format), and a keyboard for the window on it."""

    def __init__(self, home, width, height):
        self.pipe, write = os.pipe()
        self.server = subprocess.Popen(
            ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp",
             "-fbdir", str(home)],
            pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        os.close(write)
        self.name = ":" + os.read(self.pipe, 16).decode().strip()
        self.memory = (home / "Xvfb_screen0").open("rb")
        self.map = mmap.mmap(self.memory.fileno(), 0, access=mmap.ACCESS_READ)
        header = struct.unpack(">25I", self.map[:100])
        self.stride, self.start = header[12], header[0] + header[19] * 12
        environment = dict(os.environ, DISPLAY=self.name)
        self.keys = subprocess.Popen(["xdotool", "-"], stdin=subprocess.PIPE, env=environment, text=True)

    def send(self, line):
        self.keys.stdin.write(line + "\n")
        self.keys.stdin.flush()

    def patch(self):
        x, y, width, height = PATCH
        rows = (self.start + (y + row) * self.stride + x * 4 for row in range(height))
        return b"".join(self.map[at:at + width * 4] for at in rows)

    def close(self):
        self.keys.stdin.close()
        self.keys.wait()
        self.server.terminate()
        self.server.wait()


def watch(display, seen, started, event, settle, timeout=TIMEOUT):
    """Returns the milliseconds from `started`, when `seen` was shown, to the first and the last change within `settle` seconds."""
    before = seen
    first = last = None
    while (now := time.perf_counter() - started) < (timeout if first is None else max(settle, last + 0.3)):
        shown = display.patch()
        if shown != seen:
            seen, last = shown, now
            first = first or now
        time.sleep(0.001)
    if first is None or seen == before:
        raise SystemExit(f"no response to {event}")
    return first * 1e3, last * 1e3


def press(display, key, settle):
    """Like `watch`, starting with a key press."""
    seen, started = display.patch(), time.perf_counter()
    display.send(f"key --delay 0 {key}")
    return watch(display, seen, started, key, settle)


def frames(log):
    """Returns the milliseconds of the window's thread per frame, without rasterisation."""
    return [float(ms) for ms in re.findall(r"the last frame took ([0-9.]+) ms", log.read_text())]


def measure(display, log, title, presses):
    first, complete, seen = [], [], len(frames(log))
    for _ in range(presses):
        response = press(display, "ctrl+k", 0.5)
        first.append(response[0])
        complete.append(response[1])
        time.sleep(random.uniform(0.3, 1.0))
        press(display, "Escape", 0.5)
        time.sleep(random.uniform(1.6, 2.4))
    print(f"{title}: first change {statistics.median(first):.0f} ms (maximum {max(first):.0f}), "
          f"complete {statistics.median(complete):.0f} ms (maximum {max(complete):.0f})")
    own = sorted(frames(log)[seen:])
    if own:
        print(f"    of which layout and tessellation of one frame: median "
              f"{statistics.median(own):.1f} ms, 95 % below {own[int(len(own) * 0.95)]:.1f} ms", flush=True)


def window(program, home, size, presses):
    width, height = size
    environment = dict(
        os.environ, XDG_CONFIG_HOME=str(home / "config"), XDG_DATA_HOME=str(home / "data"),
        XDG_RUNTIME_DIR=str(home / "run"),
    )
    environment.pop("WAYLAND_DISPLAY", None)
    environment["GANSPECT_LOG"] = "error,ganspect::frames=trace"
    settings = home / "config" / "ganspect" / "settings.toml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(
        f'version = 1\ntheme = "dark"\nwindow = [{width}.0, {height}.0]\nlast_run = "{home / "run-a"}"\n'
    )
    display = Display(home, width, height)
    environment["DISPLAY"] = display.name
    bare, started = display.patch(), time.perf_counter()
    with (home / "log").open("w") as log:
        process = subprocess.Popen([program], env=environment, stdout=log, stderr=log)
    try:
        _, drawn = watch(display, bare, started, "the start", 3.0, 60.0)
        print(f"{width}x{height}, start: drawn after {drawn:.0f} ms", flush=True)
        found = subprocess.run(
            ["timeout", "60", "xdotool", "search", "--sync", "--onlyvisible", "--pid", str(process.pid)],
            env=environment, capture_output=True, text=True, check=True,
        ).stdout.split()[0]
        display.send(f"windowmove {found} 0 0 windowsize {found} {width} {height} windowfocus {found}")
        display.send(f"mousemove {width // 2} 5")
        time.sleep(5)
        display.send("key ctrl+shift+o")
        time.sleep(20)
        measure(display, home / "log", f"{width}x{height}, training", presses)
        display.send("key space")
        time.sleep(3)
        measure(display, home / "log", f"{width}x{height}, paused", presses)
        display.send("key ctrl+q")
        process.wait(60)
    finally:
        process.kill()
        process.wait()
        display.close()


def main():
    program, presses = str(pathlib.Path(sys.argv[1]).resolve()), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        (home / "run").mkdir(mode=0o700)
        # An unfinished run for the window to resume.
        run = subprocess.Popen(
            [program, "train", "--device", "cpu", "--data", "surface:turned", "--preset", "laptop",
             "--out", str(home / "run-a")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        time.sleep(15)
        run.send_signal(signal.SIGINT)
        if run.wait(60) != 0:
            raise SystemExit("the run could not be trained")
        for size in SIZES:
            window(program, home, size, presses)


if __name__ == "__main__":
    main()
