"""One check of a GPU: what its parts share, and how they run one after the other."""

import os

from gpu.figures_file import FiguresFile, is_figure
from gpu.running import run, words_of


class CutOff(Exception):
    """The part's time was over."""


class NotRun(Exception):
    """The part, or the rest of it, could not be done; the message says why."""


class Check:
    def __init__(self, options, root, environment):
        self.options = options
        self.root = root  # of the scripts
        self.environment = environment
        self.figures = FiguresFile(options.out / "figures.jsonl")

    def left(self):
        return self.options.seconds - self.figures.seconds()

    def run_part(self, part):
        """@return how it ended"""
        limit = min(part.seconds, self.left())
        work = Work(self, part.name, limit)
        ended, why = "passed", ""
        work.line(begins=round(limit, 1))
        try:
            if limit < 1:
                raise NotRun("no time was left")
            part.work(work)
        except CutOff:
            ended, why = "cut off", f"after {limit:.0f} s"
        except NotRun as reason:
            ended, why = "not run", str(reason)
        except Exception as error:  # a part that fails in a way that nobody thought of does not end the check
            ended, why = "failed", f"{type(error).__name__}: {error}"
        finally:
            work.errors.close()
        if ended == "passed" or work.worst == "failed":
            ended = work.worst
        work.line(ends=ended, why=why)
        return ended


class Work:
    """A part while it runs."""

    def __init__(self, check, name, limit):
        self.check = check
        self.name = name
        self.end = check.figures.seconds() + limit
        self.worst = "passed"  # of what was found
        self.errors = open(check.options.out / f"{name}.stderr", "wb")

    def program(self, name):
        path = self.check.options.bin / name
        if not path.exists():
            raise NotRun(f"{path} is not there")
        return path

    def left(self):
        return self.end - self.check.figures.seconds()

    def line(self, **fields):
        self.check.figures.write({"part": self.name} | fields)

    def found(self, name, state, **fields):
        """What was checked, and what came of it."""
        if state == "cut off" and self.worst == "passed":
            self.worst = state
        elif state not in ("passed", "cut off"):
            self.worst = "failed"
        self.line(name=name, state=state, **fields)

    def copy(self, line):
        """A line of a program: a figure, or else something that it says."""
        if is_figure(line):
            self.check.figures.copy(line)
        else:
            self.errors.write(line + b"\n")
            self.errors.flush()

    def run(self, command, take_line=None, seconds=None, environment=None):
        """@param seconds  of the part's, all that are left without it
        @return the exit code
        @throws CutOff"""
        seconds = self.left() if seconds is None else min(seconds, self.left())
        code = run(command, take_line or self.copy, seconds, environment or self.check.environment, self.errors)
        if code is None:
            raise CutOff
        return code

    def run_or_fail(self, name, command, **keywords):
        """A program that has to end well; where its share of the time is over, others of the part may still run."""
        try:
            code = self.run(command, **keywords)
            if code != 0:
                self.found(name, "failed", why=words_of(code))
        except CutOff:
            if self.left() < 1:
                raise
            self.found(name, "cut off")


def no_gpu():
    """@return why there is none, or nothing"""
    lines = []
    with open(os.devnull, "wb") as nowhere:
        try:
            run(["nvidia-smi", "--list-gpus"], lines.append, 60, os.environ, nowhere)
        except OSError:
            pass
    seen = any(line.startswith(b"GPU") for line in lines)
    return "" if seen else "this machine has no GPU that nvidia-smi can see: nothing was checked"
