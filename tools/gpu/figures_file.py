"""The figures of a check: a JSON object a line, on disk before the next one, so that whatever ends the check costs a
line at most.

A line has the part that it is of as its first field and the seconds since the check began as its last. What lies
between is the part's own, as {"part": "probes"...} of its program; those of the check itself:

    {"part": "check", "begun": DATE, "seconds": N, ...}
    {"part": PART, "begins": LIMIT}
    {"part": PART, "name": CHECKED, "state": "passed" | "failed" | "skipped" | "cut off" | "not believed", ...}
    {"part": PART, "ends": "passed" | "failed" | "cut off" | "not run", "why": TEXT}
"""

import json
import os
import time


class FiguresFile:
    def __init__(self, path):
        """Goes on after what an earlier check wrote."""
        self.start = time.monotonic()
        self.file = open(path, "ab", buffering=0)
        self.prints = True
        if torn(path):
            self.file.write(b"\n")

    def seconds(self):
        return time.monotonic() - self.start

    def write(self, fields):
        self.copy(json.dumps(fields).encode())

    def copy(self, line):
        """A program's line, as it is but for the time."""
        line = line[:-1] + b', "at": %.3f}\n' % self.seconds()
        self.file.write(line)
        os.fsync(self.file.fileno())
        self.show(line)

    def show(self, line):
        """Figures do not end with the terminal that shows them."""
        try:
            if self.prints:
                os.write(1, line)
        except OSError:
            self.prints = False


def torn(path):
    content = path.read_bytes()
    return content != b"" and not content.endswith(b"\n")


def is_figure(line):
    try:
        return isinstance(json.loads(line), dict) and line.endswith(b"}")
    except ValueError:
        return False


def read_figures(path):
    """All whole lines; one that was cut off is left out."""
    figures = []
    for line in path.read_bytes().splitlines():
        try:
            figures.append(json.loads(line))
        except ValueError:
            pass
    return figures
