"""A program that has so many seconds: its lines as they come, and its end or that of its time."""

import os
import signal
import subprocess
import threading

try:
    import ctypes

    PRCTL = ctypes.CDLL(None).prctl
except (ImportError, AttributeError):
    PRCTL = None
SET_PARENT_DEATH_SIGNAL = 1  # of Linux


def run(command, take_line, seconds, environment, errors):
    """@param take_line  called with each line of standard output
    @param errors  file that standard error goes to
    @return its exit code, negative for a signal; None where its time was over
    """
    process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=errors, env=environment, start_new_session=True, preexec_fn=end_with_parent)
    over = threading.Event()

    def end():
        over.set()
        kill(process)

    timer = threading.Timer(max(seconds, 0), end)
    timer.daemon = True  # a signal may end the check from here on
    try:
        timer.start()
        for line in process.stdout:
            take_line(line.rstrip(b"\n"))
        code = process.wait()
        return None if over.is_set() else code
    finally:
        timer.cancel()
        kill(process)
        process.stdout.close()
        process.wait()


def end_with_parent():
    """Nothing stays on the GPU when the check is killed."""
    if PRCTL:
        PRCTL(SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)


def kill(process):
    """With all that it has started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def words_of(code):
    """How a program ended."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
