"""Presses keys in the real window and watches the display's memory for the answer.

Usage: latency.py PROGRAM PRESSES. See scripts/latency, which calls it.
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
# A part of the rail, which after the start nothing but the palette's backdrop changes: x, y, width, height.
PATCH = (4, 400, 40, 100)
# No answer takes longer than this, seconds.
LONGEST = 3.0


class Display:
    """An Xvfb whose picture lies in a file (the format of xwd), and keys for the window on it."""

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

    def do(self, line):
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


def watch(display, seen, started, what, settle, longest=LONGEST):
    """Milliseconds from `started`, when `seen` was shown, to the first change and to the last within `settle` seconds."""
    before = seen
    first = last = None
    while (now := time.perf_counter() - started) < (longest if first is None else max(settle, last + 0.3)):
        shown = display.patch()
        if shown != seen:
            seen, last = shown, now
            first = first or now
        time.sleep(0.001)
    if first is None or seen == before:
        raise SystemExit(f"{what} had no answer")
    return first * 1e3, last * 1e3


def press(display, key, settle):
    """As `watch`, from a key on."""
    seen, started = display.patch(), time.perf_counter()
    display.do(f"key --delay 0 {key}")
    return watch(display, seen, started, key, settle)


def frames(log):
    """Milliseconds that each frame took of the window's own thread, all but the drawing of its pixels."""
    return [float(ms) for ms in re.findall(r"the last frame took ([0-9.]+) ms", log.read_text())]


def measure(display, log, what, presses):
    first, whole, seen = [], [], len(frames(log))
    for _ in range(presses):
        answer = press(display, "ctrl+k", 0.5)
        first.append(answer[0])
        whole.append(answer[1])
        time.sleep(random.uniform(0.3, 1.0))
        press(display, "Escape", 0.5)
        time.sleep(random.uniform(1.6, 2.4))
    print(f"{what}: begins to show {statistics.median(first):.0f} ms (worst {max(first):.0f}), "
          f"whole {statistics.median(whole):.0f} ms (worst {max(whole):.0f})")
    own = sorted(frames(log)[seen:])
    if own:
        print(f"    of which the program's own share, passes and triangles of one frame: median "
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
        display.do(f"windowmove {found} 0 0 windowsize {found} {width} {height} windowfocus {found}")
        display.do(f"mousemove {width // 2} 5")
        time.sleep(5)
        display.do("key ctrl+shift+o")
        time.sleep(20)
        measure(display, home / "log", f"{width}x{height}, training", presses)
        display.do("key space")
        time.sleep(3)
        measure(display, home / "log", f"{width}x{height}, paused", presses)
        display.do("key ctrl+q")
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
        # A run that is far from its end, for the window to go on with.
        run = subprocess.Popen(
            [program, "train", "--device", "cpu", "--data", "surface:turned", "--preset", "laptop",
             "--out", str(home / "run-a")],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        time.sleep(15)
        run.send_signal(signal.SIGINT)
        if run.wait(60) != 0:
            raise SystemExit("the run could not be made")
        for size in SIZES:
            window(program, home, size, presses)


if __name__ == "__main__":
    main()
