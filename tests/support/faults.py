"""What tests/faults/fault_injection.cpp brings about in alpha-hill, and runs that it stops in their middle."""

import os
from dataclasses import dataclass

LIBRARY = os.environ["ALPHAHILL_FAULT_INJECTION"]


@dataclass
class Fault:
    """What happens at which call."""
    kind: str
    at: int
    calls: str = "writes"
    rank: int = 0
    once: str = ""

    def environment(self, folder, trace="/dev/null"):
        return {"LD_PRELOAD": LIBRARY, "FAULTS_FOLDER": str(folder), "FAULTS_TRACE": str(trace),
                "FAULTS_KIND": self.kind, "FAULTS_AT": str(self.at), "FAULTS_CALLS": self.calls,
                "FAULTS_RANK": str(self.rank), "FAULTS_ONCE": str(self.once)}


NO_FAULT = Fault("", 0)


def stop_after(rounds, once=""):
    """For the journal of a new run: rank 0 stops when so many rounds of records, of one layer or more, are on disk."""
    beginning = 1
    return Fault("stop", beginning + rounds, "fdatasync", once=once)
