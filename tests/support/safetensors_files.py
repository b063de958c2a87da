"""Reads and writes safetensors files, sharded or not, for tests."""

import json
import struct
from pathlib import Path

from support.number_formats import STORED_NAMES, decode, encode


def file_bytes(header, payload=b""):
    """A safetensors file of this header, a JSON value or raw bytes, whatever sense it makes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + payload


def tensors_bytes(tensors, precision):
    """A well-formed file of float64 arrays by name, stored in a format that holds them exactly."""
    header, payload = {"__metadata__": {"format": "pt"}}, bytearray()
    for name, values in tensors.items():
        stored = encode(values, precision)
        header[name] = {"dtype": STORED_NAMES[precision], "shape": list(values.shape),
                        "data_offsets": [len(payload), len(payload) + len(stored)]}
        payload += stored
    return file_bytes(header, payload)


def write_checkpoint(folder, config, tensors, precision, shards=1):
    """Writes config.json and model.safetensors, or shards that take the tensors in turn, and their index."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    if shards == 1:
        (folder / "model.safetensors").write_bytes(tensors_bytes(tensors, precision))
        return folder
    weight_map = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = {name: tensors[name] for name in list(tensors)[shard::shards]}
        (folder / file).write_bytes(tensors_bytes(part, precision))
        weight_map |= dict.fromkeys(part, file)
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def read_safetensors(path):
    """The floating-point tensors of a file, by name, as float64 arrays."""
    stored = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", stored[:8])
    formats = {name: precision for precision, name in STORED_NAMES.items()}
    tensors = {}
    for name, entry in json.loads(stored[8:8 + length]).items():
        if name == "__metadata__" or entry["dtype"] not in formats:
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = decode(stored[begin:end], formats[entry["dtype"]]).reshape(entry["shape"])
    return tensors
