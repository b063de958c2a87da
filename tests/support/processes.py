"""The processes that a process has started, and signals to many of them, of which some may have ended."""

import os
import signal
from contextlib import suppress
from pathlib import Path


def children(pid):
    """Of those that run: none of a process that has ended."""
    found = []
    with suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError):  # the thread has ended since it was listed
                found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def descendants(pid):
    """Parents before their children."""
    return [found for child in children(pid) for found in (child, *descendants(child))]


def kill(pids, with_signal=signal.SIGKILL):
    for pid in pids:
        try:
            os.kill(pid, with_signal)
        except ProcessLookupError:
            pass


def is_stopped(pid):
    """By a signal, until SIGCONT."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
    except OSError:  # it has ended
        return False
    return after_name.split()[0] == "T"
