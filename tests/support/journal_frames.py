"""Reads a journal as include/alphahill/results/journal.hpp lays it out."""

import struct
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

FILE_MAGIC = b"ALPHAHILL-JOURNAL-3\n"
FRAME_MAGIC = b"\xa1HFR"
HEADER = struct.Struct("<4sBII")  # magic, kind, payload bytes, CRC
RECORD = 2
VERSION_BYTES = 2  # in front of each payload


def frames(path):
    """(kind, payload, end) of the whole frames."""
    stored = Path(path).read_bytes() if Path(path).exists() else b""
    end = len(FILE_MAGIC)
    while end + HEADER.size <= len(stored):
        magic, kind, size, _ = HEADER.unpack_from(stored, end)
        payload = stored[end + HEADER.size:end + HEADER.size + size]
        if magic != FRAME_MAGIC or len(payload) < size:
            break
        end += HEADER.size + size
        yield kind, payload, end


@dataclass
class Journal:
    records: dict = field(default_factory=dict)  # layer to the payloads of its records
    end: int = 0  # of the last whole frame


def read_journal(path):
    records, end = defaultdict(list), 0
    for kind, payload, end in frames(path):
        if kind == RECORD:
            records[struct.unpack_from("<q", payload, VERSION_BYTES)[0]].append(payload)
    return Journal(dict(records), end)
